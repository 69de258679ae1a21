"""The relay: what the outbox holds goes to the bus, oldest first, and is deleted once it is there.

The outbox is a set of what is pending, not a list to follow with a cursor: ids become visible out
of order, and a cursor passes over those that were still uncommitted. One relay per database
publishes, so that the order of each key stays. A crash between publishing and deleting publishes
the page again; the inbox of every consumer drops what came twice.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import structlog
from sqlalchemy import ClauseElement, Text, delete, exists, func, insert, select

from libs.common import clock
from libs.common.db.database import Connection
from libs.common.db.statement import any_of, param, statement
from libs.common.db.urls import url_of
from libs.common.db.wake import CHANNEL
from libs.common.events.bus import Bus, RecordRefused
from libs.common.events.envelope import to_record
from libs.common.events.hold import SESSION, hold, let_go, try_hold
from libs.common.events.retry import NEVER, rest, unless
from libs.common.events.tables import outbox, outbox_parked
from libs.common.telemetry import metrics

PAGE = 500
_POLL = 0.25
_DEBOUNCE = 0.005
_PUBLISH_TIMEOUT = 30.0
_MEASURE_EVERY = 5.0
_LEADER = "relay"

_log = structlog.get_logger()


@statement
def _oldest() -> ClauseElement:
    return select(outbox).order_by(outbox.c.id).limit(PAGE)


@statement
def _pending() -> ClauseElement:
    return select(exists(select(outbox.c.id)))


@statement
def _published() -> ClauseElement:
    return delete(outbox).where(any_of(outbox.c.id, "ids"))


@statement
def _park() -> ClauseElement:
    """Set one row aside, with the words of the bus."""
    taken = delete(outbox).where(outbox.c.id == param("id")).returning(outbox).cte("taken")
    columns = [*taken.c.keys(), "error"]
    return insert(outbox_parked).from_select(columns, select(*taken.c, param("error", Text)))


@statement
def _backlog() -> ClauseElement:
    parked = select(func.count()).select_from(outbox_parked).scalar_subquery()
    return select(
        func.count(outbox.c.id).label("pending"),
        func.min(outbox.c.time).label("oldest"),
        parked.label("parked"),
    )


class Relay:
    """One service's relay; `url` has a place for the role, which is the worker's."""

    def __init__(self, service: str, url: str, bus: Bus) -> None:
        self._service = service
        self._url = url
        self._bus = bus
        self._woken = asyncio.Event()
        self._failures = 0
        self._measured = NEVER

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for this process's turn, then relay, until `stop`."""
        while not stop.is_set():
            try:
                async with self._connected() as connection:
                    await unless(stop, hold(connection, _LEADER))
                    await self._lead(connection, stop)
            except Exception as error:
                self._failures += 1
                metrics.RELAY_ERRORS.labels(self._service).inc()
                _log.warning("relay_failed", service=self._service, error=repr(error))
                await rest(stop, self._failures)

    async def drain(self) -> None:
        """Return when nothing is pending: publish it, or wait for the relay whose turn it is."""
        async with self._connected() as connection:
            while await connection.one(_pending):
                if await try_hold(connection, _LEADER):
                    while await self._page(connection):
                        pass
                else:
                    await asyncio.sleep(_DEBOUNCE)

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[Connection]:
        """Outside the pool: whose turn it is hangs on this very connection."""
        connection = await asyncpg.connect(
            url_of(self._url, "worker"), connection_class=Connection, server_settings=SESSION
        )
        try:
            yield connection
        finally:
            await let_go(connection)

    async def _lead(self, connection: Connection, stop: asyncio.Event) -> None:
        leader = metrics.RELAY_LEADER.labels(self._service)
        await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
        leader.set(1)
        try:
            while not stop.is_set():
                self._woken.clear()
                published = await self._page(connection)
                await self._measure(connection)
                if published < PAGE:
                    await self._wait()
        finally:
            leader.set(0)

    async def _page(self, connection: Connection) -> int:
        """Publish the oldest rows and delete them; how many there were."""
        rows = await connection.rows(_oldest)
        if not rows:
            return 0
        try:
            async with asyncio.timeout(_PUBLISH_TIMEOUT):
                await self._bus.publish([to_record(row) for row in rows])
        except RecordRefused as refusal:
            row = rows[refusal.index]
            await connection.rows(_park, id=row["id"], error=str(refusal))
            _log.error("event_parked", event_id=str(row["event_id"]), error=str(refusal))
        else:
            await connection.rows(_published, ids=[row["id"] for row in rows])
            metrics.RELAY_PUBLISHED.labels(self._service).inc(len(rows))
        self._failures = 0
        return len(rows)

    async def _wait(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_POLL):
                await self._woken.wait()
            await asyncio.sleep(_DEBOUNCE)  # what commits together travels together

    async def _measure(self, connection: Connection) -> None:
        if time.monotonic() < self._measured + _MEASURE_EVERY:
            return
        self._measured = time.monotonic()
        backlog = await connection.row(_backlog)
        assert backlog is not None
        age = (clock.now() - backlog["oldest"]).total_seconds() if backlog["oldest"] else 0.0
        metrics.OUTBOX_PENDING.labels(self._service).set(backlog["pending"])
        metrics.OUTBOX_OLDEST_AGE.labels(self._service).set(age)
        metrics.OUTBOX_PARKED.labels(self._service).set(backlog["parked"])
