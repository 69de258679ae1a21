"""Rows of a table of divisions 行政区划: names repeat, codes do not; a code is never used twice."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from libs.common.bulk.columns import Column
from libs.common.bulk.values import YES_OR_NO, day, listed
from libs.common.bulk.verdicts import Issue
from services.registry.codes import Level
from services.registry.imports.small import Faults, Row
from services.registry.imports.terms import LEVELS

COLUMNS = (
    Column("code", ("代码", "行政区划代码", "区划代码"), required=True),
    Column("parent", ("上级代码", "上级"), required=True),
    Column("level", ("级别",), required=True),
    Column("name", ("名称",), required=True),
    Column("since", ("起日", "启用日期")),
    Column("until", ("止日", "停用日期")),
    Column("successor", ("接替代码", "新代码")),
    Column("synthetic", ("合成数据",)),
)
LEVEL_OF = {
    2: Level.PROVINCE,
    4: Level.PREFECTURE,
    6: Level.COUNTY,
    9: Level.TOWN,
    12: Level.VILLAGE,
}
"""By the number of digits."""

_CODE = re.compile(r"[0-9]{2}(?:[0-9]{2}(?:[0-9]{2}(?:[0-9]{3}(?:[0-9]{3})?)?)?)?")
_NAME = re.compile(r"[^\W_][\w()（）·\- ]{0,59}")
_PARENT_DIGITS = {4: 2, 6: 4, 9: 6, 12: 9}
_read_level, _read_yes = listed(LEVELS), listed(YES_OR_NO)


class Division(NamedTuple):
    """A code with what the register, or the file, says of it."""

    code: str
    parent: str | None
    level: str
    name: str
    since: date
    until: date | None
    successor: str | None
    synthetic: bool


Known = Mapping[str, Division]


def judged(
    rows: Sequence[Row], known: Known, *, on: date, area: str
) -> tuple[list[Division], list[Issue]]:
    """The rows that can be entered, parents before children, and what is wrong with the others."""
    first: dict[str, int] = {}
    read: list[tuple[Row, Faults, Division | None]] = []
    for row in rows:
        found = Faults(row)
        written = _read(row, found, known, on=on, area=area)
        if written and first.setdefault(written.code, row["row"]) != row["row"]:
            found.add("code", "repeated", other=first[written.code])
        read.append((row, found, written))
    good = _placed(read, known)
    return good, [issue for _, found, _ in read for issue in found.found]


def _read(row: Row, found: Faults, known: Known, *, on: date, area: str) -> Division | None:
    if row["excess"]:
        found.add("row", "not_a_row")
    found.require("code", "level", "name")
    code, level = row["code"], _read_level(row["level"] or "")
    if row["level"] and level is None:
        found.add("level", "not_listed")
    if row["name"] and not _NAME.fullmatch(row["name"]):
        found.add("name", "not_plain_text")
    dates = {name: _date(row, name, found) for name in ("since", "until")}
    if not code or not _CODE.fullmatch(code):
        if code:
            found.add("code", "not_a_code")
        return None
    if level and level != LEVEL_OF[len(code)]:
        found.add("level", "level_differs")
    if not code.startswith(area):
        found.add("code", "outside_area")
    if row["parent"] != (code[: _PARENT_DIGITS[len(code)]] if len(code) > 2 else None):
        found.add("parent", "parent_differs")
    recorded = known.get(code)
    written = Division(
        code=code,
        parent=row["parent"],
        level=LEVEL_OF[len(code)].value,
        name=row["name"],
        since=dates["since"] or (recorded.since if recorded else on),
        until=dates["until"],
        successor=row["successor"],
        synthetic=_synthetic(row, recorded),
    )
    _check_dates(written, found)
    if recorded:
        _check_recorded(written, recorded, found)
    return written


def _synthetic(row: Row, recorded: Division | None) -> bool:
    """Without the column a recorded code stays what it is."""
    if row["synthetic"] is None:
        return recorded is not None and recorded.synthetic
    return bool(_read_yes(row["synthetic"]))


def _date(row: Row, column: str, found: Faults) -> date | None:
    value = day(row[column]) if row[column] else None
    if row[column] and value is None:
        found.add(column, "not_a_date")
    return value


def _check_dates(written: Division, found: Faults) -> None:
    if written.until and written.until <= written.since:
        found.add("until", "period")
    if written.successor and not written.until:
        found.add("successor", "successor_without_until")
    if written.successor and (
        len(written.successor) != len(written.code) or written.successor == written.code
    ):
        found.add("successor", "successor_differs")


def _check_recorded(written: Division, recorded: Division, found: Faults) -> None:
    """What a code has stood for, it stands for; the end of a closed one is not moved."""
    dated = (written.level, written.parent, written.since)
    if dated != (recorded.level, recorded.parent, recorded.since):
        found.add("code", "code_reused")
    closed = (recorded.until, recorded.successor)
    if recorded.until and (written.until, written.successor) != closed:
        found.add("code", "code_closed")


def _placed(read: Sequence[tuple[Row, Faults, Division | None]], known: Known) -> list[Division]:
    """Only what has a parent, and a successor where it names one, in the file or the register."""
    there = set(known)
    good: list[Division] = []
    listed_codes = {written.code for _, _, written in read if written}
    for _, found, written in sorted(read, key=lambda each: len(each[2].code) if each[2] else 0):
        if written is None:
            continue
        if written.parent and written.parent not in there:
            found.add("parent", "parent_unknown")
        if (
            written.successor
            and written.successor not in listed_codes
            and (written.successor not in known)
        ):
            found.add("successor", "successor_unknown")
        if not found.found:
            there.add(written.code)
            good.append(written)
    return good


def changed(good: Iterable[Division], known: Known) -> list[dict[str, Any]]:
    """What the register does not say yet."""
    return [written._asdict() for written in good if known.get(written.code) != written]
