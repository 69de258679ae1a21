"""What every bus does: one suite, written against the port, run on each adapter."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from libs.common.events.bus import Bus, Record, RecordRefused
from libs.common.ids import new_id
from tests.common.events.conftest import BOTH, MakeTopic

BUSES = BOTH

SOON = 5.0
"""Longer than a healthy bus ever takes, short enough to wait for."""


def a_group() -> str:
    return f"group-{new_id()}"


def numbered(topic: str, numbers: Sequence[int], key: str = "k") -> list[Record]:
    return [Record(topic, key, {"ce_id": str(n)}, str(n).encode()) for n in numbers]


def numbers(records: Sequence[Record]) -> list[int]:
    return [int(record.headers["ce_id"]) for record in records]


async def test_what_was_published_arrives_whole_and_in_order(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await bus.publish([Record(topic, "定西", {"ce_type": "x", "ce_note": "甘肃"}, b"\x00\xff")])
    await bus.publish(numbered(topic, range(1, 60), key="定西"))
    subscription = await bus.subscribe(a_group(), [topic])
    first, *rest = await subscription.fetch(100, SOON)
    assert (first.key, first.headers, first.value) == (
        "定西",
        {"ce_type": "x", "ce_note": "甘肃"},
        b"\x00\xff",
    )
    assert numbers(rest) == list(range(1, 60))
    await subscription.close()


async def test_a_record_may_have_no_value_and_another_a_large_one(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic, large = await make_topic(), b"x" * 900_000
    await bus.publish([Record(topic, "k", {}, None), Record(topic, "k", {}, large)])
    subscription = await bus.subscribe(a_group(), [topic])
    assert [record.value for record in await subscription.fetch(10, SOON)] == [None, large]
    await subscription.close()


async def test_a_record_that_is_too_large_is_named_and_nothing_of_its_page_is_taken(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    page = [*numbered(topic, [0]), Record(topic, "k", {}, b"x" * 1_100_000)]
    with pytest.raises(RecordRefused, match="bytes") as refused:
        await bus.publish(page)
    assert refused.value.index == 1
    subscription = await bus.subscribe(a_group(), [topic])
    assert await subscription.fetch(10, 0) == []
    await subscription.close()


async def test_what_is_not_acknowledged_comes_again(bus: Bus, make_topic: MakeTopic) -> None:
    topic, group = await make_topic(), a_group()
    await bus.publish(numbered(topic, range(5)))
    subscription = await bus.subscribe(group, [topic])
    assert numbers(await subscription.fetch(3, SOON)) == [0, 1, 2]
    assert numbers(await subscription.fetch(3, SOON)) == [0, 1, 2]
    await subscription.close()

    subscription = await bus.subscribe(group, [topic])
    first = await subscription.fetch(3, SOON)
    assert numbers(first) == [0, 1, 2]
    await subscription.ack(first)
    await subscription.close()

    subscription = await bus.subscribe(group, [topic])
    assert numbers(await subscription.fetch(3, SOON)) == [3, 4]
    await subscription.close()


async def test_groups_do_not_see_each_other(bus: Bus, make_topic: MakeTopic) -> None:
    topic = await make_topic()
    await bus.publish(numbered(topic, [1, 2]))
    for group in (a_group(), a_group()):
        subscription = await bus.subscribe(group, [topic])
        records = await subscription.fetch(10, SOON)
        assert numbers(records) == [1, 2]
        await subscription.ack(records)
        await subscription.close()


async def test_a_busy_topic_does_not_starve_the_others(bus: Bus, make_topic: MakeTopic) -> None:
    busy, quiet = await make_topic(), await make_topic()
    await bus.publish(numbered(busy, range(100)))
    await bus.publish(numbered(quiet, [7]))
    subscription = await bus.subscribe(a_group(), [busy, quiet])
    seen: set[str] = set()
    for _ in range(11):  # what one fetch from a partition brought is handed out first
        records = await subscription.fetch(10, SOON)
        seen |= {record.topic for record in records}
        await subscription.ack(records)
    assert seen == {busy, quiet}
    await subscription.close()


async def test_a_fetch_returns_as_soon_as_something_is_published(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    subscription = await bus.subscribe(a_group(), [topic])
    waiting = asyncio.create_task(subscription.fetch(10, 60))
    await asyncio.sleep(0)
    await bus.publish(numbered(topic, [1]))
    assert numbers(await asyncio.wait_for(waiting, SOON)) == [1]
    await subscription.close()


async def test_what_one_reader_leaves_the_next_one_takes_up(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic, group = await make_topic(), a_group()
    await bus.publish(numbered(topic, range(4)))
    first = await bus.subscribe(group, [topic])
    await first.ack((await first.fetch(2, SOON))[:1])
    await first.close()
    second = await bus.subscribe(group, [topic])
    assert numbers(await second.fetch(10, SOON)) == [1, 2, 3]
    await second.close()


async def test_a_history_is_read_beside_the_groups_and_goes_on_with_what_comes(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic, group = await make_topic(), a_group()
    await bus.publish(numbered(topic, range(6)))
    subscription = await bus.subscribe(group, [topic])
    await subscription.ack(await subscription.fetch(10, SOON))
    history = await bus.history([topic])
    assert numbers(await history.fetch(4)) == [0, 1, 2, 3]
    assert numbers(await history.fetch(4)) == [4, 5]
    assert await history.fetch(4) == []
    await bus.publish(numbered(topic, [6]))
    assert numbers(await history.fetch(4)) == [6]
    await history.close()
    assert numbers(await subscription.fetch(10, SOON)) == [6]
    await subscription.close()


async def test_a_history_begins_at_an_instant(bus: Bus, make_topic: MakeTopic) -> None:
    topic, other = await make_topic(), await make_topic()
    await bus.publish([*numbered(topic, [0]), *numbered(other, [1])])
    await asyncio.sleep(0.01)  # Kafka keeps milliseconds
    instant = datetime.now(UTC)
    await bus.publish(numbered(topic, [2]))
    history = await bus.history([topic, other], since=instant)
    assert numbers(await history.fetch(10)) == [2]
    assert await history.fetch(10) == []
    await history.close()


async def test_a_reader_says_how_fresh_each_of_its_places_is(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    subscription = await bus.subscribe(a_group(), [topic])
    await bus.publish(numbered(topic, range(5)))
    place = (await subscription.fetch(3, SOON))[0].place
    assert place.topic == topic
    assert (await subscription.ages())[place] is None
    await subscription.ack(await subscription.fetch(10, SOON))
    await subscription.fetch(10, 0.3)
    age = (await subscription.ages())[place]
    assert age is not None
    assert 0 <= age < SOON
    await subscription.close()


async def test_lag_counts_what_is_not_acknowledged_by_topic(
    bus: Bus, make_topic: MakeTopic
) -> None:
    busy, quiet, group = await make_topic(), await make_topic(), a_group()
    await bus.publish(numbered(busy, range(5)))
    subscription = await bus.subscribe(group, [busy, quiet])
    await subscription.ack((await subscription.fetch(10, SOON))[:2])
    assert await bus.lag(group, [busy, quiet]) == {busy: 3, quiet: 0}
    assert await bus.lag(a_group(), [busy]) == {busy: 5}
    await subscription.close()
