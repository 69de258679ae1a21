"""An uploaded file: stored sealed as it streams in, gone when its job has ended."""

import hashlib
from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ClauseElement, Integer, Select, Text, Uuid, delete, exists, select
from sqlalchemy.dialects.postgresql import insert

from libs.common import clock
from libs.common.bulk.formats import Format
from libs.common.db.base import Code, type_of_instant
from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import param, statement
from libs.common.http.caller import Caller
from libs.common.http.problems import Problem
from libs.common.ids import new_id
from libs.common.people.sealing import Sealer
from libs.common.process import storing
from libs.common.process.storing import Job, job
from services.registry.imports.models import import_chunk

PIECE = 1 << 20
_ABANDONED = timedelta(days=1)
"""An upload that a kill cut off has no job; the next import sweeps it away after this time."""


@dataclass(frozen=True)
class Asked:
    """What is imported, in which form, as of which day; a dry run only reports."""

    kind: str
    form: Format
    on: date
    dry_run: bool


@dataclass
class _Stored:
    job_id: UUID
    pieces: int = 0
    bytes: int = 0


async def receive(
    body: AsyncIterable[bytes], database: Database, sealer: Sealer, caller: Caller, asked: Asked
) -> UUID:
    """Store the file and queue its job, unless a job is at the same file already."""
    stored, digest = _Stored(new_id()), hashlib.sha256()
    queued = None
    try:
        async for piece in _pieces(body):
            digest.update(piece)
            await _store(database, sealer, caller, stored, piece)
        if not stored.bytes:
            raise Problem("import_empty")
        queued = await _queue(database, caller, asked, stored, digest.hexdigest())
        return queued
    finally:
        if queued != stored.job_id:
            async with database.reading(caller.scope) as connection:
                await connection.rows(_forget, job_id=stored.job_id)


async def _pieces(body: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of one size, whatever the network made of them."""
    held = bytearray()
    async for part in body:
        held += part
        while len(held) >= PIECE:
            yield bytes(held[:PIECE])
            del held[:PIECE]
    if held:
        yield bytes(held)


async def _store(
    database: Database, sealer: Sealer, caller: Caller, stored: _Stored, piece: bytes
) -> None:
    """Each piece is committed by itself: a slow upload holds no connection and no transaction."""
    data = sealer.seal_bytes(_field(stored.job_id, stored.pieces), piece)
    async with database.reading(caller.scope) as connection:
        await connection.rows(
            _keep,
            job_id=stored.job_id,
            no=stored.pieces,
            division=caller.division,
            data=data,
            received_at=clock.now(),
        )
    stored.pieces += 1
    stored.bytes += len(piece)


async def _queue(
    database: Database, caller: Caller, asked: Asked, stored: _Stored, sha256: str
) -> UUID:
    parameters = {
        "format": asked.form.value,
        "on": asked.on.isoformat(),
        "dry_run": asked.dry_run,
        "sha256": sha256,
    }
    async with database.writing(caller.scope) as connection:
        given = {"kind": asked.kind, "division": caller.division, "parameters": parameters}
        former: UUID | None = await connection.one(_at_work, **given)
        if former is not None:
            return former
        await storing.create(
            connection,
            caller,
            job_id=stored.job_id,
            kind=asked.kind,
            parameters={**parameters, "pieces": stored.pieces, "bytes": stored.bytes},
            progress={"phase": "received", "done": 0, "total": stored.bytes},
        )
    return stored.job_id


async def pieces(database: Database, sealer: Sealer, of: Job) -> AsyncIterator[bytes]:
    """The file again, piece by piece; no connection is held between them."""
    for no in range(of.parameters["pieces"]):
        async with database.reading(Scope.job(of.division)) as connection:
            data = await connection.one(_kept, job_id=of.id, no=no)
        yield sealer.open_bytes(_field(of.id, no), data)


async def forget(connection: Connection, job_id: UUID) -> None:
    """Delete the file of an ended job, and what broken uploads left behind."""
    await connection.rows(_forget, job_id=job_id)
    await connection.rows(_sweep, before=clock.now() - _ABANDONED)


def _field(job_id: UUID, no: int) -> str:
    """A sealed piece opens in its place of its file only."""
    return f"import_chunk/{job_id}/{no}"


@statement
def _keep() -> ClauseElement:
    return insert(import_chunk).values(
        {column.key: param(column.key, column.type) for column in import_chunk.c}
    )


@statement
def _kept() -> Select[Any]:
    c = import_chunk.c
    return select(c.data).where(c.job_id == param("job_id", Uuid), c.no == param("no", Integer))


@statement
def _forget() -> ClauseElement:
    return delete(import_chunk).where(import_chunk.c.job_id == param("job_id", Uuid))


@statement
def _sweep() -> ClauseElement:
    wanted = exists(select(job.c.id).where(job.c.id == import_chunk.c.job_id))
    before = import_chunk.c.received_at < param("before", type_of_instant)
    return delete(import_chunk).where(before, ~wanted)


@statement
def _at_work() -> Select[Any]:
    """A job with the same file, day and aim that has not ended."""
    same = job.c.parameters.contains(param("parameters", job.c.parameters.type))
    return (
        select(job.c.id)
        .where(
            job.c.kind == param("kind", Text),
            job.c.division == param("division", Code),
            job.c.state.in_(["queued", "running"]),
            same,
        )
        .limit(1)
    )
