"""Divisions 行政区划 into the register: new codes, names, closings, villages with their event."""

import asyncio
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, TextClause, select

from libs.common.db.database import Scope
from libs.common.db.statement import any_of, statement
from libs.common.events.catalogue.registry import VillageRegistered, village_id
from libs.common.process.storing import Job
from services.registry.codes import Level
from services.registry.imports import faults
from services.registry.imports.division_rows import COLUMNS, Division, changed, judged
from services.registry.imports.small import enter, result, rows_statement, whole
from services.registry.models import division

if TYPE_CHECKING:
    from libs.common.runtime import Process


async def run(process: "Process", job: Job) -> dict[str, Any]:
    """What an earlier run has entered is there already: only the rest is new."""
    database = process.databases["registry"]
    table = await whole(process, job, COLUMNS)
    named = {row[column] for row in table.rows for column in ("code", "parent", "successor")}
    async with database.reading(Scope.job(job.division)) as connection:
        rows = await connection.rows(_known, code=[code for code in named if code])
    known = {row["code"]: Division(**row) for row in rows}
    on = date.fromisoformat(job.parameters["on"])
    good, issues = await asyncio.to_thread(judged, table.rows, known, on=on, area=job.division)
    async with database.writing(Scope.job(job.division)) as connection:
        await faults.add(connection, job, issues)
    new = [
        row | {"village_id": village_id(row["code"]) if row["level"] == Level.VILLAGE else None}
        for row in changed(good, known)
    ]
    counts = await enter(database, job, _enter, new, VillageRegistered)
    return result(job, table, good=len(good), counts=counts)


@statement
def _known() -> Select[Any]:
    return select(division).where(any_of(division.c.code, "code"))


@statement
def _enter() -> TextClause:
    return rows_statement("divisions")
