"""A service's sealed records as NDJSON, to be checked anywhere by `verify`."""

from collections import defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import Any

import asyncpg
import orjson
from sqlalchemy import BigInteger, Table, select

from libs.common import clock
from libs.common.db.base import type_of_instant
from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import Statement, param, statement
from libs.common.http.problems import Problem
from libs.common.records.audit import seal as seals
from libs.common.records.chain import SEAL_COLUMNS, canonical, genesis
from libs.common.records.seal import SOURCES, begin_of, contents, roots

_SEALS = 50

_Rows = defaultdict[tuple[str, int], list[asyncpg.Record]]
"""By source and number of the seal."""


def _rows(table: Table) -> Statement:
    @statement
    def rows() -> Any:
        """The rows of the seals from `first` to `last`."""
        sealed = table.c.seal_no.between(param("first", BigInteger), param("last", BigInteger))
        columns = [*contents(table), table.c.digest, table.c.seal_no, table.c.erased_at]
        return select(*columns).where(sealed).order_by(table.c.seal_no, table.c.id)

    return rows


_ROWS = {name: _rows(table) for name, table in SOURCES.items()}


@statement
def _seals() -> Any:
    return (
        select(seals)
        .where(seals.c.sealed_at >= param("since", type_of_instant))
        .where(seals.c.sealed_at < param("until", type_of_instant))
        .where(seals.c.no > param("after", BigInteger))
        .order_by(seals.c.no)
        .limit(_SEALS)
    )


@statement
def _chain_of() -> Any:
    return select(seals.c.chain).where(seals.c.no == param("no", BigInteger))


async def export(db: Database, first: date, last: date, *, area: str = "") -> AsyncIterator[bytes]:
    """What was sealed on the days from `first` to `last` (Asia/Shanghai), some lines at a time.

    Sealed rows do not change, so each page is read on its own and no connection waits for a reader.
    `not_found` where a row is of another area: with it left out, the chain could not be checked.
    """
    running, lines = sha256(), 0
    async for text in _pages(db, first, last, area):
        running.update(text)
        lines += text.count(b"\n")
        yield text
    yield _line("end", {"lines": lines, "digest": running.digest()})


async def _pages(db: Database, first: date, last: date, area: str) -> AsyncIterator[bytes]:
    days = {"since": begin_of(first), "until": begin_of(last + timedelta(days=1))}
    after = 0
    while True:
        async with db.reading(Scope.worker()) as connection:
            page = await connection.rows(_seals, **days, after=after)
            header = b"" if after else await _header(connection, db.service, (first, last), page)
            rows = await _rows_of(connection, page)
        if not all(_is_of(area, row["division"]) for each in rows.values() for row in each):
            raise Problem("not_found")
        if text := header + b"".join(_seal_lines(page, rows)):
            yield text
        if not page:
            return
        after = page[-1]["no"]


async def _header(
    connection: Connection,
    service: str,
    days: tuple[date, date],
    page: Sequence[asyncpg.Record],
) -> bytes:
    after = page[0]["no"] - 1 if page else None
    previous = await connection.one(_chain_of, no=after) if after else genesis(service)
    daily = await roots(connection, *days)
    return _line(
        "header",
        {
            "service": service,
            "first": days[0],
            "last": days[1],
            "exported_at": clock.now(),
            "after": after,
            "previous": previous if page else None,
            "roots": {str(day): root.hex() for day, root in daily.items()},
        },
    )


async def _rows_of(connection: Connection, page: Sequence[asyncpg.Record]) -> _Rows:
    found: _Rows = defaultdict(list)
    for source in {seal["source"] for seal in page}:
        of_source = await connection.rows(_ROWS[source], first=page[0]["no"], last=page[-1]["no"])
        for row in of_source:
            found[source, row["seal_no"]].append(row)
    return found


def _is_of(area: str, division: str | None) -> bool:
    """Also what was done for a wider area, or for none."""
    return division is None or division.startswith(area) or area.startswith(division)


def _seal_lines(page: Sequence[asyncpg.Record], rows: _Rows) -> Iterator[bytes]:
    for seal in page:
        yield _line("seal", dict(seal))
        for row in rows[seal["source"], seal["no"]]:
            yield _line(seal["source"], _sealed_row(row))


def _sealed_row(row: asyncpg.Record) -> Mapping[str, Any]:
    contents = {name: value for name, value in row.items() if name not in SEAL_COLUMNS}
    line = {"seal": row["seal_no"], "digest": row["digest"]}
    if row["erased_at"]:
        return line | {"erased": row["erased_at"], "row": {"id": row["id"]}}
    return line | {"row": orjson.Fragment(canonical(contents))}


def _line(kind: str, members: Mapping[str, Any]) -> bytes:
    return canonical({"kind": kind} | dict(members)) + b"\n"
