"""The bus of a deployment: Apache Kafka through aiokafka, behind the same port as the log.

There are no Kafka transactions: what a consumer writes is in PostgreSQL, whose inbox drops what
comes twice.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import lru_cache

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError
from aiokafka.partitioner import DefaultPartitioner
from aiokafka.producer.message_accumulator import BatchBuilder

from libs.common.events.bus import Record, RecordRefused, refuse_too_large
from libs.common.events.kafka_client import KafkaUrl, places_of, reaching, started, stopped
from libs.common.events.kafka_reading import KafkaHistory, KafkaSubscription

_BATCH = 262_144
"""Bytes of a batch; a record that is larger goes alone."""
_LARGEST_REQUEST = 1_048_576
_PATIENCE_MS = 20_000
"""Less than the relay's, so that it hears why."""

_spread = DefaultPartitioner()


@lru_cache(maxsize=16_384)
def _partition_of(key: str, partitions: tuple[int, ...]) -> int:
    """As Java's client does it, so that everybody finds a key in one place; slow, so remembered."""
    partition: int = _spread(key.encode(), partitions, partitions)
    return partition


class Kafka:
    """The `Bus` over a cluster; its topics are made by `weiyuan topics apply`, never here."""

    def __init__(self, url: str) -> None:
        self._url = KafkaUrl.parse(url)
        self._producer: AIOKafkaProducer | None = None
        self._lookers: dict[str, AIOKafkaConsumer] = {}

    async def publish(self, records: Sequence[Record]) -> None:
        """A producer that failed, or was left in the middle of a page, is not used again."""
        refuse_too_large(records)
        try:
            with reaching():
                self._producer = self._producer or await self._connected()
                await _send(self._producer, records)
        except BaseException:
            await self._discard()
            raise

    async def subscribe(self, group: str, topics: Sequence[str]) -> KafkaSubscription:
        with reaching():
            return await KafkaSubscription.joined(self._url, _name(group), topics)

    async def lag(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        try:
            with reaching():
                return await _lag(await self._looker(_name(group)), topics)
        except BaseException:
            if looker := self._lookers.pop(_name(group), None):
                await stopped(looker)
            raise

    async def history(self, topics: Sequence[str], since: datetime | None = None) -> KafkaHistory:
        with reaching():
            return await KafkaHistory.opened(self._url, topics, since)

    async def close(self) -> None:
        await self._discard()
        for looker in self._lookers.values():
            await stopped(looker)

    async def _connected(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._url.connection(),
            acks="all",
            enable_idempotence=True,
            linger_ms=0,
            max_batch_size=_BATCH,
            max_request_size=_LARGEST_REQUEST,
            request_timeout_ms=_PATIENCE_MS,
        )
        await started(producer)
        return producer

    async def _discard(self) -> None:
        producer, self._producer = self._producer, None
        if producer:
            await stopped(producer)

    async def _looker(self, group: str) -> AIOKafkaConsumer:
        """Sees a group's offsets without being in it."""
        if group not in self._lookers:
            looker = AIOKafkaConsumer(
                **self._url.connection(), group_id=group, enable_auto_commit=False
            )
            await started(looker)
            self._lookers[group] = looker
        return self._lookers[group]


def _name(group: str) -> str:
    """A cluster may have other guests."""
    return f"weiyuan.{group}"


async def _lag(looker: AIOKafkaConsumer, topics: Sequence[str]) -> dict[str, int]:
    places = await places_of(looker, topics)
    ends = await looker.end_offsets(places)
    beginnings = await looker.beginning_offsets(places)
    behind = dict.fromkeys(topics, 0)
    for place in places:
        read = await looker.committed(place)
        behind[place.topic] += ends[place] - (beginnings[place] if read is None else read)
    return behind


class _Batch:
    """Records of one partition that travel together, and where in the page they were."""

    def __init__(self, builder: BatchBuilder) -> None:
        self.builder = builder
        self.indexes: list[int] = []

    def take(self, index: int, record: Record) -> bool:
        """False when the batch is full."""
        taken = self.builder.append(
            timestamp=None,
            key=record.key.encode(),
            value=record.value,
            headers=[(name, value.encode()) for name, value in record.headers.items()],
        )
        if taken is not None:
            self.indexes.append(index)
        return taken is not None


async def _send(producer: AIOKafkaProducer, records: Sequence[Record]) -> None:
    """Partitions side by side; within one, batch after batch, so that a failure leaves no gap."""
    partitions: dict[str, tuple[int, ...]] = {}
    for topic in dict.fromkeys(record.topic for record in records):
        partitions[topic] = tuple(sorted(await producer.partitions_for(topic)))
    queues: dict[TopicPartition, list[_Batch]] = {}
    for index, record in enumerate(records):
        partition = _partition_of(record.key, partitions[record.topic])
        place = TopicPartition(record.topic, partition)
        queue = queues.setdefault(place, [])
        if not queue or not queue[-1].take(index, record):
            queue.append(_Batch(producer.create_batch()))
            queue[-1].take(index, record)
    sending = [asyncio.ensure_future(_deliver(producer, *each)) for each in queues.items()]
    try:
        await asyncio.gather(*sending)
    finally:
        for each in sending:
            each.cancel()
        with suppress(BaseException):
            await asyncio.gather(*sending, return_exceptions=True)


async def _deliver(
    producer: AIOKafkaProducer, place: TopicPartition, batches: Sequence[_Batch]
) -> None:
    for batch in batches:
        sent = await producer.send_batch(batch.builder, place.topic, partition=place.partition)
        try:
            await sent
        except MessageSizeTooLargeError as error:
            if len(batch.indexes) > 1:
                raise
            raise RecordRefused(batch.indexes[0], f"{place.topic}: {error}") from error
