"""What only Kafka has: partitions shared by readers, brokers that die, envelopes others read."""

import asyncio
import shutil
import subprocess
from collections.abc import Sequence
from itertools import chain
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.records_to_delete import RecordsToDelete
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat
from confluent_kafka import Consumer as Librdkafka
from confluent_kafka import Producer

from libs.common.events.bus import Bus, BusUnavailable, Record, RecordsGone
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.kafka import Kafka
from libs.common.events.kafka_client import KafkaUrl
from libs.common.events.topics import Topics, TopicsRefused, apply
from tests.common.events.conftest import MakeTopic
from tests.common.events.facts import employed, record_of
from tests.common.events.test_bus import SOON, a_group, numbered, numbers
from tests.kafka import Broker, KafkaForTests

BUSES = ("kafka",)
PARTITIONS = 4


def keyed(topic: str, number: int) -> Record:
    return Record(topic, f"key-{number % 20}", {"ce_id": str(number)}, str(number).encode())


@pytest.fixture
def broker(kafka: KafkaForTests) -> Broker:
    if kafka.broker is None:
        pytest.skip(f"only a broker of our own is killed; this is {kafka.name}")
    return kafka.broker


async def test_records_of_one_key_keep_their_order_across_partitions_and_pages(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic = await make_topic(PARTITIONS)
    for start in range(0, 1000, 100):
        await bus.publish([keyed(topic, number) for number in range(start, start + 100)])
    history, seen = await bus.history([topic]), dict[str, list[int]]()
    while records := await history.fetch(300):
        for record in records:
            seen.setdefault(record.key, []).append(int(record.headers["ce_id"]))
    await history.close()
    assert sorted(chain.from_iterable(seen.values())) == list(range(1000))
    assert all(each == sorted(each) for each in seen.values())


async def test_a_page_of_many_large_records_is_cut_into_batches(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    sizes = [10, 200_000, 200_000, 900_000, 10, 250_000]
    await bus.publish([Record(topic, "k", {}, b"x" * size) for size in sizes])
    history, found = await bus.history([topic]), list[int]()
    while records := await history.fetch(10):
        found += [len(record.value or b"") for record in records]
    await history.close()
    assert found == sizes


async def test_two_readers_share_the_partitions_and_the_one_that_stays_takes_all(
    bus: Bus, make_topic: MakeTopic
) -> None:
    topic, group = await make_topic(PARTITIONS), a_group()
    first = await bus.subscribe(group, [topic])
    second = await bus.subscribe(group, [topic])
    readers, shares = (first, second), list[set[int]]()
    async with asyncio.timeout(60):
        while True:
            batches = await asyncio.gather(*(reader.fetch(100, 0.2) for reader in readers))
            for reader, records in zip(readers, batches, strict=True):
                await reader.ack(records)
            shares = [{place.partition for place in await reader.ages()} for reader in readers]
            if all(shares):
                break
    assert shares[0] | shares[1] == set(range(PARTITIONS))
    assert not shares[0] & shares[1]
    await first.close()
    await bus.publish([keyed(topic, number) for number in range(100)])
    assert sorted(await _all_of(second, 100)) == list(range(100))
    await second.close()


async def test_a_reader_that_was_overtaken_acknowledges_nothing_of_the_other(
    bus: Bus, kafka: KafkaForTests, make_topic: MakeTopic
) -> None:
    topic, group = await make_topic(), a_group()
    await bus.publish(numbered(topic, range(3)))
    slow = await bus.subscribe(group, [topic])
    held = await slow.fetch(10, SOON)
    other = Kafka(kafka.url)
    joining = asyncio.create_task(other.subscribe(group, [topic]))
    quick = await joining
    await slow.ack(held)  # whether it still has the partition or not, no error and no gap
    await slow.close()
    await bus.publish(numbered(topic, [3]))
    assert (await _all_of(quick, 1))[-1] == 3
    await quick.close()
    await other.close()


async def _all_of(subscription: Any, count: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(60):
        while len(found) < count:
            records = await subscription.fetch(100, 0.5)
            await subscription.ack(records)
            found += numbers(records)
    return found


async def test_a_broker_killed_and_started_again_on_its_log_has_lost_nothing(
    bus: Bus, broker: Broker, make_topic: MakeTopic
) -> None:
    topic, group, before = await make_topic(), a_group(), asyncio.all_tasks()
    await bus.publish(numbered(topic, range(500)))
    subscription = await bus.subscribe(group, [topic])
    await subscription.ack(await subscription.fetch(200, SOON))
    broker.kill()
    with pytest.raises((BusUnavailable, TimeoutError)):
        async with asyncio.timeout(2):
            await bus.publish(numbered(topic, [500]))
    await subscription.close()
    assert asyncio.all_tasks() <= before  # of a client that failed nothing goes on
    broker.start()
    await _published(bus, numbered(topic, [501]))
    subscription = await bus.subscribe(group, [topic])
    found = [number for number in await _all_of(subscription, 301) if number != 500]
    assert found == [*range(200, 500), 501]
    await subscription.close()


async def _published(bus: Bus, records: Sequence[Record]) -> None:
    """As the relay does: again, until it is there."""
    async with asyncio.timeout(60):
        while True:
            try:
                return await bus.publish(records)
            except BusUnavailable:
                await asyncio.sleep(0.2)


async def test_topics_are_made_once_brought_forward_and_never_repartitioned(
    kafka: KafkaForTests, make_topic: MakeTopic, bus: Bus
) -> None:
    if not kafka.makes_topics:
        pytest.skip(f"{kafka.name} has no topics to configure")
    topic = await make_topic(2)
    forever = Topics([topic], 2, 1, {"retention.ms": "-1"})
    assert await apply(kafka.url, forever) == {topic: "changed"}
    assert await apply(kafka.url, forever) == {}
    with pytest.raises(TopicsRefused, match="has 2 partitions, the file says 3"):
        await apply(kafka.url, Topics([topic], 3, 1, {}))


async def test_a_topic_that_nobody_made_is_named_not_made(kafka: KafkaForTests, bus: Bus) -> None:
    if not kafka.makes_topics:
        pytest.skip(f"{kafka.name} makes every topic it is asked for")
    with pytest.raises(BusUnavailable, match="weiyuan topics apply"):
        await bus.subscribe(a_group(), ["weiyuan.test.nobody.v1"])


async def test_records_that_are_no_longer_kept_are_never_passed_over_in_silence(
    bus: Bus, kafka: KafkaForTests, make_topic: MakeTopic
) -> None:
    if not kafka.makes_topics:
        pytest.skip(f"{kafka.name} deletes no records")
    topic, group = await make_topic(), a_group()
    await bus.publish(numbered(topic, range(5)))
    subscription = await bus.subscribe(group, [topic])
    await subscription.ack(await subscription.fetch(2, SOON))
    await subscription.close()
    admin = AIOKafkaAdminClient(**KafkaUrl.parse(kafka.url).connection())
    await admin.start()
    await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=4)})
    await admin.close()
    subscription = await bus.subscribe(group, [topic])
    with pytest.raises(RecordsGone, match=f"{topic}/0/2"):
        await subscription.fetch(10, SOON)
    await subscription.close()


async def test_librdkafka_and_the_cloudevents_sdk_read_what_the_relay_sends(
    bus: Bus, kafka: KafkaForTests, make_topic: MakeTopic
) -> None:
    topic, event = await make_topic(), employed()
    await bus.publish([_on(topic, event)])
    consumer = Librdkafka(
        {
            "bootstrap.servers": ",".join(KafkaUrl.parse(kafka.url).brokers),
            "group.id": a_group(),
            "auto.offset.reset": "earliest",
        }
    )
    consumer.subscribe([topic])
    message = await asyncio.to_thread(consumer.poll, 20)
    assert message is not None
    headers: Any = dict(message.headers() or {})
    assert headers["content-type"] == b"application/json"
    read = from_binary(KafkaMessage(headers, message.key(), message.value() or b""), JSONFormat())
    assert read.get_id() == str(event.event_id)
    assert read.get_type() == event.type
    assert read.get_source() == "/weiyuan/employment"
    assert read.get_extension("partitionkey") == event.key
    await asyncio.to_thread(consumer.close)


async def test_kcat_reads_key_headers_and_value(
    bus: Bus, kafka: KafkaForTests, make_topic: MakeTopic
) -> None:
    if not (kcat := shutil.which("kcat")):
        pytest.skip("no kcat on this machine")
    topic, event = await make_topic(), employed()
    await bus.publish([_on(topic, event)])
    brokers = ",".join(KafkaUrl.parse(kafka.url).brokers)
    command = [kcat, "-b", brokers, "-t", topic, "-C", "-e", "-q", "-f", "%k\n%h\n%s\n"]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=30, check=True
    )
    key, headers, value = done.stdout.splitlines()
    assert key == event.key
    assert f"ce_id={event.event_id}" in headers
    assert "ce_specversion=1.0" in headers
    assert orjson.loads(value)["household_id"] == str(event.household_id)


def _on(topic: str, event: HouseholdEmployed) -> Record:
    record = record_of(event, "employment")
    return Record(topic, record.key, record.headers, record.value)


async def test_bytes_that_are_no_text_arrive_and_halt_nobody(
    bus: Bus, kafka: KafkaForTests, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    producer = Producer({"bootstrap.servers": ",".join(KafkaUrl.parse(kafka.url).brokers)})
    producer.produce(topic, b"\xff", key=b"\xfe", headers=[("ce_type", b"\xfd")])
    await asyncio.to_thread(producer.flush, 20)
    history = await bus.history([topic])
    (record,) = await history.fetch(10)
    await history.close()
    assert (record.key, record.headers["ce_type"]) == ("\ufffd", "\ufffd")


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        pytest.param("kafka://", "kafka://host:port", id="no broker"),
        pytest.param("kafka://user:secret@host:9092", "nobody before @", id="somebody"),
        pytest.param("kafka://host:9092?ca=x", "has no ca", id="a certificate without TLS"),
        pytest.param("kafka+ssl://host:9093?sasl=x", "has no sasl", id="unknown"),
        pytest.param("kafka://host:9092?session_ms=soon", "milliseconds", id="no number"),
    ],
)
def test_a_url_that_cannot_serve_is_refused_before_anything_is_connected(
    url: str, wrong: str
) -> None:
    with pytest.raises(ValueError, match=wrong) as refused:
        Kafka(url)
    assert "secret" not in str(refused.value)
