"""Verdicts on rows: every failing column of a row, its value masked, the reason as a code."""

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import polars as pl

from libs.common.bulk.tables import EXCESS, ROW
from libs.common.language import Words
from libs.common.people.code_tables import code_tables
from libs.common.people.masking import masked_value


class Issue(NamedTuple):
    """What is wrong with one cell; `other` is the row that it contradicts."""

    row: int
    column: str
    code: str
    value: str | None
    other: int | None = None


class Check(NamedTuple):
    """A row fails where `bad` is true; the value reported is that of `column`."""

    column: str
    code: str
    bad: pl.Expr


def required(*columns: str) -> list[Check]:
    return [Check(column, "required", pl.col(column).is_null()) for column in columns]


SHAPED = Check(ROW, "not_a_row", pl.col(EXCESS))
"""More cells than heads, or a line that is no object: nobody can tell which value is which."""


def judge(frame: pl.DataFrame, checks: Sequence[Check]) -> pl.Series:
    """Which rows fail; `issues` tells the reasons of those."""
    return frame.select(bad=pl.any_horizontal(check.bad for check in checks)).to_series()


def issues(frame: pl.DataFrame, checks: Sequence[Check]) -> list[Issue]:
    """One for each check that a row of the frame fails; null counts as passing."""
    flags = frame.select(check.bad.alias(str(at)) for at, check in enumerate(checks))
    found = []
    for check, flag in zip(checks, flags, strict=True):
        failing = frame.filter(flag)
        values = (
            failing.get_column(check.column).to_list()
            if check.column != ROW
            else [None] * failing.height
        )
        for row, value in zip(failing.get_column(ROW), values, strict=True):
            found.append(Issue(row, check.column, check.code, value and masked_value(value)))
    return found


@cache
def _general() -> Mapping[str, Words]:
    found: dict[str, Words] = tomllib.loads(
        files(__package__).joinpath("reasons.toml").read_text("utf-8")
    )
    return found


def reason(code: str, own: Mapping[str, Words]) -> Words:
    """The words of a code: the import's own, the general ones, or those of identity numbers."""
    if words := own.get(code) or _general().get(code):
        return words
    zh, en = code_tables().messages[code]
    return {"zh": zh, "en": en}
