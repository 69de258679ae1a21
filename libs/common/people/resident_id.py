"""Resident identity numbers (公民身份号码, GB 11643-1999): check, convert, read birth and sex."""

import re
from datetime import date
from enum import StrEnum

from libs.common.people.code_tables import CodeTables, code_tables
from libs.common.people.verdict import (
    LENGTH,
    NOT_TEXT,
    VALID,
    WRONG_CHARACTERS,
    WRONG_LENGTH,
    Verdict,
)

REASONS = (
    "not_text",
    "length",
    "fifteen_digits",
    "characters",
    "province",
    "birth_date",
    "birth_in_future",
    "sequence_zero",
    "check_digit",
)
WARNINGS = ("lower_case_x", "county_unknown")

FIFTEEN = 15
_SHAPE = re.compile(r"[0-9]{17}[0-9Xx]")
_FIFTEEN_DIGITS = re.compile(r"[0-9]{15}")
_CHECK_DIGITS = "10X98765432"
# The 1989 form gave these sequence codes to people over a hundred: their century cannot be told.
_CENTENARIANS = ("996", "997", "998", "999")
_FULL_WIDTH = {full: full - 0xFEE0 for full in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}


class Sex(StrEnum):
    """GB/T 2261.1 codes 1 and 2."""

    MALE = "male"
    FEMALE = "female"


def check(value: object, on: date) -> Verdict:
    """Judge a number as it stands, on a day: nothing is trimmed or corrected first."""
    if not isinstance(value, str):
        return NOT_TEXT
    if len(value) == FIFTEEN and _FIFTEEN_DIGITS.fullmatch(value):
        return _check_fifteen(value, on)
    if len(value) != LENGTH:
        return WRONG_LENGTH
    if not _SHAPE.fullmatch(value):
        return WRONG_CHARACTERS
    tables = code_tables()
    reasons = _reasons(value, on, tables)
    warnings = _warnings(value, tables)
    return Verdict(reasons, warnings) if reasons or warnings else VALID


def check_digit_of(body: str) -> str:
    """The last character for the first 17 digits.

    The standard weighs digit i by 2^(17-i) mod 11. 13 is 2 mod 11, so reading the digits in base 13
    is half that sum, done by int() in one step.
    """
    return _CHECK_DIGITS[2 * int(body, 13) % 11]


def birth_of(number: str) -> date:
    """Birth date of a valid number."""
    return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))


def sex_of(number: str) -> Sex:
    """Sex of a valid number: the sequence code is odd for men."""
    return Sex.MALE if int(number[16]) % 2 else Sex.FEMALE


def normalise(text: str) -> str:
    """The stored form of what people type: no spaces around, ASCII digits, a capital X.

    Applied once, where values come in; `check` and the blind index see its result.
    """
    return text.translate(_FULL_WIDTH).strip().upper()


def _reasons(number: str, on: date, tables: CodeTables) -> tuple[str, ...]:
    reasons = []
    if number[:2] not in tables.provinces:
        reasons.append("province")
    try:
        if birth_of(number) > on:
            reasons.append("birth_in_future")
    except ValueError:
        reasons.append("birth_date")
    if number[14:17] == "000":
        reasons.append("sequence_zero")
    if check_digit_of(number[:17]) != number[17].upper():
        reasons.append("check_digit")
    return tuple(reasons)


def _warnings(number: str, tables: CodeTables) -> tuple[str, ...]:
    warnings = []
    if number[17] == "x":
        warnings.append("lower_case_x")
    # Dingxi's adults carry 6224xx, codes of before 2003: a county can never refuse a number.
    if number[:6] not in tables.counties and number[:2] in tables.provinces:
        warnings.append("county_unknown")
    return tuple(warnings)


def _check_fifteen(number: str, on: date) -> Verdict:
    body = f"{number[:6]}19{number[6:]}"
    converted = body + check_digit_of(body)
    tables = code_tables()
    reasons = ("fifteen_digits", *_reasons(converted, on, tables))
    offered = len(reasons) == 1 and not number.endswith(_CENTENARIANS)
    return Verdict(reasons, _warnings(converted, tables), converted if offered else None)
