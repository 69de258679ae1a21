"""Records to seal, written as a county officer's requests write them."""

from datetime import date
from pathlib import Path
from uuid import UUID

import asyncpg

from libs.common import clock
from libs.common.db.database import Database, Scope
from libs.common.ids import new_id
from libs.common.records.audit import Trace
from libs.common.records.export import export
from libs.common.records.seal import seal as seal_pending

COUNTY = Scope.area("621123")
VILLAGE = "621123104203"
OFFICER = Trace("u-7", "county_officer", "appoint")


async def an_act(connection: asyncpg.Connection, *, division: str | None = VILLAGE) -> UUID:
    row_id = new_id()
    await connection.execute(
        "INSERT INTO audit (id, at, actor, role, action, subject, division, detail)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        *(row_id, clock.now(), OFFICER.actor, OFFICER.role, OFFICER.action, new_id(), division),
        '{"post": "岗位", "hours": 7.50, "of": [1, null], "big": 123456789012345678901234567890}',
    )
    return row_id


async def a_decision(connection: asyncpg.Connection, outcome: str = "eligible") -> UUID:
    row_id = new_id()
    await connection.execute(
        "INSERT INTO decision (id, at, division, subject, clause_set, on_day, outcome, clauses,"
        " inputs, actor) VALUES ($1, $2, $3, $1, 'posts', $4, $5, '[]', '{\"working\": 0}', 'u-7')",
        *(row_id, clock.now(), VILLAGE, date(2019, 3, 1), outcome),
    )
    return row_id


async def some_records(db: Database, rounds: int = 3) -> None:
    """Each round is sealed apart: some acts, one decision."""
    for _ in range(rounds):
        async with db.writing(COUNTY) as connection:
            for _ in range(4):
                await an_act(connection)
            await a_decision(connection)
        await seal_pending(db)


async def written(db: Database, path: Path, day: date | None = None) -> Path:
    on = day or clock.today()
    with path.open("wb") as file:
        async for text in export(db, on, on):
            file.write(text)
    return path
