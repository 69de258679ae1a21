"""The only door to a service's database: a connection whose row-level scope is the caller's."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Literal, NamedTuple, Self, cast
from uuid import UUID

import asyncpg
import orjson

from libs.common.db.recorded import records
from libs.common.db.statement import Statement
from libs.common.db.urls import url_of
from libs.common.db.wake import Wake
from libs.common.events.event import Event
from libs.common.records.audit import Trace

SET_SCOPE = "SELECT set_config('app.scope', $1, false)"

DatabaseRole = Literal["app", "self", "public", "worker"]


class Scope(NamedTuple):
    """Which database role a caller acts in, and what its row-level policies compare with."""

    role: DatabaseRole
    setting: str

    @classmethod
    def area(cls, division: str) -> Self:
        """An official's area: every row whose division code starts with this one."""
        if not division.isascii() or not division.isdigit():
            raise ValueError("a division code is made of digits")
        return cls("app", division)

    @classmethod
    def own(cls, *, household: UUID | None, person: UUID | None = None) -> Self:
        """A household or a person: their own rows."""
        return cls("self", f"{household or ''}/{person or ''}")

    @classmethod
    def public(cls) -> Self:
        """Anybody: what is published."""
        return cls("public", "-")

    @classmethod
    def worker(cls) -> Self:
        """The service itself: relay, consumer, jobs."""
        return cls("worker", "-")

    @classmethod
    def job(cls, division: str) -> Self:
        """The service itself at work for an official: where policies ask, within that area."""
        return cls("worker", cls.area(division).setting)


class Connection(asyncpg.Connection):
    """An asyncpg connection that remembers the scope its session is in."""

    __slots__ = ("_emitted", "_scope", "_service")

    async def enter(self, scope: Scope, service: str) -> None:
        """Outside any transaction: a rollback would undo the setting and not the memory of it."""
        self._service, self._emitted = service, False
        if getattr(self, "_scope", None) == scope:
            return
        if self.is_in_transaction():
            raise RuntimeError("a scope is entered before the transaction begins")
        self._scope: Scope | None = None
        await self.fetchval(SET_SCOPE, scope.setting)
        self._scope = scope

    @property
    def emitted(self) -> bool:
        """Whether a command on this loan of the connection wrote events."""
        return self._emitted

    async def rows(self, statement: Statement, **given: Any) -> list[asyncpg.Record]:
        text, values = statement.bind(given)
        return await self.fetch(text, *values)

    async def row(self, statement: Statement, **given: Any) -> asyncpg.Record | None:
        text, values = statement.bind(given)
        return await self.fetchrow(text, *values)

    async def one(self, statement: Statement, **given: Any) -> Any:
        """The single value of the single row, or None: a JSON document, a count, a new version."""
        text, values = statement.bind(given)
        return await self.fetchval(text, *values)

    async def command(
        self, statement: Statement, *, trace: Trace, events: Sequence[Event] = (), **given: Any
    ) -> asyncpg.Record | None:
        """Run a `recorded` statement: change, events and audit row together, or None."""
        changed = await self.row(statement, **given, **records(self._service, trace, events))
        self._emitted |= bool(events) and changed is not None
        return changed


class Database:
    """One service's database, seen by one process: a pool for each role the process acts in."""

    def __init__(
        self, service: str, pools: Mapping[DatabaseRole, asyncpg.Pool], wake: Wake
    ) -> None:
        self.service = service
        self._pools = pools
        self._wake = wake

    @classmethod
    async def open(cls, service: str, url: str, *, sizes: Mapping[DatabaseRole, int]) -> Self:
        """`url` has a place for the role: `postgresql://registry_{role}@/registry?host=…`."""
        opened = await asyncio.gather(*(_pool(url, role, size) for role, size in sizes.items()))
        pools = dict(zip(sizes, opened, strict=True))
        return cls(service, pools, Wake(next(iter(pools.values()))))

    @asynccontextmanager
    async def reading(self, scope: Scope) -> AsyncIterator[Connection]:
        """Autocommit: each statement is its own snapshot and its own round trip."""
        async with self._pools[scope.role].acquire() as loan:
            connection = cast(Connection, loan)
            await connection.enter(scope, self.service)
            yield connection

    @asynccontextmanager
    async def writing(self, scope: Scope) -> AsyncIterator[Connection]:
        """One transaction, committed on leaving; then the relay is woken if events were written."""
        async with self.reading(scope) as connection:
            async with connection.transaction():
                yield connection
            if connection.emitted:
                self._wake.touch()

    async def command(
        self,
        scope: Scope,
        statement: Statement,
        *,
        trace: Trace,
        events: Sequence[Event] = (),
        **given: Any,
    ) -> asyncpg.Record | None:
        """A business transaction of one statement: one round trip, then committed."""
        async with self.reading(scope) as connection:
            changed = await connection.command(statement, trace=trace, events=events, **given)
        if changed is not None and events:
            self._wake.touch()
        return changed

    def wake(self) -> None:
        """Tell the relay that the outbox has rows that came another way than `command`."""
        self._wake.touch()

    async def close(self) -> None:
        await self._wake.close()
        await asyncio.gather(*(pool.close() for pool in self._pools.values()))


async def _pool(url: str, role: DatabaseRole, size: int) -> asyncpg.Pool:
    async def connect(*_: Any, **options: Any) -> asyncpg.Connection:
        return await asyncpg.connect(url_of(url, role), **options)

    return await asyncpg.create_pool(
        url_of(url, role),
        connect=connect,
        min_size=0,
        max_size=size,
        connection_class=Connection,
        init=prepare,
        reset=_keep_scope,
        server_settings={"TimeZone": "UTC", "jit": "off"},
    )


async def prepare(connection: asyncpg.Connection) -> None:
    """JSON answers pass through as bytes; jsonb is decoded."""
    await connection.set_type_codec(
        "json", schema="pg_catalog", format="binary", encoder=bytes, decoder=bytes
    )
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=orjson.loads)


async def _keep_scope(_: asyncpg.Connection) -> None:
    """asyncpg has rolled back; its RESET ALL would cost a round trip and lose the scope."""
