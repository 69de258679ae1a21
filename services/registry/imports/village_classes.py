"""Classes of villages 四类村 into the register: dated rows, and an event when the class changes."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, TextClause, select

from libs.common.bulk.columns import Column
from libs.common.bulk.values import day, listed
from libs.common.bulk.verdicts import Issue
from libs.common.db.database import Scope
from libs.common.db.statement import any_of, statement
from libs.common.events.catalogue.registry import VillageReclassified
from libs.common.process.storing import Job
from services.registry.imports import faults
from services.registry.imports.places import Place, villages_of
from services.registry.imports.small import Faults, Row, enter, result, rows_statement, whole
from services.registry.imports.terms import VILLAGE_CLASSES
from services.registry.models import village_class

if TYPE_CHECKING:
    from libs.common.runtime import Process

COLUMNS = (
    Column("village", ("行政村代码", "行政村编码", "村代码", "村编码", "行政村"), required=True),
    Column("class", ("贫困村分类", "村分类", "分类", "类别"), required=True),
    Column("since", ("起日", "认定日期"), required=True),
    Column("source", ("依据", "文件", "文号"), required=True),
)
_LONGEST_SOURCE = 200
_class_of = listed(VILLAGE_CLASSES)

Given = Mapping[tuple[str, date], str]
"""The class that a village was given from a day on."""


async def run(process: "Process", job: Job) -> dict[str, Any]:
    database = process.databases["registry"]
    table = await whole(process, job, COLUMNS)
    on = date.fromisoformat(job.parameters["on"])
    async with database.reading(Scope.job(job.division)) as connection:
        places = await villages_of(connection, job.division, on)
        current = [place.current for place in places.values() if place.current]
        rows = await connection.rows(_given, division=current)
    given = {(row["division"], row["since"]): row["class"] for row in rows}
    good, issues = judged(table.rows, places, given, on=on, area=job.division)
    async with database.writing(Scope.job(job.division)) as connection:
        await faults.add(connection, job, issues)
    new = [row for row in good if (row["village"], row["since"]) not in given]
    counts = await enter(database, job, _enter, new, VillageReclassified)
    return result(job, table, good=len(good), counts=counts)


def judged(
    rows: Sequence[Row], places: Mapping[str, Place], given: Given, *, on: date, area: str
) -> tuple[list[Row], list[Issue]]:
    """The rows that can be entered, and what is wrong with the others."""
    good: list[Row] = []
    issues: list[Issue] = []
    first: dict[tuple[str, date], int] = {}
    for row in rows:
        found = Faults(row)
        read = _read(row, found, places, on=on, area=area)
        if read:
            key = (read["village"], read["since"])
            if first.setdefault(key, row["row"]) != row["row"]:
                found.add("village", "repeated", other=first[key])
            if given.get(key, read["class"]) != read["class"]:
                found.add("class", "class_contradicts")
        issues.extend(found.found)
        if read and not found.found:
            good.append(read)
    return good, issues


def _read(
    row: Row, found: Faults, places: Mapping[str, Place], *, on: date, area: str
) -> Row | None:
    if row["excess"]:
        found.add("row", "not_a_row")
    found.require("village", "class", "since", "source")
    village = _village(row["village"], found, places, area) if row["village"] else None
    class_ = _class_of(row["class"] or "")
    if row["class"] and class_ is None:
        found.add("class", "not_listed")
    since = day(row["since"] or "")
    if row["since"] and since is None:
        found.add("since", "not_a_date")
    if since and since > on:
        found.add("since", "after_as_of")
    source = row["source"] or ""
    if not source.isprintable() or len(source) > _LONGEST_SOURCE:
        found.add("source", "not_plain_text")
    if not (village and class_ and since):
        return None
    return {"village": village, "class": class_, "since": since, "source": source}


def _village(code: str, found: Faults, places: Mapping[str, Place], area: str) -> str | None:
    """An old code stands for its successor."""
    place = places.get(code)
    if place is None:
        within = code.startswith(area)
        found.add("village", "village_unknown" if within else "outside_area")
        return None
    if place.fault:
        found.add("village", place.fault)
    return place.current


@statement
def _given() -> Select[Any]:
    return select(village_class).where(any_of(village_class.c.division, "division"))


@statement
def _enter() -> TextClause:
    return rows_statement("village_classes")
