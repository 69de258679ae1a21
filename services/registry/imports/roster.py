"""The roster 建档立卡名册: staged, then judged and entered in batches of whole households."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg

from libs.common import clock
from libs.common.db.database import Connection, Database, Scope
from libs.common.events.catalogue import topic_of
from libs.common.events.catalogue.registry import HouseholdRegistered, HouseholdUpdated
from libs.common.process import storing
from libs.common.process.storing import Job
from services.registry.imports import queries, received
from services.registry.imports.staging import stage
from services.registry.imports.tasks import side_by_side

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


@dataclass
class _Lane:
    """A share of the file: households after one and up to another, in the order of numbers."""

    job_id: UUID
    no: int
    after: str
    upto: str
    counts: Counter[str]

    def __post_init__(self) -> None:
        self.counts = Counter(self.counts)


@dataclass(frozen=True)
class _Merge:
    """What is being entered: lanes side by side, each in transactions of its own."""

    database: Database
    job: Job
    staged: Mapping[str, Any]
    lanes: Sequence[_Lane]

    @property
    def as_of(self) -> date:
        return date.fromisoformat(self.job.parameters["on"])

    def counts(self) -> Counter[str]:
        return sum((lane.counts for lane in self.lanes), Counter())

    def seen(self) -> dict[str, Any]:
        """What whoever watches the job sees of it."""
        done = min(self.counts()["rows"], self.staged["rows"])
        return {"phase": "merging", "done": done, "total": self.staged["rows"]}


async def run(process: "Process", job: Job) -> dict[str, Any]:
    """From wherever an earlier run came: staging is made again if a crash has emptied it."""
    database = process.databases["registry"]
    staged = job.progress.get("staged")
    if staged is None or not await _is_whole(database, job, staged):
        staged = await stage(process, job)
    async with database.reading(Scope.job(job.division)) as connection:
        found = await connection.rows(queries.lanes, job_id=job.id)
    work = _Merge(database, job, staged, [_Lane(**row) for row in found])
    async with side_by_side() as lanes:
        for lane in work.lanes:
            lanes.create_task(_follow(work, lane))
    return _result(work)


async def clear(connection: Connection, job: Job) -> None:
    """The file and what was staged of it go when the job ends: people's data must not linger."""
    progress = await connection.one(storing.progress_of, id=job.id)
    await connection.rows(queries.clear_staged, loads=progress.get("loads", []))
    await connection.rows(queries.clear_lanes, job_id=job.id)
    await received.forget(connection, job.id)


async def _is_whole(database: Database, job: Job, staged: Mapping[str, Any]) -> bool:
    async with database.reading(Scope.job(job.division)) as connection:
        rows = await connection.one(queries.staged, load=staged["load"])
    return bool(rows == staged["rows"])


async def _follow(work: _Merge, lane: _Lane) -> None:
    """Batch by batch to the end of the lane."""
    while lane.after != lane.upto:
        if await _retried(work, lane):
            work.database.wake()
        async with work.database.reading(Scope.job(work.job.division)) as connection:
            await storing.save(connection, work.job, work.seen())


async def _retried(work: _Merge, lane: _Lane) -> bool:
    """Again, and judged, where a person turns out to be entered already; whether it made events."""
    is_judged = work.job.parameters["dry_run"]
    for _ in range(_TRIES):
        try:
            async with work.database.writing(Scope.job(work.job.division)) as connection:
                passed = await _batch(connection, work, lane, is_judged=is_judged)
        except (asyncpg.UniqueViolationError, asyncpg.DeadlockDetectedError):
            is_judged = True
            continue
        has_events = passed.counts["events"] > lane.counts["events"]
        lane.after, lane.counts = passed.after, passed.counts
        return has_events
    raise storing.Interrupted


async def _batch(connection: Connection, work: _Merge, lane: _Lane, *, is_judged: bool) -> _Lane:
    """One transaction: judged, entered, audited, and noted in its lane how far that was."""
    await connection.fetch(queries.BY_INDEX)
    await storing.check(connection, work.job)
    job, load = work.job, work.staged["load"]
    bound = await connection.one(queries.bound, load=load, after=lane.after, size=BATCH)
    rows = {"load": load, "after": lane.after, "upto": min(bound or lane.upto, lane.upto)}
    is_judged = is_judged or await connection.one(queries.suspect, **rows)
    refused = await _judge(connection, work, rows) if is_judged else 0
    entered = (
        {} if job.parameters["dry_run"] else await _enter(connection, rows, work, known=is_judged)
    )
    counts = lane.counts + Counter(refused=refused, rows=BATCH) + Counter(entered)
    passed = _Lane(job.id, lane.no, rows["upto"], lane.upto, counts)
    await _pass(connection, work, passed, entered, after=lane.after)
    return passed


async def _judge(connection: Connection, work: _Merge, rows: Mapping[str, Any]) -> int:
    """Until nothing more is refused: a row can speak against another for as long as it stays."""
    given = {"job_id": work.job.id, "division": work.job.division, "as_of": work.as_of}
    refused = 0
    while more := await connection.one(queries.judge, **rows, **given):
        refused += more
    return refused


async def _pass(
    connection: Connection, work: _Merge, lane: _Lane, entered: Mapping[str, int], *, after: str
) -> None:
    given: dict[str, Any] = {"job_id": lane.job_id, "no": lane.no, "upto": lane.after}
    given |= {"after": after, "counts": lane.counts}
    if entered:
        division, trace = work.job.division, work.job.trace("import_roster", **entered)
        passed = await connection.command(
            queries.pass_batch_recorded,
            trace=trace,
            division=division,
            **given,
        )
    else:
        passed = await connection.row(queries.pass_batch, **given)
    if passed is None:
        raise storing.Superseded


async def _enter(
    connection: Connection, rows: Mapping[str, Any], work: _Merge, *, known: bool
) -> dict[str, int]:
    given = {**rows, "as_of": work.as_of, "given": work.staged["given"], "known": known}
    households = await connection.row(queries.households, **given, at=clock.now(), **_EVENTS)
    persons = await connection.row(queries.persons, **given)
    found = {**dict(households or {}), **dict(persons or {})}
    return {name: count for name, count in found.items() if count}


def _result(work: _Merge) -> dict[str, Any]:
    staged, counts = work.staged, work.counts()
    refused = staged["refused"] + staged["duplicates"] + counts["refused"]
    good = staged["rows"] - refused
    dry_run = work.job.parameters["dry_run"]
    entered = counts["persons_added"] + counts["persons_changed"]
    return {
        "dry_run": dry_run,
        "rows": staged["rows"],
        "good": good,
        "refused": refused,
        "households_added": counts["households_added"],
        "households_changed": counts["households_changed"],
        "persons_added": counts["persons_added"],
        "persons_changed": counts["persons_changed"],
        "persons_unchanged": 0 if dry_run else good - entered,
        "notices": staged["notices"],
    }
