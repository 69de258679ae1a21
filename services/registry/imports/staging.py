"""Staging of a roster: read, checked, sealed and copied, a block in memory at a time."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from libs.common.bulk.formats import Format
from libs.common.bulk.reading import frames, reader_of
from libs.common.bulk.verdicts import Check, Issue, issues, judge
from libs.common.db.database import Connection, Database, Scope
from libs.common.http.problems import Problem
from libs.common.ids import new_id_text
from libs.common.people.sealing import Sealer
from libs.common.process import storing
from libs.common.process.storing import Job
from services.registry.imports import faults, queries, reasons, received
from services.registry.imports.places import Place, villages_of
from services.registry.imports.roster_columns import COLUMNS, OPTIONAL, checks, staged, typed
from services.registry.imports.tasks import STRANDS, side_by_side
from services.registry.models import IDENTITY, PHONE

if TYPE_CHECKING:
    from libs.common.runtime import Process


class _Block(NamedTuple):
    """A block of the file, ready to be copied."""

    csv: io.BytesIO
    columns: Sequence[str]
    rows: int
    refused: int
    issues: Sequence[Issue]
    replaced: Mapping[tuple[str, str], int]
    unknown_counties: int


@dataclass
class _Staging:
    """One run's way through the file, and what it found on it."""

    database: Database
    sealer: Sealer
    job: Job
    load: int
    on: date
    places: Mapping[str, Place]
    checks: Sequence[Check]
    read: int = 0
    rows: int = 0
    refused: int = 0
    replaced: Counter[tuple[str, str]] = field(default_factory=Counter)
    unknown_counties: int = 0


async def stage(process: "Process", job: Job) -> dict[str, Any]:
    """The whole file, from its beginning; what was staged, as the job's progress keeps it."""
    database, sealer = process.databases["registry"], process.sealer
    on = date.fromisoformat(job.parameters["on"])
    async with database.reading(Scope.job(job.division)) as connection:
        if await connection.one(queries.index_is_rotating, **_key(sealer)):
            raise Problem("import_index_rotation")
        places = await villages_of(connection, job.division, on)
        load = await connection.one(queries.next_load)
        # Noted before there is anything to clear away.
        await storing.save(connection, job, {"loads": [*job.progress.get("loads", []), load]})
    staging = _Staging(database, sealer, job, load, on, places, checks(on, job.division))
    reader = reader_of(Format(job.parameters["format"]), COLUMNS)
    room = asyncio.Semaphore(STRANDS)
    async with side_by_side() as blocks:
        async for frame in frames(reader, _counted(staging)):
            await room.acquire()
            blocks.create_task(_stage_block(staging, frame, room))
    given = [name for name in OPTIONAL if name in reader.header.found]
    return await _finish(staging, given, [*reader.header.notices, *_notices(staging)])


async def _counted(staging: _Staging) -> AsyncIterator[bytes]:
    async for piece in received.pieces(staging.database, staging.sealer, staging.job):
        staging.read += len(piece)
        yield piece


async def _stage_block(staging: _Staging, frame: pl.DataFrame, room: asyncio.Semaphore) -> None:
    try:
        await _store(staging, await asyncio.to_thread(_prepare, staging, frame))
    finally:
        room.release()


def _prepare(staging: _Staging, frame: pl.DataFrame) -> _Block:
    """Beside the event loop: judged, sealed and written as PostgreSQL reads it."""
    frame = typed(frame, staging.on, staging.places)
    refused = judge(frame, staging.checks).fill_null(value=False)
    found = issues(frame.filter(refused), staging.checks) if refused.any() else []
    good = frame.filter(~refused)
    rows = _identified(_sealed(staged(frame, refused), staging.sealer), staging.load)
    return _Block(
        csv=_csv(rows),
        columns=rows.columns,
        rows=rows.height,
        refused=int(refused.sum()),
        issues=found,
        replaced=_replaced(good),
        unknown_counties=int(good.get_column("county_unknown").sum()),
    )


def _csv(rows: pl.DataFrame) -> io.BytesIO:
    file = io.BytesIO()
    rows.write_csv(file, include_header=False)
    file.seek(0)
    return file


def _replaced(good: pl.DataFrame) -> Mapping[tuple[str, str], int]:
    """Rows under old village codes, by old and new code."""
    moved = good.filter(pl.col("village") != pl.col("current"))
    counted = moved.group_by("village", "current").len()
    return {(old, new): rows for old, new, rows in counted.iter_rows()}


def _sealed(rows: pl.DataFrame, sealer: Sealer) -> pl.DataFrame:
    identities = rows.get_column("identity").to_list()
    phones = rows.get_column("phone").to_list()
    return rows.drop("identity", "phone").with_columns(
        _hex("identity_sealed", sealer.seal_many(IDENTITY, identities)),
        _hex("identity_index", sealer.index_many(IDENTITY, identities)),
        _hex("phone_sealed", sealer.seal_many(PHONE, phones)),
        _hex("phone_index", sealer.index_many(PHONE, phones)),
    )


def _identified(rows: pl.DataFrame, load: int) -> pl.DataFrame:
    """With ids for whoever turns out to be new; a household that is entered has a head."""
    heads = rows.get_column("relation").eq("head").to_list()
    return rows.with_columns(
        pl.lit(load).alias("load"),
        pl.Series("id", [new_id_text() for _ in heads], pl.String),
        pl.Series("household_id", [new_id_text() if h else None for h in heads], pl.String),
        pl.Series("event_id", [new_id_text() if h else None for h in heads], pl.String),
    )


def _hex(name: str, values: Sequence[bytes | None]) -> pl.Series:
    """`bytea` as its text form."""
    digits = pl.Series(name, values, pl.Binary).bin.encode("hex")
    return ("\\x" + digits).alias(name)


async def _store(staging: _Staging, block: _Block) -> None:
    job = staging.job
    progress = {"phase": "reading", "done": staging.read, "total": job.parameters["bytes"]}
    # Closed, because the driver leaves it in a cycle that only the next collection would free.
    with block.csv:
        async with staging.database.writing(Scope.job(job.division)) as connection:
            await connection.copy_to_table(
                "import_person", source=block.csv, columns=block.columns, format="csv"
            )
            await faults.add(connection, job, block.issues)
            await storing.save(connection, job, progress)
    staging.rows += block.rows
    staging.refused += block.refused
    staging.replaced.update(block.replaced)
    staging.unknown_counties += block.unknown_counties


async def _finish(
    staging: _Staging, given: Sequence[str], notices: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """From here on a next run needs the file only if a crash empties the staging table."""
    job, load = staging.job, staging.load
    async with staging.database.writing(Scope.job(job.division)) as connection:
        await connection.fetch(queries.ROOM)
        given_job = {"job_id": job.id, "division": job.division}
        duplicates = await connection.one(queries.twice, load=load, **given_job)
        found = {
            "load": load,
            "rows": staging.rows,
            "refused": staging.refused,
            "duplicates": duplicates,
            "given": list(given),
            "notices": list(notices),
        }
        await _open_lanes(connection, staging)
        await storing.save(connection, job, {"phase": "checking", "staged": found})
    return found


async def _open_lanes(connection: Connection, staging: _Staging) -> None:
    """Equal shares, to be entered side by side."""
    after = queries.FIRST
    for no in range(STRANDS):
        left = staging.rows // STRANDS
        bound = await connection.one(queries.bound, load=staging.load, after=after, size=left)
        upto = bound if bound and no < STRANDS - 1 else queries.LAST
        share = {"no": no, "after": after, "upto": upto}
        await connection.rows(queries.open_lane, job_id=staging.job.id, **share, counts={})
        after = upto


def _notices(staging: _Staging) -> list[dict[str, Any]]:
    """What was taken in all the same, counted."""
    noticed = [
        {
            "code": "village_replaced",
            "column": "village",
            "from": old,
            "to": new,
            "rows": rows,
            "message": reasons.words("village_replaced"),
        }
        for (old, new), rows in sorted(staging.replaced.items())
    ]
    if staging.unknown_counties:
        noticed.append(
            {
                "code": "county_unknown",
                "column": "identity",
                "rows": staging.unknown_counties,
                "message": reasons.words("county_unknown"),
            }
        )
    return noticed


def _key(sealer: Sealer) -> dict[str, bytes]:
    """What indexes under the current key begin with, and what follows all of them."""
    number = sealer.index(IDENTITY, "")[0]
    return {"first": bytes([number]), "behind": bytes([number + 1])}
