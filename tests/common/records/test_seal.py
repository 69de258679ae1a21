"""Sealing: nothing is missed, nobody seals twice, and nobody may touch what is written."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from libs.common import clock
from libs.common.db.database import Database, Scope
from libs.common.records.seal import keep_sealed, roots, seal
from libs.common.records.verify import verify
from tests.common.records.given import COUNTY, a_decision, an_act, some_records, written

WORKER = Scope.worker()


async def test_each_source_is_sealed_in_the_order_of_its_ids(
    fresh: Database, superuser: asyncpg.Connection
) -> None:
    async with fresh.writing(COUNTY) as connection:
        acts = [await an_act(connection) for _ in range(3)]
        await a_decision(connection)
    assert await seal(fresh) == 4
    seals = await superuser.fetch("SELECT no, source, rows FROM seal ORDER BY no")
    assert [tuple(row) for row in seals] == [(1, "audit", 3), (2, "decision", 1)]
    sealed = await superuser.fetch("SELECT id FROM audit WHERE seal_no = 1 ORDER BY id")
    assert [row["id"] for row in sealed] == acts
    assert await seal(fresh) == 0


async def test_a_transaction_that_commits_late_is_sealed_late(fresh: Database) -> None:
    async with fresh.writing(COUNTY) as slow:
        early = await an_act(slow)
        async with fresh.writing(COUNTY) as quick:
            late = await an_act(quick)
        assert await seal(fresh) == 1
    assert await seal(fresh) == 1
    async with fresh.reading(WORKER) as connection:
        rows = await connection.fetch("SELECT id, seal_no FROM audit ORDER BY id")
    assert [tuple(row) for row in rows] == [(early, 2), (late, 1)]


async def test_sealers_that_meet_extend_one_chain(fresh: Database, tmp_path: Path) -> None:
    async with fresh.writing(COUNTY) as connection:
        for _ in range(1200):
            await an_act(connection)
    await asyncio.gather(*(seal(fresh) for _ in range(4)))
    await seal(fresh)
    report = verify(await written(fresh, tmp_path / "export.ndjson"))
    assert (report.rows, report.faults) == (1200, [])


async def test_a_day_ends_with_its_root(fresh: Database, morning: datetime) -> None:
    clock.set_to(morning)
    await some_records(fresh, rounds=1)
    clock.set_to(morning + timedelta(days=1))
    with capture_logs() as lines:
        await some_records(fresh, rounds=1)
    async with fresh.reading(WORKER) as connection:
        found = await roots(connection, date(2019, 3, 1), date(2019, 3, 2))
        chains = await connection.fetch("SELECT chain FROM seal ORDER BY no")
    first, second = chains[1]["chain"], chains[3]["chain"]
    assert found == {date(2019, 3, 1): first, date(2019, 3, 2): second}
    assert [(line["day"], line["root"]) for line in lines] == [("2019-03-01", first.hex())]


async def test_a_clock_put_back_does_not_put_the_chain_back(
    fresh: Database, morning: datetime
) -> None:
    clock.set_to(morning)
    await some_records(fresh, rounds=1)
    clock.set_to(morning - timedelta(days=30))
    await some_records(fresh, rounds=1)
    async with fresh.reading(WORKER) as connection:
        instants = await connection.fetch("SELECT sealed_at FROM seal ORDER BY no")
    assert [row["sealed_at"] for row in instants] == sorted(row["sealed_at"] for row in instants)


async def test_the_sealer_goes_on_after_a_failure(
    url_of: Callable[[str], Awaitable[str]], fresh: Database
) -> None:
    unreachable = (await url_of("ground")).replace("?host=", "?host=/nowhere")
    down = await Database.open("ground", unreachable, sizes={"worker": 1})
    with capture_logs() as lines:
        sealing = [asyncio.create_task(keep_sealed(each, every=0.01)) for each in (down, fresh)]
        async with fresh.writing(COUNTY) as connection:
            await an_act(connection)
        async with fresh.reading(WORKER) as connection:
            for _ in range(500):
                if len(lines) > 1 and await connection.fetchval("SELECT max(no) FROM seal"):
                    break
                await asyncio.sleep(0.01)
    for task in sealing:
        task.cancel()
    await asyncio.wait(sealing)
    await down.close()
    assert {line["event"] for line in lines} == {"sealing failed"}
    assert await seal(fresh) == 0


@pytest.mark.parametrize("table", ["audit", "access", "decision"])
@pytest.mark.parametrize("role", ["app", "self", "public", "worker"])
async def test_nobody_changes_or_removes_a_record(fresh: Database, table: str, role: str) -> None:
    scope = {
        "app": COUNTY,
        "self": Scope.own(household=None),
        "public": Scope.public(),
        "worker": WORKER,
    }[role]
    changes = (
        f"UPDATE {table} SET actor = 'u-8'",
        f"UPDATE {table} SET at = now()",
        f"DELETE FROM {table}",
        f"TRUNCATE {table}",
    )
    async with fresh.reading(scope) as connection:
        for change in changes:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(change)


async def test_nobody_adds_a_record_that_is_sealed_already(fresh: Database) -> None:
    for column, value in (("digest", "'\\x00'"), ("seal_no", "1"), ("erased_at", "now()")):
        async with fresh.reading(COUNTY) as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(
                    f"INSERT INTO audit (id, actor, role, action, detail, {column})"
                    f" VALUES (uuidv7(), 'u-7', 'county_officer', 'appoint', '{{}}', {value})"
                )


async def test_a_sealed_record_is_not_sealed_again(fresh: Database) -> None:
    await some_records(fresh, rounds=1)
    async with fresh.reading(WORKER) as connection:
        again = await connection.execute("UPDATE audit SET digest = '\\x00', seal_no = 9")
    assert again == "UPDATE 0"


async def test_an_officer_reads_the_records_of_their_area(fresh: Database) -> None:
    await some_records(fresh, rounds=1)
    elsewhere = Scope.area("621124")
    for scope, seen in ((COUNTY, 4), (elsewhere, 0)):
        async with fresh.reading(scope) as connection:
            assert await connection.fetchval("SELECT count(*) FROM audit") == seen
