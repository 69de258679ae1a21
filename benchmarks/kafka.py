"""Kafka: the relay, reading and the consumer against plain aiokafka, on a real broker and the mock.

Broker, database and clients share the machine's cores.
"""

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from os import cpu_count
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from uuid import UUID

import uvloop
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from benchmarks.bus import ground, latency
from benchmarks.bus_arms import FACTS_ONLY, TOPIC, Facts, Ground, Relayed
from benchmarks.measure import Arm, Row, measured
from libs.common.events.bus import Subscription
from libs.common.events.catalogue import EVENTS, topics_of
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.envelope import to_record
from libs.common.events.intake import Intake
from libs.common.events.kafka import Kafka
from libs.common.events.kafka_client import KafkaUrl
from libs.common.ids import new_id
from tests.faults import workers, world
from tests.kafka import KafkaForTests, NoKafka, jars, kafka_for_tests, mock_kafka_for_tests

PARTITIONS = 4
READ = 20_000
PAGE = 500
LEAST_ROUNDS = 9
BACKLOG = 200_000
REAL, MOCK = "Kafka", "the mock"


def claims(brokers: Sequence[str]) -> Sequence[Row]:
    rows = []
    for name in brokers:
        rows += [
            Row(f"relay to {name}", f"aiokafka produce to {name}", bar=0.70),
            Row(f"fetch, decode, validate from {name}", f"aiokafka and validate, {name}", bar=0.80),
        ]
    own = brokers[0]
    return [
        *rows,
        Row("inbox and facts, 500", "upsert, 500", bar=0.65),
        Row("inbox and facts, 100", "upsert, 100", bar=0.50),
        Row(f"from {own}, 500", "upsert, 500"),
        Row(f"from {own}, 100", "upsert, 100"),
    ]


class Reading:
    """The same records by our subscription, and by a bare consumer with the same validation."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._subscription: Subscription | None = None
        self._consumer: AIOKafkaConsumer | None = None

    async def fill(self) -> None:
        """What both read, once."""
        bus = Kafka(self._url)
        for _ in range(READ // PAGE):
            await bus.publish([to_record(_row()) for _ in range(PAGE)])
        await bus.close()

    async def subscribed(self) -> None:
        await self.close()
        self._subscription = await Kafka(self._url).subscribe(str(new_id()), [TOPIC])
        while not await self._subscription.fetch(1, 1):
            pass

    async def fetch(self) -> int:
        """As the consumer does, up to the database."""
        assert self._subscription is not None
        intake, count = Intake("benchmark", FACTS_ONLY), 0
        while count < READ:
            records = await self._subscription.fetch(PAGE, 1)
            count += len(intake.read(records).events)
            await self._subscription.ack(records)
        return count

    async def joined(self) -> None:
        await self.close()
        self._consumer = AIOKafkaConsumer(
            TOPIC,
            **KafkaUrl.parse(self._url).connection(),
            group_id=str(new_id()),
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
        )
        await self._consumer.start()
        while not await self._consumer.getmany(timeout_ms=1000, max_records=1):
            pass
        await self._consumer.seek_to_beginning()

    async def bare(self) -> int:
        assert self._consumer is not None
        count = 0
        while count < READ:
            found = await self._consumer.getmany(timeout_ms=1000, max_records=PAGE)
            for records in found.values():
                for record in records:
                    headers = dict(record.headers)
                    HouseholdEmployed.receive(
                        record.value,
                        event_id=UUID(headers["ce_id"].decode()),
                        time=datetime.fromisoformat(headers["ce_time"].decode()),
                    )
                count += len(records)
            await self._consumer.commit()
        return count

    async def close(self) -> None:
        if self._subscription:
            await self._subscription.close()
        if self._consumer:
            await self._consumer.stop()
        self._subscription = self._consumer = None


def _row() -> dict[str, object]:
    event = world.employed({"id": new_id(), "version": 1}, new_id(), 60_000)
    return {
        "topic": TOPIC,
        "key": event.key,
        "type": event.type,
        "event_id": event.event_id,
        "time": event.time,
        "traceparent": None,
        "data": event.data(),
    }


@asynccontextmanager
async def brokers() -> AsyncIterator[Mapping[str, KafkaForTests]]:
    """A real one where it can be had, and the mock."""
    with tempfile.TemporaryDirectory() as folder, mock_kafka_for_tests("for comparison") as mock:
        try:
            jars()
        except NoKafka as reason:
            print(f"no real broker: {reason}", file=sys.stderr)
            yield {MOCK: mock}
            return
        with kafka_for_tests(Path(folder) / "kafka-benchmark") as real:
            await real.make(topics_of(EVENTS.values()), partitions=PARTITIONS)
            yield {REAL: real, MOCK: mock}


async def arms(
    stack: AsyncExitStack, on: Ground, found: Mapping[str, KafkaForTests]
) -> Mapping[str, Arm]:
    some: dict[str, Arm] = {}
    for name, kafka in found.items():
        bus = Kafka(kafka.url)
        stack.push_async_callback(bus.close)
        producer = AIOKafkaProducer(
            **KafkaUrl.parse(kafka.url).connection(), acks="all", enable_idempotence=True
        )
        await producer.start()
        stack.push_async_callback(producer.stop)
        relayed, reading = Relayed(replace(on, bus=bus), producer), Reading(kafka.url)
        stack.push_async_callback(reading.close)
        await reading.fill()
        some[f"aiokafka produce to {name}"] = Arm(relayed.produce, relayed.ready)
        some[f"relay to {name}"] = Arm(relayed.relay, relayed.fill)
        some[f"aiokafka and validate, {name}"] = Arm(reading.bare, reading.joined)
        some[f"fetch, decode, validate from {name}"] = Arm(reading.fetch, reading.subscribed)
    own = next(iter(found))
    bus = Kafka(found[own].url)
    stack.push_async_callback(bus.close)
    facts = Facts(replace(on, bus=bus))
    for batch in (500, 100):
        some[f"upsert, {batch}"] = Arm(partial(facts.upsert, batch), facts.ready)
        some[f"inbox and facts, {batch}"] = Arm(partial(facts.take_in, batch), facts.ready)
        some[f"from {own}, {batch}"] = Arm(partial(facts.consume, batch), facts.published)
    return some


async def backlog(on: Ground, url: str, readers: int) -> float:
    """Records a second that so many workers, each a process, take in of what waits for them."""
    bus, topics = Kafka(url), world.BOARD.topics
    for _ in range(BACKLOG // PAGE):
        await bus.publish([to_record(_row()) for _ in range(PAGE)])
    processes = [workers.start(workers.consume, on.url, url) for _ in range(readers)]

    async def waiting() -> int:
        return sum((await bus.lag("matching", topics)).values())

    while (begun := await waiting()) == BACKLOG:  # noqa: ASYNC110 - others work
        await asyncio.sleep(0.05)
    began = perf_counter()
    while await waiting():  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    rate = begun / (perf_counter() - began)
    for process in processes:
        process.kill()
        process.join()
    await bus.close()
    return rate


async def main() -> int:
    async with AsyncExitStack() as stack:
        found = await stack.enter_async_context(brokers())
        on = await stack.enter_async_context(ground())
        some = await arms(stack, on, found)
        failed = await measured(some, claims(list(found)), least=LEAST_ROUNDS)
        own = next(iter(found.values()))
        bus = Kafka(own.url)
        cuts = quantiles(await latency(replace(on, bus=bus)), n=20)
        await bus.close()
        print(f"{own.name}: commit to visible p50 {cuts[9]:.1f} ms, p95 {cuts[18]:.1f} ms")
        await world.make_board(on.url)
        one, two = [await backlog(on, own.url, readers) for readers in (1, 2)]
        cores = f"{cpu_count()} cores, broker and database on them too"
        print(f"backlog of {BACKLOG:,}: one worker {one:,.0f}/s, two {two:,.0f}/s; {cores}")
        return failed


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
