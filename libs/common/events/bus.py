"""The bus as services see it: publish, subscribe, acknowledge; which bus it is, the URL says."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

LARGEST_RECORD = 1_000_000
"""Bytes of key, headers and value. Kafka's own limit leaves as much, so both buses refuse alike."""


class Place(NamedTuple):
    """A partition 分区 of a topic: what has an order, and is read by one reader of a group."""

    topic: str
    partition: int


class Record(NamedTuple):
    """One message: the event's data as value, everything about it in the headers."""

    topic: str
    key: str
    headers: dict[str, str]
    value: bytes | None
    partition: int = 0
    offset: int = -1

    @property
    def place(self) -> Place:
        return Place(self.topic, self.partition)


class BusUnavailable(ConnectionError):
    """The bus cannot be reached now; what was asked may or may not have happened."""


class RecordRefused(Exception):
    """The bus will never take this record of a page; of the others it may have taken some."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


class RecordsGone(Exception):
    """The next records of a group are no longer kept: somebody has to rebuild or go on without."""

    def __init__(self, group: str, place: Place, offset: int) -> None:
        super().__init__(
            f"{group} stands at {place.topic}/{place.partition}/{offset}, which the bus no longer "
            "holds: restore the bus, or rebuild what the group feeds and let it go on later"
        )


class Subscription(Protocol):
    """A group's reader. An error of the connection ends it: subscribe again."""

    async def fetch(self, limit: int, wait: float) -> list[Record]:
        """The next records, each place in order; empty when none came within `wait` seconds.

        Without an `ack` the same records come again.
        """

    async def ack(self, records: Sequence[Record]) -> None:
        """These are done, and with them all of their places that came before them."""

    async def ages(self) -> Mapping[Place, float | None]:
        """For each place this reader has: the seconds since all that was there had been fetched.

        None while more is waiting.
        """

    async def close(self) -> None: ...


class History(Protocol):
    """What topics hold, read beside their groups, whose places do not move."""

    async def fetch(self, limit: int) -> list[Record]:
        """The next records; empty when all that the topics held when asked has been read."""

    async def close(self) -> None: ...


class Bus(Protocol):
    """Nothing is connected before it is used: a process starts whatever the bus's state."""

    async def publish(self, records: Sequence[Record]) -> None:
        """All of them or an error; records of one key keep their order."""

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """A new group begins at the beginning; the readers of one share its places."""

    async def lag(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        """How many records the group has not acknowledged, by topic."""

    async def history(self, topics: Sequence[str], since: datetime | None = None) -> History:
        """From the beginning, or from what was published at `since` or later."""

    async def close(self) -> None: ...


async def open_bus(url: str) -> Bus:
    """`kafka://…` is Apache Kafka, `postgresql://…` the log in a database of its own."""
    match url.partition("://")[0]:
        case "kafka" | "kafka+ssl":
            from libs.common.events.kafka import Kafka

            return Kafka(url)
        case "postgresql" | "postgres":
            from libs.common.events.pglog import PostgresLog

            return await PostgresLog.open(url)
        case scheme:
            raise ValueError(
                f"WEIYUAN_BUS_URL: no bus speaks {scheme!r}; set kafka://… or postgresql://…"
            )


def after(records: Sequence[Record]) -> dict[Place, int]:
    """The offsets that follow these records, by place."""
    offsets: dict[tuple[str, int], int] = {}
    for record in records:
        where = record.topic, record.partition
        if record.offset >= offsets.get(where, 0):
            offsets[where] = record.offset + 1
    return {Place(*where): offset for where, offset in offsets.items()}


def refuse_too_large(records: Sequence[Record]) -> None:
    """Before anything of the page is sent. Only a large value makes a record large."""
    for index, record in enumerate(records):
        if record.value and len(record.value) > LARGEST_RECORD // 2:
            headers = record.headers
            size = len(record.key) + len(record.value)
            size += sum(map(len, headers)) + sum(map(len, headers.values()))
            if size > LARGEST_RECORD:
                raise RecordRefused(index, f"{size} bytes, the bus takes {LARGEST_RECORD}")
