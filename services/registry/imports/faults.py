"""The report on the rows of a file: kept with its job, read as CSV or NDJSON in two languages."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, ClauseElement, Integer, Select, Text, Uuid, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import column

from libs.common.bulk.verdicts import Issue
from libs.common.db.base import Code
from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import param, statement
from libs.common.process.storing import Job, job
from services.registry.imports import reasons
from services.registry.imports.models import import_issue

_PAGE = 5_000
_NAMES = ("row", "column", "value", "code", "other", "zh", "en")
_MARK = "\ufeff"
"""Spreadsheet programs take a CSV without it for their own encoding."""


async def add(connection: Connection, of: Job, issues: Sequence[Issue]) -> None:
    """The same issue again is the same: a file that is read again adds nothing."""
    for start in range(0, len(issues), _PAGE):
        page = issues[start : start + _PAGE]
        columns = {name: [getattr(issue, name) for issue in page] for name in Issue._fields}
        await connection.rows(_add, job_id=of.id, division=of.division, **columns)


async def report(database: Database, scope: Scope, job_id: UUID, form: str) -> AsyncIterator[bytes]:
    """All issues of a job in the order of their rows; no connection is held between pages."""
    last: tuple[int, str, str] = (0, "", "")
    if form == "csv":
        yield _line(_MARK, _NAMES)
    while True:
        given = dict(zip(("row", "column", "code"), last, strict=True))
        async with database.reading(scope) as connection:
            page = await connection.rows(_page, job_id=job_id, **given)
        if page:
            last = (page[-1]["row"], page[-1]["column"], page[-1]["code"])
            yield b"".join(_written(dict(row), form) for row in page)
        if len(page) < _PAGE:
            return


def _written(issue: dict[str, Any], form: str) -> bytes:
    said = issue | reasons.words(issue["code"])
    if form == "csv":
        return _line("", [said[name] for name in _NAMES])
    return orjson.dumps({name: said[name] for name in _NAMES}) + b"\n"


def _line(mark: str, cells: Sequence[Any]) -> bytes:
    line = io.StringIO()
    line.write(mark)
    csv.writer(line).writerow([_cell(cell) for cell in cells])
    return line.getvalue().encode()


def _cell(value: Any) -> str:
    """What a spreadsheet program would run as a formula is written as text."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


@statement
def exists() -> Select[Any]:
    """Whether the caller may see the job."""
    return select(job.c.id).where(job.c.id == param("job_id", Uuid))


@statement
def _add() -> ClauseElement:
    types: dict[str, Any] = {
        "row": Integer(),
        "column": Text(),
        "code": Text(),
        "value": Text(),
        "other": Integer(),
    }
    arrays = [param(name, ARRAY(type_)) for name, type_ in types.items()]
    columns: list[Any] = [column(name, type_) for name, type_ in types.items()]
    rows = func.unnest(*arrays).table_valued(*columns).render_derived(name="found")
    found = select(param("job_id", Uuid), param("division", Code), *rows.c)
    names = ["job_id", "division", *types]
    return insert(import_issue).from_select(names, found).on_conflict_do_nothing()


@statement
def _page() -> Select[Any]:
    c = import_issue.c
    after = tuple_(param("row", Integer), param("column", Text), param("code", Text))
    return (
        select(c.row, c.column, c.value, c.code, c.other)
        .where(c.job_id == param("job_id", Uuid), tuple_(c.row, c.column, c.code) > after)
        .order_by(c.row, c.column, c.code)
        .limit(_PAGE)
    )
