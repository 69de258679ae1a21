"""封存: rows are appended unchained; the sealer folds them into a chain that shows later changes.

What is pending is a set (`seal_no IS NULL`), not a cursor: a transaction that commits late is
sealed late, never missed. The format is in `chain.py`; one process at a time extends a chain.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

import asyncpg
import structlog
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    LargeBinary,
    Table,
    Uuid,
    cast,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.sql import column

from libs.common import clock
from libs.common.db.base import type_of_instant
from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import Statement, param, statement
from libs.common.policy.storing import decision
from libs.common.records.audit import access, audit
from libs.common.records.audit import seal as seals
from libs.common.records.chain import (
    SEAL_COLUMNS,
    batch_digest,
    day_of,
    genesis,
    next_chain,
    row_digest,
)
from libs.common.telemetry.metrics import SEAL_LAG, SEALED

SOURCES: Mapping[str, Table] = {table.name: table for table in (audit, access, decision)}

_BATCH = 500  # hashed in one go: some milliseconds in which the event loop waits
_LOCK = 0x7365616C  # "seal"

log = structlog.get_logger()


def contents(table: Table) -> list[Any]:
    """The columns that a row's digest covers."""
    return [each for each in table.c if each.name not in SEAL_COLUMNS]


def _pending(table: Table) -> Statement:
    @statement
    def pending() -> Any:
        """The oldest rows not yet sealed."""
        unsealed = select(*contents(table)).where(table.c.seal_no.is_(None))
        return unsealed.order_by(table.c.id).limit(param("limit", BigInteger))

    return pending


def _mark(table: Table) -> Statement:
    @statement
    def mark() -> Any:
        """Each row gets its digest and the number of its seal."""
        arrays = func.unnest(param("ids", ARRAY(Uuid)), param("digests", ARRAY(LargeBinary)))
        given = arrays.table_valued(column("id", Uuid), column("digest", LargeBinary))
        row = given.render_derived(name="row")
        return (
            update(table)
            .where(table.c.id == row.c.id, table.c.seal_no.is_(None))
            .values(digest=row.c.digest, seal_no=param("no", BigInteger))
        )

    return mark


_PENDING = {name: _pending(table) for name, table in SOURCES.items()}
_MARK = {name: _mark(table) for name, table in SOURCES.items()}


@statement
def _claim() -> Any:
    return select(func.pg_try_advisory_xact_lock(_LOCK))


@statement
def _oldest() -> Any:
    """For each source, the instant of its oldest row not yet sealed."""
    return select(
        *(
            select(table.c.at)
            .where(table.c.seal_no.is_(None))
            .order_by(table.c.id)
            .limit(1)
            .scalar_subquery()
            .label(name)
            for name, table in SOURCES.items()
        )
    )


@statement
def _last_seal() -> Any:
    return select(seals.c.no, seals.c.sealed_at, seals.c.chain).order_by(seals.c.no.desc()).limit(1)


@statement
def _append_seal() -> Any:
    return insert(seals).values({each.name: param(each.name, each.type) for each in seals.c})


async def seal(db: Database) -> int:
    """Seal what is pending; 0 also when another process is at it."""
    async with db.reading(Scope.worker()) as connection:
        oldest = await connection.row(_oldest)
    waiting = {name: at for name, at in (oldest or {}).items() if at is not None}
    lag = clock.now() - min(waiting.values()) if waiting else timedelta(0)
    SEAL_LAG.labels(db.service).set(lag.total_seconds())
    sealed = 0
    for source in waiting:
        batch = _BATCH
        while batch == _BATCH:
            batch = await _seal_batch(db, source)
            sealed += batch
    SEALED.labels(db.service).inc(sealed)
    return sealed


async def _seal_batch(db: Database, source: str) -> int:
    async with db.writing(Scope.worker()) as connection:
        if not await connection.one(_claim):
            return 0
        rows = await connection.rows(_PENDING[source], limit=_BATCH)
        if rows:
            await _extend(connection, db.service, source, rows)
    return len(rows)


async def _extend(
    connection: Connection, service: str, source: str, rows: Sequence[asyncpg.Record]
) -> None:
    last = await connection.row(_last_seal)
    sealed_at, before = clock.now(), genesis(service)
    if last:
        sealed_at, before = max(sealed_at, last["sealed_at"]), last["chain"]
        if (day := day_of(last["sealed_at"])) != day_of(sealed_at):
            log.info("daily root", service=service, day=str(day), root=before.hex())
    digests = [row_digest(dict(row)) for row in rows]
    sealing = {
        "no": last["no"] + 1 if last else 1,
        "sealed_at": sealed_at,
        "source": source,
        "rows": len(rows),
        "digest": batch_digest(digests),
    }
    await connection.rows(_append_seal, **sealing, chain=next_chain(before, sealing))
    ids = [row["id"] for row in rows]
    await connection.rows(_MARK[source], ids=ids, digests=digests, no=sealing["no"])


async def keep_sealed(db: Database, *, every: float = 1.0) -> None:
    """Until cancelled: seal each second's rows; what fails is pending in the next round."""
    while True:
        try:
            await seal(db)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            log.warning("sealing failed", service=db.service, exc_info=True)
        await asyncio.sleep(every)


@statement
def _roots() -> Any:
    day = cast(func.timezone("Asia/Shanghai", seals.c.sealed_at), Date)
    return (
        select(day.label("day"), seals.c.chain)
        .ext(distinct_on(day))
        .where(seals.c.sealed_at >= param("since", type_of_instant))
        .where(seals.c.sealed_at < param("until", type_of_instant))
        .order_by(day, seals.c.no.desc())
    )


async def roots(connection: Connection, first: date, last: date) -> dict[date, bytes]:
    """日根: the last chain of each day from `first` to `last` on which anything was sealed."""
    since, until = begin_of(first), begin_of(last + timedelta(days=1))
    return {
        row["day"]: row["chain"] for row in await connection.rows(_roots, since=since, until=until)
    }


def begin_of(day: date) -> datetime:
    return datetime.combine(day, time(), clock.SHANGHAI)
