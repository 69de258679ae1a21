"""个人信息查阅记录: who read which personal data, for what.

An unmasked read writes a row for each person within its own statement: no row, no data. A masked
list or read writes one row, buffered for at most a second. `filter` holds the trace's detail: what
was asked for, and the reader's `department` and `area`.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Self
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import ARRAY, CTE, Select, Text, Uuid, func, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.sql import column
from sqlalchemy.types import TypeEngine

from libs.common import clock, context
from libs.common.db.base import type_of_instant
from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import Statement, param, statement
from libs.common.http.problems import Problem
from libs.common.ids import new_id
from libs.common.records.audit import Trace, access
from libs.common.telemetry.metrics import ACCESS_LOST

_CAPACITY = 20_000
_BATCH = 1_000
_PATIENCE = 5.0  # seconds that a flush, also the last one, waits for the database

log = structlog.get_logger()


class Purpose(StrEnum):
    """用途: what personal data may be read unmasked for."""

    REGISTRATION = "registration"
    APPOINTMENT = "appointment"
    PAYMENT = "payment"
    VISIT = "visit"
    GRIEVANCE = "grievance"
    AUDIT = "audit"


def logged(read: CTE) -> Select[Any]:
    """Answer with `read`, and write one access row for each person in it beside it.

    `read` returns `person_id`, `household_id` and `division` besides the data; `unmasked` runs it.
    """
    given = {
        "id": func.uuidv7(),
        "at": param("reader_at", type_of_instant),
        "actor": param("reader_actor", Text),
        "role": param("reader_role", Text),
        "action": param("reader_action", Text),
        "purpose": param("reader_purpose", Text),
        "person_id": read.c.person_id,
        "household_id": read.c.household_id,
        "division": read.c.division,
        "request_id": param("reader_request_id", Text),
        "filter": param("reader_detail", JSONB),
        "count": literal(1),
        "masked": literal(False),
    }
    rows = insert(access).from_select(list(given), select(*given.values())).cte("logged")
    return select(read).add_cte(rows)


async def unmasked(
    connection: Connection, read: Statement, *, trace: Trace, **given: Any
) -> list[asyncpg.Record]:
    """Run a `logged` statement: the data comes back when its access rows are committed with it."""
    if trace.purpose not in tuple(Purpose):
        raise Problem("purpose_required")
    reader = {
        "reader_at": clock.now(),
        "reader_actor": trace.actor,
        "reader_role": trace.role,
        "reader_action": trace.action,
        "reader_purpose": trace.purpose,
        "reader_request_id": trace.request_id or context.request_id(),
        "reader_detail": dict(trace.detail),
    }
    return await connection.rows(read, **given, **reader)


_NOTED: Mapping[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "at": type_of_instant,
    "actor": Text(),
    "role": Text(),
    "action": Text(),
    "purpose": Text(),
    "person_id": Uuid(),
    "household_id": Uuid(),
    "division": Text(),
    "request_id": Text(),
    "filter": JSONB(),
    "count": access.c.count.type,
}


@statement
def _append() -> Any:
    """Rows noted in this process; what an interrupted flush had written already is left alone."""
    arrays = [param(name, ARRAY(type_, dimensions=1)) for name, type_ in _NOTED.items()]
    columns: list[Any] = [column(name, type_) for name, type_ in _NOTED.items()]
    rows = func.unnest(*arrays).table_valued(*columns).render_derived(name="noted")
    masked = select(*rows.c, literal(True))
    return insert(access).from_select([*_NOTED, "masked"], masked).on_conflict_do_nothing()


class AccessLog:
    """The masked reads of a process, written together each second; a kill may lose that second.

    A context: leaving it writes what is left.
    """

    def __init__(self, db: Database, *, every: float = 1.0, capacity: int = _CAPACITY) -> None:
        self._db, self._every, self._capacity = db, every, capacity
        self._noted: deque[tuple[Any, ...]] = deque()
        self._task: asyncio.Task[None] | None = None
        # Two flushes at once would write the same notes and take off twice as many.
        self._writing = asyncio.Lock()

    def note(
        self,
        trace: Trace,
        *,
        division: str | None,
        count: int,
        person_id: UUID | None = None,
        household_id: UUID | None = None,
    ) -> None:
        """A masked read of `count` persons or households of `division`; returns at once."""
        if len(self._noted) >= self._capacity:
            ACCESS_LOST.labels(self._db.service).inc()
            return
        who = (trace.actor, trace.role, trace.action, trace.purpose)
        subject = (person_id, household_id, division)
        asked = (trace.request_id or context.request_id(), dict(trace.detail), count)
        self._noted.append((new_id(), clock.now(), *who, *subject, *asked))

    async def flush(self) -> None:
        """Write what is noted; what fails stays noted."""
        async with self._writing:
            await self._flush()

    async def _flush(self) -> None:
        while self._noted:
            batch = [self._noted[i] for i in range(min(_BATCH, len(self._noted)))]
            columns = dict(zip(_NOTED, map(list, zip(*batch, strict=True)), strict=True))
            async with (
                asyncio.timeout(_PATIENCE),
                self._db.reading(Scope.worker()) as connection,
            ):
                await connection.rows(_append, **columns)
            for _ in batch:
                self._noted.popleft()

    async def _try(self) -> None:
        try:
            await self.flush()
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            waiting = len(self._noted)
            log.warning("access log not written", waiting=waiting, exc_info=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._every)
            await self._try()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._try()
        ACCESS_LOST.labels(self._db.service).inc(len(self._noted))
