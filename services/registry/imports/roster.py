"""The roster 建档立卡名册: staged, then judged and entered in batches of whole households."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import asyncpg

from libs.common import clock
from libs.common.db.database import Connection, Database, Scope
from libs.common.events.catalogue import topic_of
from libs.common.events.catalogue.registry import HouseholdRegistered, HouseholdUpdated
from libs.common.process import storing
from libs.common.process.storing import Job
from services.registry.imports import queries, received
from services.registry.imports.staging import stage

if TYPE_CHECKING:
    from libs.common.runtime import Process

BATCH = 5_000
"""Rows in a transaction, and to the end of the household that the last one belongs to."""

_TRIES = 5
_EVENTS = {
    "topic": topic_of("registry", HouseholdRegistered),
    "registered_type": HouseholdRegistered.type,
    "updated_type": HouseholdUpdated.type,
}


async def run(process: "Process", job: Job) -> dict[str, Any]:
    """From wherever an earlier run came: staging is made again if a crash has emptied it."""
    database = process.databases["registry"]
    if not await _is_staged(database, job):
        await stage(process, job)
    while (progress := await _next_batch(database, job))["after"] != queries.LAST:
        pass
    return _result(job, progress)


async def clear(connection: Connection, job: Job) -> None:
    """The file and what was staged of it go when the job ends: people's data must not linger."""
    await connection.rows(queries.clear, job_id=job.id)
    await received.forget(connection, job.id)


async def _is_staged(database: Database, job: Job) -> bool:
    staged = job.progress.get("staged")
    if staged is None:
        return False
    async with database.reading(Scope.job(job.division)) as connection:
        rows = await connection.one(queries.staged, job_id=job.id, load=staged["load"])
    return bool(rows == staged["rows"])


async def _next_batch(database: Database, job: Job) -> dict[str, Any]:
    """Once more when another import entered one of its people in the same moment."""
    for _ in range(_TRIES):
        try:
            async with database.writing(Scope.job(job.division)) as connection:
                progress, events = await _batch(connection, job)
        except asyncpg.UniqueViolationError:
            continue
        if events:
            database.wake()
        return progress
    raise storing.Interrupted


async def _batch(connection: Connection, job: Job) -> tuple[dict[str, Any], int]:
    """One transaction: judged, entered, audited, and noted in the job how far that was."""
    await connection.fetch(queries.SETTINGS)
    progress = await storing.hold(connection, job)
    staged, after = progress["staged"], progress.get("after", queries.FIRST)
    rows = {"job_id": job.id, "load": staged["load"], "after": after}
    upto = await connection.one(
        queries.bound, job_id=job.id, load=staged["load"], after=after, size=BATCH
    )
    rows["upto"] = upto or queries.LAST
    as_of = date.fromisoformat(job.parameters["on"])
    refused = await connection.one(queries.judge, **rows, division=job.division, as_of=as_of)
    counts = Counter(progress.get("counts", {}), refused=refused)
    written = Counter(
        {} if job.parameters["dry_run"] else await _enter(connection, rows, as_of, staged["given"])
    )
    progress |= {
        "phase": "merging",
        "after": rows["upto"],
        "done": min(progress.get("done", 0) + BATCH, staged["rows"]) if upto else staged["rows"],
        "total": staged["rows"],
        "counts": counts + written,
    }
    trace = job.trace("import_roster", **written) if written else None
    await storing.save(connection, job, progress, trace)
    return progress, written["events"]


async def _enter(
    connection: Connection, rows: Mapping[str, Any], as_of: date, given: Sequence[str]
) -> dict[str, int]:
    households = await connection.row(
        queries.households, **rows, as_of=as_of, given=given, at=clock.now(), **_EVENTS
    )
    persons = await connection.row(queries.persons, **rows, as_of=as_of, given=given)
    assert households
    assert persons
    found = {**households, **persons}
    return {name: count for name, count in found.items() if count}


def _result(job: Job, progress: Mapping[str, Any]) -> dict[str, Any]:
    staged, counts = progress["staged"], Counter(progress["counts"])
    refused = staged["refused"] + staged["duplicates"] + counts["refused"]
    good = staged["rows"] - refused
    entered = counts["persons_added"] + counts["persons_changed"]
    return {
        "dry_run": job.parameters["dry_run"],
        "rows": staged["rows"],
        "good": good,
        "refused": refused,
        "households_added": counts["households_added"],
        "households_changed": counts["households_changed"],
        "persons_added": counts["persons_added"],
        "persons_changed": counts["persons_changed"],
        "persons_unchanged": 0 if job.parameters["dry_run"] else good - entered,
        "notices": staged["notices"],
    }
