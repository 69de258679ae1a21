"""The bus of the embedded system: a log in PostgreSQL, one partition a topic, one reader a group.

An offset is taken from the topic's counter in the transaction that appends the record. The
counter's row lock makes offset order commit order and leaves no gaps, so that a reader may simply
ask for what comes after its position: with a sequence it would overtake transactions still open
and lose them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Self

import asyncpg
import orjson

from libs.common.events.bus import BusUnavailable, Record, RecordRefused, RecordsGone
from libs.common.events.hold import SESSION, hold, let_go
from libs.common.events.retry import LOST

LARGEST_RECORD = 1_000_000
"""Bytes of key, headers and value; Kafka's default limit, so that both buses refuse the same."""

_POLL = 0.25
_POOL = 4

# One statement, so one transaction. `after` is how many records of its topic follow in the page.
# Topics come in their order, so that two pages never wait for each other in a circle.
_PUBLISH = """
WITH counted AS (
    INSERT INTO bus_topic AS t (topic, next_offset) SELECT * FROM unnest($1::text[], $2::bigint[])
    ON CONFLICT (topic) DO UPDATE SET next_offset = t.next_offset + excluded.next_offset
    RETURNING topic, next_offset
), appended AS (
    INSERT INTO bus_record (topic, "offset", key, headers, value)
    SELECT topic, next_offset - after - 1, key, headers, value
    FROM unnest($3::text[], $4::bigint[], $5::text[], $6::json[], $7::bytea[])
        AS message (topic, after, key, headers, value) JOIN counted USING (topic)
)
SELECT pg_notify('bus', '')
"""

_JOIN = """
INSERT INTO bus_offset (grp, topic, next_offset) SELECT $1, unnest($2::text[]), 0
ON CONFLICT DO NOTHING
"""

_BEHIND = """
SELECT topic, o.next_offset, t.next_offset - o.next_offset AS behind
FROM bus_offset o JOIN bus_topic t USING (topic)
WHERE o.grp = $1 AND o.next_offset < t.next_offset
"""

_READ = """
SELECT topic, key, headers, value, "offset" FROM bus_record
WHERE topic = $1 AND "offset" >= $2 ORDER BY "offset" LIMIT $3
"""

# From the position that was read: a rewind in between stays.
_ACKNOWLEDGE = (
    "UPDATE bus_offset SET next_offset = $4 WHERE grp = $1 AND topic = $2 AND next_offset = $3"
)

# Never beyond the end: what comes later would be passed over.
_REWIND = """
INSERT INTO bus_offset AS o (grp, topic, next_offset)
SELECT $1, $2, least($3, coalesce((SELECT next_offset FROM bus_topic WHERE topic = $2), 0))
ON CONFLICT (grp, topic) DO UPDATE SET next_offset = excluded.next_offset
"""


@contextmanager
def _reaching() -> Iterator[None]:
    try:
        yield
    except (*LOST, asyncpg.InsufficientResourcesError) as error:
        raise BusUnavailable(f"the bus database: {error}") from error


class PostgresLog:
    """The `Bus` over a database with the tables of `migrations/`."""

    def __init__(self, url: str, pool: asyncpg.Pool) -> None:
        self._url = url
        self._pool = pool

    @classmethod
    async def open(cls, url: str) -> Self:
        pool = await asyncpg.create_pool(url, min_size=0, max_size=_POOL, reset=_nothing_to_reset)
        return cls(url, pool)

    async def publish(self, records: Sequence[Record]) -> None:
        headers = [orjson.dumps(record.headers).decode() for record in records]
        for index, record in enumerate(records):
            size = len(record.key) + len(headers[index]) + len(record.value or b"")
            if size > LARGEST_RECORD:
                raise RecordRefused(index, f"{size} bytes, the bus takes {LARGEST_RECORD}")
        topics = [record.topic for record in records]
        counts = sorted(Counter(topics).items())
        with _reaching():
            await self._pool.execute(
                _PUBLISH,
                [topic for topic, _ in counts],
                [count for _, count in counts],
                topics,
                _followers(topics),
                [record.key for record in records],
                headers,
                [record.value for record in records],
            )

    async def subscribe(self, group: str, topics: Sequence[str]) -> "LogSubscription":
        with _reaching():
            connection = await asyncpg.connect(self._url, server_settings=SESSION)
        try:
            with _reaching():
                await hold(connection, f"bus:{group}")
                await connection.execute(_JOIN, group, topics)
                return await LogSubscription.listening(connection, group, topics)
        except BaseException:
            connection.terminate()
            raise

    async def lag(self, group: str) -> dict[str, int]:
        with _reaching():
            rows = await self._pool.fetch(_BEHIND, group)
            joined = await self._pool.fetch("SELECT topic FROM bus_offset WHERE grp = $1", group)
        behind = {row["topic"]: row["behind"] for row in rows}
        return {row["topic"]: behind.get(row["topic"], 0) for row in joined}

    async def rewind(self, group: str, topic: str, offset: int = 0) -> None:
        with _reaching():
            await self._pool.execute(_REWIND, group, topic, offset)
            await self._pool.execute("NOTIFY bus")

    async def close(self) -> None:
        await self._pool.close()


class LogSubscription:
    """A group's reader: it owns the group for as long as its connection lives."""

    def __init__(self, connection: asyncpg.Connection, group: str, topics: Sequence[str]) -> None:
        self._connection = connection
        self._group = group
        self._topics = list(topics)
        self._woken = asyncio.Event()

    @classmethod
    async def listening(
        cls, connection: asyncpg.Connection, group: str, topics: Sequence[str]
    ) -> Self:
        subscription = cls(connection, group, topics)
        await connection.add_listener("bus", lambda *_: subscription._woken.set())
        return subscription

    async def fetch(self, limit: int, wait: float) -> list[Record]:
        deadline = time.monotonic() + wait
        while True:
            self._woken.clear()
            with _reaching():
                records = await self._read(limit)
            remaining = deadline - time.monotonic()
            if records or remaining <= 0:
                return records
            with suppress(TimeoutError):
                async with asyncio.timeout(min(remaining, _POLL)):
                    await self._woken.wait()

    async def _read(self, limit: int) -> list[Record]:
        """Topic by topic until the page is full; the one that was first is last the next time."""
        rows = await self._connection.fetch(_BEHIND, self._group)
        positions = {row["topic"]: row["next_offset"] for row in rows}
        records: list[Record] = []
        for topic in [topic for topic in self._topics if topic in positions]:
            found = await self._connection.fetch(
                _READ, topic, positions[topic], limit - len(records)
            )
            if not found or found[0]["offset"] != positions[topic]:
                raise RecordsGone(self._group, topic, positions[topic])
            records += map(_record, found)
            if len(records) == limit:
                self._topics.append(self._topics.pop(0))
                break
        return records

    async def ack(self, records: Sequence[Record]) -> None:
        offsets: dict[str, list[int]] = {}
        for record in records:
            offsets.setdefault(record.topic, []).append(record.offset)
        with _reaching():
            for topic, done in offsets.items():
                await self._connection.execute(
                    _ACKNOWLEDGE, self._group, topic, min(done), max(done) + 1
                )

    async def close(self) -> None:
        await let_go(self._connection)


def _followers(topics: Sequence[str]) -> list[int]:
    """For each place, how many of the same come after it."""
    seen: Counter[str] = Counter()
    followers = []
    for topic in reversed(topics):
        followers.append(seen[topic])
        seen[topic] += 1
    return followers[::-1]


async def _nothing_to_reset(_: Any) -> None:
    """A round trip less each time a connection is given back: nothing was set on it."""


def _record(row: asyncpg.Record) -> Record:
    topic, key, headers, value, offset = row
    return Record(topic, key, orjson.loads(headers), value, offset=offset)
