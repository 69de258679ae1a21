"""Idempotency keys: a repeated request is answered as the first was, and done once."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated, Any
from uuid import UUID

import orjson
from asyncpg import Record
from fastapi import Depends, Header, Request
from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    Select,
    Table,
    Text,
    Update,
    Uuid,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert
from starlette.responses import Response

from libs.common.db.base import COMMON, instant
from libs.common.db.database import Connection, Database
from libs.common.db.statement import param, statement
from libs.common.http.caller import Caller
from libs.common.http.problems import Problem

_HEADER = Header(pattern=r"^[!-~]{1,128}$", max_length=128)

idempotency = Table(
    "idempotency",
    COMMON,
    Column("caller", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("request", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("resource_id", Uuid),
    Column("event_id", Uuid),
    instant("created_at", server_default=func.now()),
)
"""幂等键: what a caller's request under a key came to; without a status the key is free again."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a write did: the id of its resource, and of the event that tells of it."""

    id: UUID
    event_id: UUID | None = None
    status: int = 201

    def response(self, *, replayed: bool = False) -> Response:
        headers = {"Idempotent-Replay": "true"} if replayed else None
        event_id = None if self.event_id is None else str(self.event_id)
        body = orjson.dumps({"id": str(self.id), "event_id": event_id})
        return Response(body, self.status, headers, "application/json")


Work = Callable[[Connection], Awaitable[Done | Problem]]
"""A write in its transaction. A `Problem` that it returns, rather than raises, is answered after
the commit: a refusal keeps the decision that explains it."""


class Once:
    """One request under the caller's key, if they gave one."""

    def __init__(self, key: str | None, request: bytes) -> None:
        self._key, self._request = key, request

    async def answered(self, database: Database, caller: Caller) -> Response | None:
        """The first answer, when there was one: to look before asking other services anything."""
        if self._key is None:
            return None
        async with database.reading(caller.scope) as connection:
            found = await connection.row(_found, caller=caller.subject, key=self._key)
        return self._replay(found) if found and found["status"] else None

    async def run(self, database: Database, caller: Caller, work: Work) -> Response:
        """Do `work` in one transaction with the key, or answer as the first time.

        A second request with the same key waits here until the first one has committed or failed.
        """
        async with database.writing(caller.scope) as connection:
            if not await self._claim(connection, caller):
                found = await connection.row(_found, caller=caller.subject, key=self._key)
                return self._replay(found)
            outcome = await work(connection)
            if isinstance(outcome, Done):
                await self._settle(connection, caller, outcome)
        if isinstance(outcome, Problem):
            raise outcome
        return outcome.response()

    async def _claim(self, connection: Connection, caller: Caller) -> bool:
        if self._key is None:
            return True
        given = {"caller": caller.subject, "key": self._key, "request": self._request}
        return await connection.one(_claim, **given) is not None

    async def _settle(self, connection: Connection, caller: Caller, done: Done) -> None:
        if self._key is None:
            return
        given = {"status": done.status, "resource_id": done.id, "event_id": done.event_id}
        await connection.one(_settle, caller=caller.subject, key=self._key, **given)

    def _replay(self, found: Record | None) -> Response:
        if found is None or found["request"] != self._request:
            raise Problem("idempotency_key_reused")
        done = Done(found["resource_id"], found["event_id"], found["status"])
        return done.response(replayed=True)


async def _digest(request: Request) -> bytes:
    asked = f"{request.method}\n{request.url.path}\n{request.url.query}\n"
    return hashlib.sha256(asked.encode() + await request.body()).digest()


async def _with_key(request: Request, idempotency_key: Annotated[str, _HEADER]) -> Once:
    return Once(idempotency_key, await _digest(request))


async def _perhaps_with_key(
    request: Request, idempotency_key: Annotated[str | None, _HEADER] = None
) -> Once:
    return Once(idempotency_key, await _digest(request))


OnceByKey = Annotated[Once, Depends(_with_key)]
"""For money and selection: the request must have an Idempotency-Key."""
OnceIfKeyed = Annotated[Once, Depends(_perhaps_with_key)]


def _mine() -> tuple[Any, Any]:
    table = idempotency.c
    return table.caller == param("caller"), table.key == param("key")


@statement
def _claim() -> ReturningInsert[Any]:
    """The key, unless it is settled; waits for a transaction that holds it."""
    names = ("caller", "key", "request")
    claim = insert(idempotency).values({name: param(name) for name in names})
    return claim.on_conflict_do_update(
        index_elements=["caller", "key"],
        set_={"request": claim.excluded.request},
        where=idempotency.c.status.is_(None),
    ).returning(idempotency.c.key)


@statement
def _settle() -> Update:
    names = ("status", "resource_id", "event_id")
    return update(idempotency).where(*_mine()).values({name: param(name) for name in names})


@statement
def _found() -> Select[Any]:
    return select(idempotency).where(*_mine())
