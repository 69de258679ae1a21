"""The bus of the embedded system: a log in PostgreSQL, one partition a topic, one reader a group.

An offset is taken from the topic's counter in the transaction that appends the record. The
counter's row lock makes offset order commit order and leaves no gaps, so that a reader may simply
ask for what comes after its position: with a sequence it would overtake transactions still open
and lose them.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, Self

import asyncpg
import orjson

from libs.common.events.bus import (
    BusUnavailable,
    Place,
    Record,
    RecordsGone,
    after,
    refuse_too_large,
)
from libs.common.events.hold import SESSION, hold, let_go
from libs.common.events.retry import LOST

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

_ACKNOWLEDGE = (
    "UPDATE bus_offset SET next_offset = $3 WHERE grp = $1 AND topic = $2 AND next_offset < $3"
)

_LAG = """
SELECT asked.topic, coalesce(t.next_offset, 0) - coalesce(o.next_offset, 0) AS behind
FROM unnest($2::text[]) AS asked(topic) LEFT JOIN bus_topic t USING (topic)
    LEFT JOIN bus_offset o ON o.topic = asked.topic AND o.grp = $1
"""

_BEGINNINGS = """
SELECT topic, (SELECT min("offset") FROM bus_record r WHERE r.topic = t.topic AND at >= $2)
FROM unnest($1::text[]) AS t(topic)
"""

_ENDS = "SELECT topic, next_offset FROM bus_topic WHERE topic = ANY($1::text[])"


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
        refuse_too_large(records)
        headers = [orjson.dumps(record.headers).decode() for record in records]
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

    async def lag(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        with _reaching():
            rows = await self._pool.fetch(_LAG, group, topics)
        return {row["topic"]: row["behind"] for row in rows}

    async def history(self, topics: Sequence[str], since: datetime | None = None) -> "LogHistory":
        if since is None:
            return LogHistory(self._pool, dict.fromkeys(topics, 0))
        with _reaching():
            rows = await self._pool.fetch(_BEGINNINGS, topics, since)
            ends = await _ends(self._pool, topics)
        return LogHistory(self._pool, {t: ends.get(t, 0) if at is None else at for t, at in rows})

    async def close(self) -> None:
        await self._pool.close()


class LogSubscription:
    """A group's reader: it owns the group for as long as its connection lives."""

    def __init__(self, connection: asyncpg.Connection, group: str, topics: Sequence[str]) -> None:
        self._connection = connection
        self._group = group
        self._topics = list(topics)
        self._woken = asyncio.Event()
        self._looked = 0.0
        self._waiting: set[str] = set()

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
        self._looked = time.monotonic()
        rows = await self._connection.fetch(_BEHIND, self._group)
        positions = {row["topic"]: row["next_offset"] for row in rows}
        ends = {row["topic"]: row["next_offset"] + row["behind"] for row in rows}
        records: list[Record] = []
        for topic in [topic for topic in self._topics if topic in positions]:
            found = await self._connection.fetch(
                _READ, topic, positions[topic], limit - len(records)
            )
            if not found or found[0]["offset"] != positions[topic]:
                raise RecordsGone(self._group, Place(topic, 0), positions[topic])
            records += map(_record, found)
            if len(records) == limit:
                self._topics.append(self._topics.pop(0))
                break
        seen = {record.topic: record.offset + 1 for record in records}
        self._waiting = {topic for topic, end in ends.items() if seen.get(topic, 0) < end}
        return records

    async def ack(self, records: Sequence[Record]) -> None:
        with _reaching():
            for place, offset in after(records).items():
                await self._connection.execute(_ACKNOWLEDGE, self._group, place.topic, offset)

    async def ages(self) -> Mapping[Place, float | None]:
        age = time.monotonic() - self._looked
        return {Place(topic, 0): None if topic in self._waiting else age for topic in self._topics}

    async def close(self) -> None:
        await let_go(self._connection)


class LogHistory:
    """The records of topics from their `positions` on."""

    def __init__(self, pool: asyncpg.Pool, positions: dict[str, int]) -> None:
        self._pool = pool
        self._positions = positions

    async def fetch(self, limit: int) -> list[Record]:
        with _reaching():
            ends = await _ends(self._pool, list(self._positions))
            for topic, position in self._positions.items():
                if position < ends.get(topic, 0):
                    rows = await self._pool.fetch(_READ, topic, position, limit)
                    self._positions[topic] = rows[-1]["offset"] + 1 if rows else ends[topic]
                    return [_record(row) for row in rows] or await self.fetch(limit)
        return []

    async def close(self) -> None:
        """Its connections are the bus's."""


async def _ends(pool: asyncpg.Pool, topics: Sequence[str]) -> dict[str, int]:
    return {row["topic"]: row["next_offset"] for row in await pool.fetch(_ENDS, topics)}


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
