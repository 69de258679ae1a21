"""The rows of jobs: made with the work, taken up by one worker at a time, written to by it only."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Column,
    Index,
    Integer,
    Select,
    Table,
    Text,
    Update,
    Uuid,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.common import clock, context
from libs.common.db.base import COMMON, division, instant, type_of_instant
from libs.common.db.database import Connection
from libs.common.db.recorded import recorded
from libs.common.db.statement import param, statement
from libs.common.http.caller import Caller
from libs.common.records.audit import Trace

CHANNEL = "jobs"
"""Workers listen here; a call that is lost costs them a second."""


class State(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


job = Table(
    "job",
    COMMON,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    division(nullable=True),
    Column("created_by", Text, nullable=False),
    instant("created_at", server_default=func.now()),
    instant("updated_at", server_default=func.now()),
    Column("parameters", JSONB, nullable=False),
    Column("progress", JSONB, nullable=False),
    Column("result", JSONB),
    Column("error", Text),
    CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name="state"),
    Index("ix_job_waiting", "id", postgresql_where="state IN ('queued', 'running')"),
)
"""后台任务: made in the transaction of what it works on; a next run resumes at `progress`."""


@dataclass(frozen=True)
class Job:
    """A job as its kind sees it: where it is allowed to work, and how far an earlier run came."""

    id: UUID
    kind: str
    division: str
    created_by: str
    parameters: dict[str, Any]
    progress: dict[str, Any]

    @property
    def attempt(self) -> int:
        """Each run has its own; what an earlier one still tries to write is refused."""
        return int(self.progress["attempt"])

    def trace(self, action: str, **detail: Any) -> Trace:
        """What the audit row of its work says: it acts for the official who asked for it."""
        asked = self.parameters["asked"]
        return Trace(
            actor=self.created_by,
            role=asked["role"],
            action=action,
            detail={"job": str(self.id), **detail},
            request_id=asked["request_id"],
        )


class Superseded(Exception):
    """Another worker has taken the job up: this run has to stop."""


class Interrupted(OSError):
    """Something stood in the way that passes: the next run goes on."""


async def create(
    connection: Connection,
    caller: Caller,
    *,
    job_id: UUID,
    kind: str,
    parameters: Mapping[str, Any],
    progress: Mapping[str, Any],
) -> None:
    """Queue a job in the caller's transaction, with its audit row; workers wake at the commit."""
    asked = {"role": caller.role, "request_id": context.request_id()}
    await connection.command(
        _create,
        trace=caller.trace(kind, **parameters),
        id=job_id,
        kind=kind,
        division=caller.division,
        created_by=caller.subject,
        created_at=clock.now(),
        parameters={**parameters, "asked": asked},
        progress=dict(progress),
    )
    await connection.execute(f"NOTIFY {CHANNEL}")


async def save(
    connection: Connection, of: Job, progress: Mapping[str, Any], trace: Trace | None = None
) -> None:
    """Note how far the work came, in the transaction of the step; `trace` audits the step."""
    given: dict[str, Any] = {
        "id": of.id,
        "attempt": of.attempt,
        "progress": dict(progress),
        "updated_at": clock.now(),
    }
    if trace is None:
        saved = await connection.row(_save, **given)
    else:
        saved = await connection.command(_save_recorded, trace=trace, **given)
    if saved is None:
        raise Superseded


async def check(connection: Connection, of: Job) -> None:
    """Stop here if another worker has taken the job up meanwhile."""
    if await connection.one(_still, id=of.id, attempt=of.attempt) is None:
        raise Superseded


async def waiting(connection: Connection) -> list[UUID]:
    """Jobs that have not ended, the oldest first; others may be at work on some."""
    return [row["id"] for row in await connection.rows(_waiting)]


async def take(connection: Connection, job_id: UUID) -> Job | None:
    """Begin a new run of it, unless it has ended meanwhile."""
    row = await connection.row(_take, id=job_id, updated_at=clock.now())
    names = ("id", "kind", "division", "created_by", "parameters", "progress")
    return Job(**{name: row[name] for name in names}) if row else None


async def end(
    connection: Connection, of: Job, state: State, *, result: Any = None, error: str | None = None
) -> None:
    given = {"id": of.id, "attempt": of.attempt, "updated_at": clock.now()}
    ended = await connection.row(_end, state=state.value, result=result, error=error, **given)
    if ended is None:
        raise Superseded


@statement
def _create() -> Select[Any]:
    names = ("id", "kind", "division", "created_by", "created_at", "parameters", "progress")
    given = {name: param(name, job.c[name].type) for name in names}
    values = {**given, "updated_at": given["created_at"], "state": State.QUEUED.value}
    created = insert(job).values(values).returning(job.c.id.label("subject"), job.c.division)
    return recorded(created.cte("created"))


def _mine() -> tuple[Any, ...]:
    running = job.c.state == State.RUNNING.value
    attempt = job.c.progress["attempt"].as_integer() == param("attempt", Integer)
    return job.c.id == param("id", Uuid), running, attempt


def _saved() -> Update:
    progress = job.c.progress.op("||")(param("progress", JSONB))
    values = {"progress": progress, "updated_at": param("updated_at", type_of_instant)}
    return update(job).where(*_mine()).values(values)


@statement
def _save() -> Any:
    return _saved().returning(job.c.id)


@statement
def _save_recorded() -> Select[Any]:
    saved = _saved().returning(job.c.id.label("subject"), job.c.division)
    return recorded(saved.cte("saved"))


@statement
def progress_of() -> Select[Any]:
    """As the row has it now, which may be further than when the run began."""
    return select(job.c.progress).where(job.c.id == param("id", Uuid))


@statement
def _still() -> Select[Any]:
    return select(job.c.id).where(*_mine())


def _unfinished() -> Any:
    return job.c.state.in_([State.QUEUED.value, State.RUNNING.value])


@statement
def _waiting() -> Select[Any]:
    return select(job.c.id).where(_unfinished()).order_by(job.c.id)


@statement
def _take() -> Any:
    attempt = func.coalesce(job.c.progress["attempt"].as_integer(), 0) + 1
    progress = job.c.progress.op("||")(func.jsonb_build_object("attempt", attempt))
    updated_at = param("updated_at", type_of_instant)
    return (
        update(job)
        .where(job.c.id == param("id", Uuid), _unfinished())
        .values(state=State.RUNNING.value, progress=progress, updated_at=updated_at)
        .returning(job)
    )


@statement
def _end() -> Any:
    names = ("state", "result", "error", "updated_at")
    given = {name: param(name, job.c[name].type) for name in names}
    return update(job).where(*_mine()).values(given).returning(job.c.id)
