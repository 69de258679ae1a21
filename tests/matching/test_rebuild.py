"""Facts made anew from the bus, beside the board that runs: wrong ones mended, people's kept."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.database import Database
from libs.common.events.catalogue.solar import PvRevenueSettled, VillageShare
from libs.common.events.consumer import Consumer
from libs.common.events.replay import Heard, rebuild
from libs.common.ids import new_id
from services.matching.handlers import REACTION
from tests.databases import UrlOf
from tests.house import House
from tests.matching.needs import a_family, a_published_need, state_of
from tests.matching.test_board import began, ended, registered
from tests.registry.builders import VILLAGE

pytestmark = pytest.mark.usefixtures("village")

FACTS = ("situation", "work", "village", "station", "revenue")


@pytest_asyncio.fixture
async def owner(url_of: UrlOf) -> AsyncIterator[asyncpg.Connection]:
    """Sees and spoils everything, as nobody should."""
    url = (await url_of("matching")).replace("matching_{role}", "postgres")
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()


async def board(owner: asyncpg.Connection) -> dict[str, list[tuple[object, ...]]]:
    tables = (*FACTS, "need", "need_history")
    return {
        table: [tuple(row) for row in await owner.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")]
        for table in tables
    }


async def rebuilt(house: House, url_of: UrlOf) -> Heard:
    database = await Database.open("matching", await url_of("matching"), sizes={"worker": 1})
    try:
        return await rebuild(database, house.bus, REACTION)
    finally:
        await database.close()


def settled(month: str) -> PvRevenueSettled:
    return PvRevenueSettled(
        aggregate_id=new_id(),
        version=1,
        station_id=new_id(),
        period=month,
        kwh="10.500",
        grid_fen=300,
        subsidy_fen=200,
        shares=[VillageShare(division=VILLAGE, grid_fen=300, subsidy_fen=200)],
    )


async def test_a_rebuild_of_a_sound_board_changes_nothing(
    house: House, url_of: UrlOf, owner: asyncpg.Connection
) -> None:
    family, work = await a_family(house), new_id()
    await a_published_need(house, family)
    await house.drain()
    await house.hear(registered(family), began(family, work), settled("2019-05"))
    await house.hear(ended(family, work, ended_on=date(2019, 8, 1)))
    before = await board(owner)
    heard = await rebuilt(house, url_of)
    assert heard.events >= 4
    assert await board(owner) == before


async def test_facts_that_went_wrong_are_mended_and_what_was_never_told_is_gone(
    house: House, url_of: UrlOf, owner: asyncpg.Connection
) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    await house.drain()
    job = began(family, new_id())
    await house.hear(registered(family), job, settled("2019-06"))
    before = await board(owner)
    assert await state_of(house, need) == "met"
    await owner.execute("UPDATE work SET monthly_income_fen = 1 WHERE id = $1", job.aggregate_id)
    await owner.execute("UPDATE situation SET workers = 77 WHERE household_id = $1", family.id)
    await owner.execute("DELETE FROM revenue")
    await owner.execute(
        "INSERT INTO work SELECT gen_random_uuid(), household_id, person_id, channel, 1, since,"
        " ended_on, gen_random_uuid(), event_type, version FROM work LIMIT 1"
    )
    await rebuilt(house, url_of)
    assert await board(owner) == before


async def test_needs_follow_what_a_rebuild_found_and_people_decided_stays(
    house: House, url_of: UrlOf, owner: asyncpg.Connection
) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    await house.drain()
    await house.hear(began(family, new_id()))
    await owner.execute("DELETE FROM work WHERE household_id = $1", family.id)
    await owner.execute("UPDATE need SET state = 'published' WHERE id = $1", need)
    await rebuilt(house, url_of)
    assert await state_of(house, need) == "met"


async def test_a_board_that_goes_on_reading_while_it_is_rebuilt_loses_nothing(
    house: House, url_of: UrlOf, owner: asyncpg.Connection
) -> None:
    family = await a_family(house)
    await a_published_need(house, family)
    await house.drain()
    stop = asyncio.Event()
    consumer = Consumer(house.process.databases["matching"], house.bus, REACTION)
    running = asyncio.create_task(consumer.run(stop))
    jobs = [began(family, new_id()) for _ in range(60)]

    async def write() -> None:
        for start in range(0, 60, 5):
            await house.tell(*jobs[start : start + 5])

    await asyncio.gather(write(), rebuilt(house, url_of), rebuilt(house, url_of))
    await consumer.drain()
    stop.set()
    await running
    found = await owner.fetchval("SELECT count(*) FROM work WHERE household_id = $1", family.id)
    running_jobs = await owner.fetchval(
        "SELECT cardinality(running) FROM situation WHERE household_id = $1", family.id
    )
    assert (found, running_jobs) == (60, 60)
