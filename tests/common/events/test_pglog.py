"""What only the PostgreSQL log promises: offsets without gaps, and a word when records are gone."""

import asyncio
import random

import asyncpg
import pytest

from libs.common.events.bus import Bus, BusUnavailable, Record, RecordsGone
from libs.common.events.pglog import PostgresLog
from libs.common.ids import new_id
from tests.common.events.conftest import Cut

TOPICS = ("a", "b", "c")


async def test_offsets_are_dense_and_complete_while_appenders_fail_and_are_cancelled(
    bus_url: str,
) -> None:
    log = await PostgresLog.open(bus_url)
    published: list[str] = []
    failures: list[Exception] = []

    async def append(seed: int) -> None:
        chance = random.Random(seed)
        for _ in range(60):
            page = [a_record(chance) for _ in range(chance.randint(1, 8))]
            try:
                async with asyncio.timeout(0.0015 if chance.random() < 0.2 else None):
                    await log.publish(page)
            except (TimeoutError, asyncpg.CharacterNotInRepertoireError) as failure:
                failures.append(failure)
                continue
            published.extend(record.headers["ce_id"] for record in page)

    await asyncio.gather(*(append(seed) for seed in range(8)))
    rows = await stored(bus_url)
    for topic in TOPICS:
        offsets = [row["offset"] for row in rows if row["topic"] == topic]
        assert offsets == list(range(len(offsets)))
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == len(ids)
    assert set(published) <= set(ids)
    assert {type(failure) for failure in failures} == {
        TimeoutError,
        asyncpg.CharacterNotInRepertoireError,
    }
    await log.close()


def a_record(chance: random.Random) -> Record:
    key = "\0" if chance.random() < 0.02 else "k"  # the server refuses NUL: its transaction aborts
    return Record(chance.choice(TOPICS), key, {"ce_id": str(new_id())}, b"{}")


async def stored(bus_url: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(bus_url)
    rows: list[asyncpg.Record] = await connection.fetch(
        """SELECT topic, "offset", headers ->> 'ce_id' AS id FROM bus_record ORDER BY 1, 2"""
    )
    await connection.close()
    return rows


@pytest.mark.parametrize("kept", [pytest.param(2, id="some left"), pytest.param(0, id="none left")])
async def test_records_that_are_no_longer_kept_are_never_passed_over_in_silence(
    bus_url: str, kept: int
) -> None:
    log = await PostgresLog.open(bus_url)
    topic, group = f"topic-{kept}", f"group-{kept}"
    await log.publish([Record(topic, "k", {}, b"{}")] * 5)
    owner = await asyncpg.connect(bus_url.replace("bus_worker", "bus_owner"))
    await owner.execute(
        'DELETE FROM bus_record WHERE topic = $1 AND "offset" < $2', topic, 5 - kept
    )
    await owner.close()
    subscription = await log.subscribe(group, [topic])
    with pytest.raises(RecordsGone, match=f"{group} stands at {topic}/0"):
        await subscription.fetch(10, 0)
    await subscription.close()
    await log.close()


async def test_a_second_subscriber_waits_until_the_first_one_leaves(bus: Bus) -> None:
    await bus.publish([Record("waiting", "k", {}, b"{}")])
    first = await bus.subscribe("waiting", ["waiting"])
    second = asyncio.create_task(bus.subscribe("waiting", ["waiting"]))
    done, _ = await asyncio.wait([second], timeout=0.5)
    assert not done
    await first.close()
    subscription = await asyncio.wait_for(second, 5)
    assert len(await subscription.fetch(10, 5)) == 1
    await subscription.close()


async def test_a_lost_connection_ends_the_subscription_and_a_new_one_goes_on(
    bus: Bus, bus_url: str, cut: Cut
) -> None:
    await bus.publish([Record("lost", "k", {}, b"{}")])
    subscription = await bus.subscribe("lost", ["lost"])
    records = await subscription.fetch(10, 5)
    await cut(bus_url)
    with pytest.raises(BusUnavailable):
        await subscription.ack(records)
    await subscription.close()
    subscription = await bus.subscribe("lost", ["lost"])
    assert len(await subscription.fetch(10, 5)) == 1
    await subscription.close()
