"""What people write, as values: yes and no, days, counts, listed terms; null is what is none."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from libs.common.bulk.verdicts import Check

Reading = Callable[[str], Any]

_YES = ("是", "有", "1", "yes", "y", "true", "t", "√")
_NO = ("否", "无", "没有", "不是", "0", "no", "n", "false", "f", "×")
YES_OR_NO = {**dict.fromkeys(_YES, True), **dict.fromkeys(_NO, False)}

_DAY = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d\d)(\d\d))"
    r"(?:[ T]0?0:00(?::00(?:\.0+)?)?)?"
)
_COUNT = re.compile(r"(\d{1,6})(?:\.0+)?")


def read(column: pl.Series, reading: Reading, kind: Any) -> pl.Series:
    """The values of a column of few different ones: each is read once."""
    known = {text: reading(_plain(text)) for text in column.unique().drop_nulls()}
    found = column.replace_strict(known, default=None, return_dtype=kind)
    return found.alias(f"read_{column.name}")


def plain(column: pl.Series) -> pl.Series:
    """Full-width letters and digits as ASCII, as they are typed in codes."""
    is_ascii = column.str.len_bytes().sum() == column.str.len_chars().sum()
    return column if is_ascii else column.str.normalize("NFKC")


def listed(terms: Mapping[str, Any]) -> Reading:
    """The code of a term, whatever its case."""
    folded = {_plain(term).casefold(): code for term, code in terms.items()}
    return lambda text: folded.get(text.casefold())


def day(text: str) -> date | None:
    if not (parts := _DAY.fullmatch(text)):
        return None
    try:
        return date(int(parts[1]), int(parts[2] or parts[4]), int(parts[3] or parts[5]))
    except ValueError:
        return None


def count(text: str) -> int | None:
    found = _COUNT.fullmatch(text)
    return int(found[1]) if found else None


def unread(column: str, code: str) -> Check:
    """There is something in the cell, and it could not be read."""
    return Check(column, code, pl.col(column).is_not_null() & pl.col(f"read_{column}").is_null())


def terms(codes: Iterable[str], said: Mapping[str, str]) -> dict[str, str]:
    """Our own codes and what people call them."""
    return {**{str(code): str(code) for code in codes}, **said}


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text)
