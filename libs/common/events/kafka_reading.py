"""Reading from Kafka: as a member of a group, or a topic's history beside all groups.

Acknowledgements name their offsets, never "whatever was fetched": a rebalance may have happened in
between. Before partitions are given up, the batch at hand is finished.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Self

from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, IllegalStateError
from aiokafka.structs import ConsumerRecord

from libs.common.events.bus import BusUnavailable, Place, Record, RecordsGone, after
from libs.common.events.kafka_client import KafkaUrl, places_of, reaching, started, stopped

_FETCH_WAIT_MS = 100
_REBALANCE_MS = 60_000
_LONGEST_BATCH_MS = 300_000
_STALLED = 60.0
_LOST = (CommitFailedError, IllegalStateError)
"""The partitions are another member's now, and so are the records: they come again there."""


class KafkaSubscription:
    """One member of a consumer group."""

    def __init__(self, consumer: AIOKafkaConsumer, group: str) -> None:
        self._consumer = consumer
        self._group = group
        self._handed: dict[TopicPartition, range] = {}
        self._idle = asyncio.Event()
        self._idle.set()
        self.moved = False
        """Whether partitions came since they were last looked at."""
        self._progress = time.monotonic()

    @classmethod
    async def joined(cls, url: KafkaUrl, group: str, topics: Sequence[str]) -> Self:
        consumer = AIOKafkaConsumer(
            **url.connection(),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=url.session_ms,
            heartbeat_interval_ms=url.session_ms // 4,
            rebalance_timeout_ms=_REBALANCE_MS,
            max_poll_interval_ms=_LONGEST_BATCH_MS,
            fetch_max_wait_ms=_FETCH_WAIT_MS,
        )
        await started(consumer)
        subscription = cls(consumer, group)
        try:
            await places_of(consumer, topics)
            consumer.subscribe(topics, listener=_Moving(subscription))
        except BaseException:
            await stopped(consumer)
            raise
        return subscription

    async def fetch(self, limit: int, wait: float) -> list[Record]:
        self._go_back()
        with reaching():
            found = await self._consumer.getmany(timeout_ms=int(wait * 1000), max_records=limit)
            if self.moved:
                await self._refuse_gaps()
            for place, records in found.items():
                self._handed[place] = range(records[0].offset, records[-1].offset + 1)
            if found:
                self._idle.clear()
                self._progress = time.monotonic()
            else:
                await self._watch()
        return [_record(each) for records in found.values() for each in records]

    async def ack(self, records: Sequence[Record]) -> None:
        done = {TopicPartition(*place): offset for place, offset in after(records).items()}
        ours = self._consumer.assignment()
        with reaching(), suppress(*_LOST):
            if kept := {place: offset for place, offset in done.items() if place in ours}:
                await self._consumer.commit(kept)
        for place, offset in done.items():
            if place in self._handed:
                self._handed[place] = range(offset, self._handed[place].stop)
        if not any(self._handed.values()):
            self.settle()

    async def ages(self) -> Mapping[Place, float | None]:
        places = self._consumer.assignment()
        return {Place(*place): await self._age(place) for place in places}

    async def _age(self, place: TopicPartition) -> float | None:
        if place not in self._consumer.assignment():
            return None  # it went to another member a moment ago
        end = self._consumer.highwater(place)
        polled = self._consumer.last_poll_timestamp(place)
        if end is None or polled is None:
            return None
        with reaching():
            if await self._consumer.position(place) < end:
                return None
        # The broker said so before its answer arrived: at most one wait earlier.
        seen: float = (polled - _FETCH_WAIT_MS) / 1000
        return time.time() - seen

    async def close(self) -> None:
        self.settle()
        await stopped(self._consumer)

    def settle(self) -> None:
        """Nothing is at hand: partitions may move."""
        self._handed.clear()
        self._idle.set()

    async def settled(self) -> None:
        await self._idle.wait()

    async def _refuse_gaps(self) -> None:
        """Kafka would go on at the earliest record there is, and say nothing."""
        places = list(self._consumer.assignment())
        beginnings = await self._consumer.beginning_offsets(places)
        for place in places:
            read = await self._consumer.committed(place)
            if read is not None and read < beginnings[place]:
                raise RecordsGone(self._group, Place(*place), read)
        self.moved = False

    def _go_back(self) -> None:
        """What was handed out and not acknowledged comes again."""
        for place, open_ in self._handed.items():
            if open_ and place in self._consumer.assignment():
                self._consumer.seek(place, open_.start)
        self.settle()

    async def _watch(self) -> None:
        """A fetcher can die without a word; whoever subscribes again gets a new one."""
        if time.monotonic() < self._progress + _STALLED:
            return
        self._progress = time.monotonic()
        places = list(self._consumer.assignment())
        ends = await self._consumer.end_offsets(places)
        for place in places:
            if await self._consumer.position(place) < ends[place]:
                raise BusUnavailable(f"Kafka: nothing came from {place} in {_STALLED:.0f} s")


class _Moving(ConsumerRebalanceListener):  # type: ignore[misc]
    """Partitions come and go."""

    def __init__(self, subscription: KafkaSubscription) -> None:
        self._subscription = subscription

    async def on_partitions_revoked(self, _: Sequence[TopicPartition]) -> None:
        """The batch at hand is finished first, within reason."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_REBALANCE_MS / 2000):
                await self._subscription.settled()
        self._subscription.settle()

    async def on_partitions_assigned(self, _: Sequence[TopicPartition]) -> None:
        self._subscription.moved = True


class KafkaHistory:
    """The records of topics, in no group."""

    def __init__(self, consumer: AIOKafkaConsumer, places: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._places = places

    @classmethod
    async def opened(cls, url: KafkaUrl, topics: Sequence[str], since: datetime | None) -> Self:
        consumer = AIOKafkaConsumer(**url.connection(), auto_offset_reset="earliest")
        await started(consumer)
        try:
            places = await places_of(consumer, topics)
            consumer.assign(places)
            await _begin(consumer, places, since)
        except BaseException:
            await stopped(consumer)
            raise
        return cls(consumer, places)

    async def fetch(self, limit: int) -> list[Record]:
        with reaching():
            while await self._behind():
                found = await self._consumer.getmany(timeout_ms=_FETCH_WAIT_MS, max_records=limit)
                if found:
                    return [_record(each) for records in found.values() for each in records]
        return []

    async def close(self) -> None:
        await stopped(self._consumer)

    async def _behind(self) -> bool:
        ends = await self._consumer.end_offsets(self._places)
        return any([await self._consumer.position(at) < ends[at] for at in self._places])


async def _begin(
    consumer: AIOKafkaConsumer, places: Sequence[TopicPartition], since: datetime | None
) -> None:
    if since is None:
        await consumer.seek_to_beginning(*places)
        return
    instant = int(since.timestamp() * 1000)
    found = await consumer.offsets_for_times(dict.fromkeys(places, instant))
    ends = await consumer.end_offsets(places)
    for place in places:
        later = found[place]
        consumer.seek(place, later.offset if later else ends[place])


def _record(read: ConsumerRecord) -> Record:
    """Bytes that are no text are somebody's mistake: they become a dead letter, not a halt."""
    try:
        key = read.key.decode()
        headers = {name: value.decode() for name, value in read.headers}
    except (UnicodeDecodeError, AttributeError):  # no text, or not there at all
        key = _text(read.key)
        headers = {name: _text(value) for name, value in read.headers}
    return Record(read.topic, key, headers, read.value, read.partition, read.offset)


def _text(value: bytes | None) -> str:
    return (value or b"").decode(errors="replace")
