"""Resident identity numbers by the column, for imports: `resident_id.check`, set-wise."""

from datetime import date
from functools import cache
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from libs.common.people import resident_id
from libs.common.people.code_tables import code_tables
from libs.common.people.resident_id import FIFTEEN, REASONS, WARNINGS
from libs.common.people.verdict import LENGTH

Digits: TypeAlias = npt.NDArray[np.uint8]
Mask: TypeAlias = npt.NDArray[np.bool_]
Flags: TypeAlias = dict[str, Mask]

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK_BYTES = np.frombuffer(b"10X98765432", np.uint8)
_DAYS_IN_MONTH = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31], np.uint8)
_ZERO, _SMALL_X = ord("0"), ord("x")
_CASE_BIT = 0x20  # clears to the capital letter


def resident_id_flags(column: pl.Series, on: date) -> pl.DataFrame:
    """One row of booleans per number: `valid`, then each reason, then each warning."""
    lengths = column.str.len_chars().fill_null(0).to_numpy()
    widths = column.str.len_bytes().fill_null(0).to_numpy()
    missing = column.is_null().to_numpy()
    bytes_at = _bytes_of(column, widths == LENGTH)
    digits = bytes_at - np.uint8(_ZERO)
    last = np.where(bytes_at[-1] == _SMALL_X, bytes_at[-1] & ~np.uint8(_CASE_BIT), bytes_at[-1])
    shaped = (widths == LENGTH) & (digits[:-1] < 10).all(axis=0)
    shaped &= (digits[-1] < 10) | (last == ord("X"))
    flags = {code: np.zeros(len(column), np.bool_) for code in (*REASONS, *WARNINGS)}
    flags["not_text"] = missing
    flags["length"] = ~missing & (lengths != LENGTH)
    flags["characters"] = (lengths == LENGTH) & ~shaped
    flags["lower_case_x"] = shaped & (bytes_at[-1] == _SMALL_X)
    for code, flagged in _number_flags(digits, last, on).items():
        flags[code] = shaped & flagged
    _flag_old_numbers(flags, column, (lengths == FIFTEEN) & (widths == FIFTEEN), on)
    bad = np.logical_or.reduce([flags[code] for code in REASONS])
    return pl.DataFrame({"valid": ~bad, **flags})


def _bytes_of(column: pl.Series, usable: Mask) -> Digits:
    """Row i of the answer is character i of every number; what has no 18 bytes reads as zeros."""
    kept = pl.when(pl.Series(usable)).then(column).otherwise(pl.lit("0" * LENGTH))
    text: str = pl.select(kept.str.join()).item()
    packed = np.frombuffer(text.encode(), np.uint8)
    return np.ascontiguousarray(packed.reshape(len(column), LENGTH).T)


def _number_flags(digits: Digits, last: Digits, on: date) -> Flags:
    province, county = _number(digits[:2]), _number(digits[:6])
    year, month, day = _number(digits[6:10]), _number(digits[10:12]), _number(digits[12:14])
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    days = _DAYS_IN_MONTH[np.where(month > 12, 0, month)] + (leap & (month == 2))
    dated = (year > 0) & (day > 0) & (day <= days)
    total = np.zeros(digits.shape[1], np.uint16)
    for weight, digit in zip(_WEIGHTS, digits[:-1], strict=True):
        total += digit * np.uint16(weight)
    real_province = _among("provinces")[np.minimum(province, 99)]
    return {
        "province": ~real_province,
        "birth_date": ~dated,
        "birth_in_future": dated & (year * 10000 + month * 100 + day > int(f"{on:%Y%m%d}")),
        "sequence_zero": _number(digits[14:17]) == 0,
        "check_digit": _CHECK_BYTES[total % 11] != last,
        "county_unknown": real_province & ~_among("counties")[np.minimum(county, 999_999)],
    }


def _flag_old_numbers(flags: Flags, column: pl.Series, suspects: Mask, on: date) -> None:
    """Numbers of 15 digits are few: each takes the verdict of the single check."""
    for row in np.flatnonzero(suspects):
        verdict = resident_id.check(column[int(row)], on)
        for code in (*REASONS, *WARNINGS):
            flags[code][row] = code in verdict.reasons or code in verdict.warnings


def _number(digits: Digits) -> npt.NDArray[np.int32]:
    number = np.zeros(digits.shape[1], np.int32)
    for digit in digits:
        number = number * 10 + digit
    return number


@cache
def _among(table: str) -> Mask:
    """Membership by position: True at each code of the table."""
    codes = [int(code) for code in getattr(code_tables(), table)]
    size = 100 if table == "provinces" else 1_000_000
    members = np.zeros(size, np.bool_)
    members[codes] = True
    return members
