"""What the relay promises: all that was committed reaches the bus, each key in its order."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import asyncpg
import pytest
import pytest_asyncio

from libs.common.events.bus import Bus, BusUnavailable, Record
from libs.common.events.relay import PAGE, Relay
from libs.common.ids import new_id
from tests.common.events.conftest import BOTH, Cut, MakeTopic
from tests.databases import GROUND
from tests.twice import Around

BUSES = BOTH

Arrived = Callable[[], Awaitable[bytes | None]]
WRITERS, KEYS, TRANSACTIONS = 16, 20, 60

COUNTER = "CREATE TABLE IF NOT EXISTS counter (key text PRIMARY KEY, version bigint NOT NULL)"
ADVANCE = """
INSERT INTO counter VALUES ($1, 1) ON CONFLICT (key) DO UPDATE SET version = counter.version + 1
RETURNING version
"""
EMIT = """
INSERT INTO outbox (event_id, topic, key, type, time, data)
VALUES (gen_random_uuid(), $1, $2, 'weiyuan.household_employed.v1', now(), $3)
"""


@pytest_asyncio.fixture(scope="module")
async def url(url_of: Callable[[str], Awaitable[str]]) -> str:
    return await url_of(GROUND)


@pytest_asyncio.fixture
async def owner(url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(url.replace("{role}", "owner"))
    await connection.execute("TRUNCATE outbox, outbox_parked")
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def topic(make_topic: MakeTopic) -> str:
    return await make_topic()


async def published(bus: Bus, topic: str) -> list[Record]:
    history, records = await bus.history([topic]), list[Record]()
    while page := await history.fetch(10_000):
        records += page
    await history.close()
    return records


async def emit(owner: asyncpg.Connection, topic: str, values: Sequence[bytes]) -> None:
    await owner.executemany(EMIT, [(topic, "k", value) for value in values])


async def pending(owner: asyncpg.Connection) -> int:
    count: int = await owner.fetchval("SELECT count(*) FROM outbox")
    return count


async def write(url: str, topic: str, seed: int) -> None:
    """Transactions that take their id early, pause everywhere and sometimes roll back."""
    chance = random.Random(seed)
    connection = await asyncpg.connect(url.replace("{role}", "owner"))
    for _ in range(TRANSACTIONS):
        key = f"k{chance.randrange(KEYS)}"
        transaction = connection.transaction()
        await transaction.start()
        if chance.random() < 0.5:
            await connection.execute("SELECT pg_current_xact_id()")
        await asyncio.sleep(chance.uniform(0, 0.004))
        version = await connection.fetchval(ADVANCE, topic + key)
        await asyncio.sleep(chance.uniform(0, 0.004))
        await connection.execute(EMIT, topic, key, str(version).encode())
        await asyncio.sleep(chance.uniform(0, 0.004))
        await (transaction.rollback() if chance.random() < 0.1 else transaction.commit())
    await connection.close()


async def test_nothing_is_lost_or_turned_around_however_transactions_interleave(
    bus: Bus, owner: asyncpg.Connection, url: str, topic: str
) -> None:
    await owner.execute(COUNTER)
    stop = asyncio.Event()
    relays = [asyncio.create_task(Relay("employment", url, bus).run(stop)) for _ in range(2)]
    await asyncio.gather(*(write(url, topic, seed) for seed in range(WRITERS)))
    await Relay("employment", url, bus).drain()
    stop.set()
    await asyncio.gather(*relays)

    versions: dict[str, list[int]] = {}
    for record in await published(bus, topic):
        versions.setdefault(record.key, []).append(int(record.value or b""))
    committed = await owner.fetch("SELECT * FROM counter WHERE key LIKE $1", f"{topic}%")
    assert len(committed) == KEYS
    for row in committed:
        key = row["key"].removeprefix(topic)
        assert versions[key] == list(range(1, row["version"] + 1))


async def test_a_drain_publishes_everything_page_by_page_in_order(
    bus: Bus, owner: asyncpg.Connection, url: str, topic: str
) -> None:
    values = [b"%d" % n for n in range(2 * PAGE + 1)]
    await emit(owner, topic, values)
    await Relay("employment", url, bus).drain()
    assert [record.value for record in await published(bus, topic)] == values
    assert await pending(owner) == 0


class DiesAfterPublishing(Around):
    """The page is on the bus; the relay never hears of it."""

    async def publish(self, records: Sequence[Record]) -> None:
        await self.bus.publish(records)
        raise BusUnavailable("killed, for this test")


async def test_a_death_between_publishing_and_deleting_only_doubles(
    bus: Bus, owner: asyncpg.Connection, url: str, topic: str
) -> None:
    await emit(owner, topic, [b"1", b"2"])
    with pytest.raises(BusUnavailable):
        await Relay("employment", url, DiesAfterPublishing(bus)).drain()
    assert await pending(owner) == 2
    await Relay("employment", url, bus).drain()
    records = await published(bus, topic)
    assert [record.value for record in records] == [b"1", b"2", b"1", b"2"]
    assert records[0].headers["ce_id"] == records[2].headers["ce_id"]


async def test_what_the_bus_refuses_for_good_is_parked_and_the_queue_moves_on(
    bus: Bus, owner: asyncpg.Connection, url: str, topic: str
) -> None:
    large = b"x" * 1_100_000
    await emit(owner, topic, [b"1", large, b"2", large, b"3"])
    await Relay("employment", url, bus).drain()
    assert [record.value for record in await published(bus, topic)] == [b"1", b"2", b"3"]
    parked = await owner.fetch("SELECT * FROM outbox_parked ORDER BY id")
    assert [row["data"] for row in parked] == [large, large]
    assert "bytes" in parked[0]["error"]
    assert await pending(owner) == 0


class FailsAtFirst(Around):
    """Unreachable for a while."""

    failures = 3

    async def publish(self, records: Sequence[Record]) -> None:
        if self.failures:
            self.failures -= 1
            raise BusUnavailable("away, for this test")
        await self.bus.publish(records)


@pytest_asyncio.fixture
async def arrived(bus: Bus, topic: str) -> AsyncIterator[Arrived]:
    """The next record that reaches the bus; waits for it."""
    subscription = await bus.subscribe(f"group-{new_id()}", [topic])

    async def next_one() -> bytes | None:
        records = await subscription.fetch(1, 10)
        await subscription.ack(records)
        return records[0].value

    yield next_one
    await subscription.close()


async def test_a_running_relay_outlives_the_bus_and_the_database_being_away(
    bus: Bus, owner: asyncpg.Connection, url: str, topic: str, cut: Cut, arrived: Arrived
) -> None:
    stop, failing = asyncio.Event(), FailsAtFirst(bus)
    running = asyncio.create_task(Relay("employment", url, failing).run(stop))
    await emit(owner, topic, [b"1"])
    assert await arrived() == b"1"
    assert failing.failures == 0
    await Relay("employment", url, bus).drain()
    await cut(url)
    again = await asyncpg.connect(url.replace("{role}", "owner"))
    await emit(again, topic, [b"2"])
    assert await arrived() == b"2"
    await again.close()
    stop.set()
    await asyncio.wait_for(running, 10)


class Counted(Around):
    records = 0

    async def publish(self, records: Sequence[Record]) -> None:
        self.records += len(records)
        await self.bus.publish(records)


async def test_only_one_relay_publishes_and_another_takes_over(
    bus: Bus, owner: asyncpg.Connection, url: str, topic: str, arrived: Arrived
) -> None:
    stops = [asyncio.Event(), asyncio.Event()]
    buses = [Counted(bus), Counted(bus)]
    tasks = []
    for counted, stop in zip(buses, stops, strict=True):
        tasks.append(asyncio.create_task(Relay("employment", url, counted).run(stop)))
        await emit(owner, topic, [b"x"])
        assert await arrived() == b"x"
    assert [counted.records for counted in buses] == [2, 0]
    stops[0].set()
    await tasks[0]
    await emit(owner, topic, [b"y"])
    assert await arrived() == b"y"
    assert [counted.records for counted in buses] == [2, 1]
    stops[1].set()
    await tasks[1]


async def test_a_drain_waits_for_the_relay_whose_turn_it_is(
    bus: Bus, owner: asyncpg.Connection, url: str, topic: str, arrived: Arrived
) -> None:
    stop, counted = asyncio.Event(), Counted(bus)
    running = asyncio.create_task(Relay("employment", url, counted).run(stop))
    await emit(owner, topic, [b"1"])
    assert await arrived() == b"1"
    await emit(owner, topic, [b"2"])
    await Relay("employment", url, bus).drain()
    assert await pending(owner) == 0
    assert counted.records == 2
    stop.set()
    await running
