"""What every bus does: one suite, written against the port, run on each adapter."""

import asyncio
from collections.abc import Sequence

import pytest

from libs.common.events.bus import Bus, BusUnavailable, Record, RecordRefused, open_bus
from libs.common.ids import new_id
from tests.common.events.conftest import Cut

SOON = 5.0
"""Longer than a healthy bus ever takes, short enough to wait for."""


def a_topic() -> str:
    return f"weiyuan.test.{new_id()}.v1"


def a_group() -> str:
    return f"group-{new_id()}"


def numbered(topic: str, numbers: Sequence[int], key: str = "k") -> list[Record]:
    return [Record(topic, key, {"ce_id": str(n)}, str(n).encode()) for n in numbers]


def numbers(records: Sequence[Record]) -> list[int]:
    return [int(record.headers["ce_id"]) for record in records]


async def test_what_was_published_arrives_whole_and_in_order(bus: Bus) -> None:
    topic = a_topic()
    await bus.publish([Record(topic, "定西", {"ce_type": "x", "ce_note": "甘肃"}, b"\x00\xff")])
    await bus.publish(numbered(topic, range(1, 60)))
    subscription = await bus.subscribe(a_group(), [topic])
    first, *rest = await subscription.fetch(100, SOON)
    assert (first.key, first.headers, first.value) == (
        "定西",
        {"ce_type": "x", "ce_note": "甘肃"},
        b"\x00\xff",
    )
    assert numbers(rest) == list(range(1, 60))
    await subscription.close()


async def test_a_record_may_have_no_value_and_another_a_large_one(bus: Bus) -> None:
    topic, large = a_topic(), b"x" * 900_000
    await bus.publish([Record(topic, "k", {}, None), Record(topic, "k", {}, large)])
    subscription = await bus.subscribe(a_group(), [topic])
    assert [record.value for record in await subscription.fetch(10, SOON)] == [None, large]
    await subscription.close()


async def test_a_record_that_is_too_large_is_named_and_nothing_of_its_page_is_taken(
    bus: Bus,
) -> None:
    topic = a_topic()
    page = [*numbered(topic, [0]), Record(topic, "k", {}, b"x" * 1_100_000)]
    with pytest.raises(RecordRefused, match="bytes") as refused:
        await bus.publish(page)
    assert refused.value.index == 1
    subscription = await bus.subscribe(a_group(), [topic])
    assert await subscription.fetch(10, 0) == []
    await subscription.close()


async def test_what_is_not_acknowledged_comes_again(bus: Bus) -> None:
    topic, group = a_topic(), a_group()
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


async def test_groups_do_not_see_each_other(bus: Bus) -> None:
    topic = a_topic()
    await bus.publish(numbered(topic, [1, 2]))
    for group in (a_group(), a_group()):
        subscription = await bus.subscribe(group, [topic])
        records = await subscription.fetch(10, SOON)
        assert numbers(records) == [1, 2]
        await subscription.ack(records)
        await subscription.close()


async def test_a_busy_topic_does_not_starve_the_others(bus: Bus) -> None:
    busy, quiet = a_topic(), a_topic()
    await bus.publish(numbered(busy, range(100)))
    await bus.publish(numbered(quiet, [7]))
    subscription = await bus.subscribe(a_group(), [busy, quiet])
    seen: set[str] = set()
    for _ in range(3):
        records = await subscription.fetch(10, SOON)
        seen |= {record.topic for record in records}
        await subscription.ack(records)
    assert seen == {busy, quiet}
    await subscription.close()


async def test_a_fetch_returns_as_soon_as_something_is_published(bus: Bus) -> None:
    topic = a_topic()
    subscription = await bus.subscribe(a_group(), [topic])
    waiting = asyncio.create_task(subscription.fetch(10, 60))
    await asyncio.sleep(0)
    await bus.publish(numbered(topic, [1]))
    assert numbers(await asyncio.wait_for(waiting, SOON)) == [1]
    await subscription.close()


async def test_a_second_subscriber_waits_and_takes_over_where_the_first_left(bus: Bus) -> None:
    topic, group = a_topic(), a_group()
    await bus.publish(numbered(topic, range(4)))
    first = await bus.subscribe(group, [topic])
    await first.ack((await first.fetch(2, SOON))[:1])
    second = asyncio.create_task(bus.subscribe(group, [topic]))
    done, _ = await asyncio.wait([second], timeout=0.5)
    assert not done
    await first.close()
    subscription = await asyncio.wait_for(second, SOON)
    assert numbers(await subscription.fetch(10, SOON)) == [1, 2, 3]
    await subscription.close()


async def test_a_running_subscriber_can_be_rewound(bus: Bus) -> None:
    topic, group = a_topic(), a_group()
    await bus.publish(numbered(topic, range(6)))
    subscription = await bus.subscribe(group, [topic])
    await subscription.ack(await subscription.fetch(10, SOON))
    await bus.rewind(group, topic, 2)
    assert numbers(await subscription.fetch(10, SOON)) == [2, 3, 4, 5]
    await subscription.close()


async def test_a_rewind_between_fetch_and_acknowledgement_stays(bus: Bus) -> None:
    topic, group = a_topic(), a_group()
    await bus.publish(numbered(topic, range(6)))
    subscription = await bus.subscribe(group, [topic])
    await subscription.ack(await subscription.fetch(3, SOON))
    rest = await subscription.fetch(10, SOON)
    await bus.rewind(group, topic)
    await subscription.ack(rest)
    assert numbers(await subscription.fetch(10, SOON)) == [0, 1, 2, 3, 4, 5]
    await subscription.close()


async def test_a_rewind_beyond_the_end_skips_nothing_that_is_still_to_come(bus: Bus) -> None:
    topic, group = a_topic(), a_group()
    await bus.publish(numbered(topic, [0]))
    await bus.rewind(group, topic, 100)
    await bus.publish(numbered(topic, [1]))
    subscription = await bus.subscribe(group, [topic])
    assert numbers(await subscription.fetch(10, SOON)) == [1]
    await subscription.close()


async def test_lag_counts_what_is_not_acknowledged_by_topic(bus: Bus) -> None:
    busy, quiet, group = a_topic(), a_topic(), a_group()
    await bus.publish(numbered(busy, range(5)))
    subscription = await bus.subscribe(group, [busy, quiet])
    await subscription.ack((await subscription.fetch(10, SOON))[:2])
    assert await bus.lag(group) == {busy: 3, quiet: 0}
    await subscription.close()


async def test_a_lost_connection_ends_the_subscription_and_a_new_one_goes_on(
    bus: Bus, bus_url: str, cut: Cut
) -> None:
    topic, group = a_topic(), a_group()
    await bus.publish(numbered(topic, [1]))
    subscription = await bus.subscribe(group, [topic])
    records = await subscription.fetch(10, SOON)
    await cut(bus_url)
    with pytest.raises(BusUnavailable):
        await subscription.ack(records)
    await subscription.close()
    subscription = await bus.subscribe(group, [topic])
    assert numbers(await subscription.fetch(10, SOON)) == [1]
    await subscription.close()


async def test_an_unknown_bus_is_refused_by_its_url() -> None:
    with pytest.raises(ValueError, match="WEIYUAN_BUS_URL"):
        await open_bus("carrier-pigeon://dingxi")
