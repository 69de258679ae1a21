"""What the consumer promises: every fact in, once, in any order."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import orjson
import pytest

from libs.common import clock
from libs.common.db.database import Connection, Database
from libs.common.events import replay
from libs.common.events.bus import Bus
from libs.common.events.consumer import Consumer
from libs.common.events.reaction import Reaction
from libs.common.ids import new_id
from libs.common.telemetry import metrics
from tests.common.events.conftest import BOTH
from tests.common.events.facts import (
    BOARD,
    HANDLERS,
    derived,
    employed,
    ended,
    publish,
    record_of,
    settled,
    work_row,
)

BUSES = BOTH

WORK = "weiyuan.employment.work.v1"


async def test_facts_are_stored_and_what_follows_is_derived_once_for_a_batch(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    home = new_id()
    first, second, gone = (employed(household_id=home) for _ in range(3))
    await publish(bus, first, second, gone, ended(gone))
    await consumer.drain()
    assert (await work_row(owner, first.aggregate_id))["channel"] == "public_post"
    assert (await work_row(owner, gone.aggregate_id))["ended_on"] is not None
    assert await derived(owner, home) == (2, 1)


async def test_a_field_with_parts_goes_in_as_json(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    event = settled()
    await bus.publish([record_of(event, "solar")])
    await Consumer(database, bus, Reaction(HANDLERS)).drain()
    shares = await owner.fetchval(
        "SELECT shares FROM settlement WHERE settlement_id = $1", event.aggregate_id
    )
    assert orjson.loads(shares) == [part.model_dump() for part in event.shares]


async def test_an_event_that_comes_twice_counts_once(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    duplicates = metrics.DUPLICATES.labels("matching")._value
    before = duplicates.get()
    event = employed()
    await publish(bus, event, event)
    await consumer.drain()
    await publish(bus, event)
    await consumer.drain()
    assert await derived(owner, event.household_id) == (1, 1)
    assert duplicates.get() - before == 2


@pytest.mark.parametrize("together", [True, False], ids=["in one batch", "in two batches"])
async def test_an_older_version_never_replaces_a_newer_one(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection, together: bool
) -> None:
    newer = employed(version=3, monthly_income_fen=90_000)
    older = employed(aggregate_id=newer.aggregate_id, household_id=newer.household_id, version=2)
    await publish(bus, newer)
    if not together:
        await consumer.drain()
    await publish(bus, older)
    await consumer.drain()
    row = await work_row(owner, newer.aggregate_id)
    assert (row["version"], row["monthly_income_fen"]) == (3, 90_000)


async def test_the_end_of_work_may_arrive_before_its_beginning(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    began = employed()
    await publish(bus, ended(began))
    await consumer.drain()
    await publish(bus, began)
    await consumer.drain()
    assert (await work_row(owner, began.aggregate_id))["ended_on"] is not None
    assert await derived(owner, began.household_id) == (0, 2)


async def test_a_table_that_was_emptied_is_filled_by_a_replay(
    bus: Bus, database: Database, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    event = employed()
    await publish(bus, event)
    await consumer.drain()
    await owner.execute("TRUNCATE work, situation")
    await replay.replay(database, bus, BOARD, topics=[WORK])
    assert await derived(owner, event.household_id) == (1, 1)


async def as_of(owner: asyncpg.Connection) -> datetime:
    """Of the one topic whose records these tests date."""
    seen: datetime = await owner.fetchval("SELECT min(as_of) FROM progress WHERE topic = $1", WORK)
    return seen


async def test_progress_says_up_to_when_the_board_is_true(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    hour_ago = clock.now() - timedelta(hours=1)
    events = [employed(time=hour_ago + timedelta(minutes=n)) for n in range(4)]
    await publish(bus, *events)
    await owner.execute("TRUNCATE progress")
    before = clock.now() - timedelta(seconds=0.1)  # Kafka's word may be one wait old
    await Consumer(database, bus, BOARD, batch=2).drain()
    assert await as_of(owner) >= before


async def test_a_full_batch_leaves_progress_at_its_newest_event(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    home, hour_ago = new_id(), clock.now() - timedelta(hours=1)
    events = [employed(household_id=home, time=hour_ago + timedelta(minutes=n)) for n in range(3)]
    await publish(bus, *events)
    await owner.execute("TRUNCATE progress")
    stop = asyncio.Event()

    async def stop_after_this(db: Connection, keys: Sequence[str]) -> None:
        stop.set()

    await Consumer(database, bus, Reaction(HANDLERS, stop_after_this), batch=2).run(stop)
    assert await as_of(owner) == events[1].time


async def test_what_the_inbox_no_longer_needs_is_purged(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    old, recent = new_id(), new_id()
    for event_id, days in ((old, 15), (recent, 13)):
        await owner.execute(
            "INSERT INTO inbox VALUES ('matching', $1, now() - $2::interval)",
            event_id,
            timedelta(days=days),
        )
    await publish(bus, employed())
    await consumer.drain()
    kept = await owner.fetch("SELECT event_id FROM inbox WHERE event_id IN ($1, $2)", old, recent)
    assert [row["event_id"] for row in kept] == [recent]


async def test_a_consumer_runs_until_it_is_stopped_and_others_can_wait_for_it(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    stop = asyncio.Event()
    running = asyncio.create_task(consumer.run(stop))
    event = employed()
    await publish(bus, event)
    await consumer.drain()
    assert await derived(owner, event.household_id) == (1, 1)
    stop.set()
    await asyncio.wait_for(running, 5)
