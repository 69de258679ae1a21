"""Tables that fit into memory: read whole, judged at once, entered in batches."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import Date, Text, TextClause, text
from sqlalchemy.dialects.postgresql import JSONB

from libs.common import clock
from libs.common.bulk.columns import Column
from libs.common.bulk.formats import Format
from libs.common.bulk.reading import frames, reader_of
from libs.common.bulk.verdicts import Issue
from libs.common.db.base import type_of_instant
from libs.common.db.database import Database, Scope
from libs.common.db.statement import Statement, param
from libs.common.events.catalogue import topic_of
from libs.common.events.event import Event
from libs.common.http.problems import Problem
from libs.common.people.masking import masked_value
from libs.common.process import storing
from libs.common.process.storing import Job
from services.registry.imports import received

if TYPE_CHECKING:
    from libs.common.runtime import Process

MOST_ROWS = 1_000_000
"""The nation has some 700,000 village-level codes."""

BATCH = 5_000

Row = dict[str, Any]


class Table(NamedTuple):
    rows: Sequence[Row]
    notices: Sequence[dict[str, Any]]


async def whole(process: "Process", job: Job, columns: Sequence[Column]) -> Table:
    database, sealer = process.databases["registry"], process.sealer
    reader = reader_of(Format(job.parameters["format"]), columns)
    rows: list[Row] = []
    async for frame in frames(reader, received.pieces(database, sealer, job)):
        if len(rows) + frame.height > MOST_ROWS:
            raise Problem("import_too_many_rows", limit=MOST_ROWS)
        rows.extend(frame.to_dicts())
    return Table(rows, reader.header.notices)


class Faults:
    """What is wrong with one row, gathered while it is looked at."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.found: list[Issue] = []

    def add(self, column: str, code: str, *, other: int | None = None) -> None:
        value = self._row.get(column) if column != "row" else None
        shown = masked_value(value) if value else None
        self.found.append(Issue(self._row["row"], column, code, shown, other))

    def require(self, *columns: str) -> None:
        for column in columns:
            if self._row[column] is None:
                self.add(column, "required")


async def enter(
    database: Database, job: Job, statement: Statement, rows: Sequence[Row], told_by: type[Event]
) -> Counter[str]:
    """In batches, each with its audit row and events; counts go on from an earlier run."""
    counts = Counter(job.progress.get("counts", {}))
    if job.parameters["dry_run"]:
        return counts
    given: dict[str, Any] = {
        "as_of": date.fromisoformat(job.parameters["on"]),
        "type": told_by.type,
        "topic": topic_of("registry", told_by),
    }
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        async with database.writing(Scope.job(job.division)) as connection:
            found = await connection.row(statement, rows=batch, at=clock.now(), **given)
            written = {name: count for name, count in dict(found or {}).items() if count}
            counts.update(written)
            done = {"phase": "merging", "done": start + len(batch), "total": len(rows)}
            trace = job.trace(job.kind, **written) if written else None
            await storing.save(connection, job, done | {"counts": counts}, trace)
        database.wake()
    return counts


def rows_statement(name: str) -> TextClause:
    """The statement of a file beside this one: it takes rows as JSON."""
    written = Path(__file__).with_name(f"{name}.sql").read_text("utf-8")
    return text(written).bindparams(
        param("rows", JSONB),
        param("as_of", Date),
        param("at", type_of_instant),
        param("topic", Text),
        param("type", Text),
    )


def result(job: Job, table: Table, *, good: int, counts: Counter[str]) -> dict[str, Any]:
    return {
        "dry_run": job.parameters["dry_run"],
        "rows": len(table.rows),
        "good": good,
        "refused": len(table.rows) - good,
        **counts,
        "notices": list(table.notices),
    }
