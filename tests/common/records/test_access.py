"""Readings: no unmasked data without its record, no wait for a masked one, people see both."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from libs.common import clock
from libs.common.db.database import Database, Scope
from libs.common.db.statement import statement
from libs.common.http.problems import Problem
from libs.common.ids import new_id
from libs.common.records.access import AccessLog, Purpose, logged, unmasked
from libs.common.records.audit import Trace, audit
from libs.common.records.usage import READERS, data_usage
from libs.common.telemetry.metrics import REGISTRY
from tests.common.records.given import COUNTY, VILLAGE, an_act

READER = Trace(
    "u-7",
    "county_officer",
    "read_person_unmasked",
    purpose=Purpose.APPOINTMENT,
    detail={"department": "人社", "area": "621123"},
)
LISTING = replace(READER, action="list_persons", purpose=None)


@statement
def persons() -> Any:
    """The subjects of the acts that the caller may see stand in for persons."""
    about = select(
        audit.c.subject.label("person_id"),
        audit.c.id.label("household_id"),
        audit.c.division,
        audit.c.actor.label("phone"),
    )
    return logged(about.cte("read"))


async def some_persons(db: Database, count: int = 3) -> None:
    async with db.writing(COUNTY) as connection:
        for _ in range(count):
            await an_act(connection)
        await an_act(connection, division="621124100201")


async def records(db: Database) -> list[asyncpg.Record]:
    async with db.reading(Scope.worker()) as connection:
        rows: list[asyncpg.Record] = await connection.fetch("SELECT * FROM access ORDER BY id")
    return rows


async def test_an_unmasked_reading_is_recorded_for_each_person_read(fresh: Database) -> None:
    await some_persons(fresh)
    async with fresh.reading(COUNTY) as connection:
        read = await unmasked(connection, persons, trace=READER)
    rows = await records(fresh)
    assert len(read) == 3
    assert {row["person_id"] for row in rows} == {row["person_id"] for row in read}
    assert {(row["actor"], row["purpose"], row["division"], row["masked"]) for row in rows} == {
        ("u-7", "appointment", VILLAGE, False)
    }


async def test_data_and_record_share_their_transaction(fresh: Database) -> None:
    await some_persons(fresh)

    async def read_and_fail() -> None:
        async with fresh.writing(COUNTY) as connection:
            await unmasked(connection, persons, trace=READER)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await read_and_fail()
    assert await records(fresh) == []


@pytest.mark.parametrize("purpose", [None, "", "curiosity"])
async def test_an_unmasked_reading_needs_a_purpose(fresh: Database, purpose: str | None) -> None:
    await some_persons(fresh)
    async with fresh.reading(COUNTY) as connection:
        with pytest.raises(Problem, match="purpose_required"):
            await unmasked(connection, persons, trace=replace(READER, purpose=purpose))


async def test_the_statement_gives_nothing_that_it_cannot_record(fresh: Database) -> None:
    await some_persons(fresh)
    without_purpose = {
        "reader_at": clock.now(),
        "reader_actor": "u-7",
        "reader_role": "county_officer",
        "reader_action": "read_person_unmasked",
        "reader_purpose": None,
        "reader_request_id": None,
        "reader_detail": {},
    }
    async with fresh.reading(COUNTY) as connection:
        with pytest.raises(TypeError, match="reader_purpose"):
            await connection.rows(persons)
        with pytest.raises(asyncpg.CheckViolationError):
            await connection.rows(persons, **without_purpose)


async def test_masked_readings_are_written_together_within_their_second(fresh: Database) -> None:
    async with AccessLog(fresh, every=0.01) as notes:
        for count in range(5):
            notes.note(LISTING, division="621123", count=count)
        for _ in range(500):
            if rows := await records(fresh):
                break
            await asyncio.sleep(0.01)
    assert [row["count"] for row in rows] == [0, 1, 2, 3, 4]
    assert all(row["masked"] and row["filter"]["department"] == "人社" for row in rows)


async def test_leaving_writes_what_is_left(fresh: Database) -> None:
    async with AccessLog(fresh, every=3600) as notes:
        for _ in range(2_500):
            notes.note(LISTING, division=VILLAGE, count=1)
    assert len(await records(fresh)) == 2_500


async def test_two_flushes_at_once_lose_no_note(fresh: Database) -> None:
    notes = AccessLog(fresh)
    for _ in range(3):
        notes.note(LISTING, division=VILLAGE, count=50)
    flushes = [asyncio.create_task(notes.flush()) for _ in range(2)]
    await asyncio.sleep(0)
    notes.note(LISTING, division=VILLAGE, count=50)
    await asyncio.gather(*flushes)
    await notes.flush()
    assert len(await records(fresh)) == 4


async def test_an_interrupted_flush_writes_nothing_twice(fresh: Database) -> None:
    async with AccessLog(fresh, every=3600) as notes:
        for _ in range(1_500):
            notes.note(LISTING, division=VILLAGE, count=1)
        for wait in (0.0, 0.002, 0.01, 0.02, 0.04):
            flushing = asyncio.create_task(notes.flush())
            await asyncio.sleep(wait)
            flushing.cancel()
            await asyncio.wait([flushing])
    assert len(await records(fresh)) == 1_500


def _lost() -> float:
    return REGISTRY.get_sample_value("weiyuan_access_rows_lost_total", {"service": "ground"}) or 0.0


async def test_what_cannot_be_written_is_kept_up_to_a_bound_and_missed_out_loud(
    url_of: Callable[[str], Awaitable[str]],
) -> None:
    unreachable = (await url_of("ground")).replace("?host=", "?host=/nowhere")
    down = await Database.open("ground", unreachable, sizes={"worker": 1})
    before = _lost()
    with capture_logs() as lines:
        async with AccessLog(down, every=0.01, capacity=3) as notes:
            for _ in range(5):
                notes.note(LISTING, division=VILLAGE, count=1)
            assert _lost() - before == 2
            for _ in range(500):
                if lines:
                    break
                await asyncio.sleep(0.01)
    await down.close()
    assert lines[0]["waiting"] == 3
    assert _lost() - before == 5


async def read_by_several(db: Database) -> tuple[UUID, UUID, UUID]:
    """Two members of one household, each read on their own, then the household as a whole."""
    person, sister, household = new_id(), new_id(), new_id()
    async with AccessLog(db, every=3600) as notes:
        for each in (person, sister):
            notes.note(LISTING, division=VILLAGE, count=1, person_id=each, household_id=household)
        notes.note(LISTING, division=VILLAGE, count=1, household_id=household)
        notes.note(LISTING, division=VILLAGE, count=1, household_id=new_id())
        notes.note(LISTING, division=VILLAGE, count=200)
    return person, sister, household


async def test_a_person_sees_their_readings_and_their_households(fresh: Database) -> None:
    person, _, household = await read_by_several(fresh)
    async with fresh.reading(Scope.own(household=household, person=person)) as connection:
        found = await data_usage(connection, person, household)
    assert [reading.what["zh"] for reading in found] == ["家庭信息（已脱敏）", "部分信息（已脱敏）"]
    assert found[0].reader == READERS["county_officer"]
    assert (found[0].department, found[0].area, found[0].purpose) == ("人社", "621123", None)
    assert "u-7" not in repr(found)


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("the person", 2),
        ("the sister", 1),
        ("the household", 1),
        ("a neighbour", 0),
        ("the county", 2),
        ("another county", 0),
    ],
)
async def test_nobody_sees_the_readings_of_others(fresh: Database, who: str, seen: int) -> None:
    person, sister, household = await read_by_several(fresh)
    scopes = {
        "the person": Scope.own(household=household, person=person),
        "the sister": Scope.own(household=household, person=sister),
        "the household": Scope.own(household=household),
        "a neighbour": Scope.own(household=new_id(), person=new_id()),
        "the county": COUNTY,
        "another county": Scope.area("621124"),
    }
    async with fresh.reading(scopes[who]) as connection:
        assert len(await data_usage(connection, person, household)) == seen


async def test_the_public_reads_no_records(fresh: Database) -> None:
    async with fresh.reading(Scope.public()) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await data_usage(connection, new_id(), None)


async def test_readings_come_in_pages_newest_first(fresh: Database) -> None:
    person, household = new_id(), new_id()
    async with AccessLog(fresh, every=3600) as notes:
        for i in range(25):
            whose = {"person_id": person} if i % 2 else {"household_id": household}
            notes.note(LISTING, division=VILLAGE, count=1, **whose)
    seen: list[UUID] = []
    async with fresh.reading(COUNTY) as connection:
        while page := await data_usage(
            connection, person, household, before=seen[-1] if seen else None, limit=10
        ):
            seen += [reading.id for reading in page]
    assert len(seen) == 25
    assert seen == sorted(seen, reverse=True)
