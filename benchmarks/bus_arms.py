"""What the bus benchmark times: commands, relay and facts, each beside its bare form."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
from aiokafka import AIOKafkaProducer

from libs.common.db.database import Database, Scope
from libs.common.events.bus import Bus, Record
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.consumer import Consumer
from libs.common.events.envelope import to_record
from libs.common.events.reaction import Reaction
from libs.common.events.relay import Relay
from libs.common.ids import new_id
from libs.common.records.audit import Trace
from services.matching.handlers import work_began
from tests.faults import world

WRITERS = 16
PAGE = 500
RELAYED = 10_000
COMMANDS = {1: 400, WRITERS: 4_000}
FACTS = 20_000
TOPIC = "weiyuan.employment.work.v1"
AREA = Scope.area("621123")
TRACE = Trace(actor="benchmark", role="county_officer", action="raise")
FACTS_ONLY = Reaction({HouseholdEmployed: work_began})

FILL = f"""
INSERT INTO outbox (event_id, topic, key, type, time, traceparent, data)
SELECT uuidv7(), '{TOPIC}', (n % 2000)::text, 'weiyuan.household_employed.v1', now(),
    '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', $1
FROM generate_series(1, {RELAYED}) n
"""
UPSERT = """
INSERT INTO work (id, household_id, person_id, channel, monthly_income_fen, since, event_id,
    version, event_type)
SELECT *, 'weiyuan.household_employed.v1' FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],
    $4::text[], $5::bigint[], $6::date[], $7::uuid[], $8::bigint[])
ON CONFLICT (id) DO UPDATE SET household_id = excluded.household_id,
    person_id = excluded.person_id, channel = excluded.channel,
    monthly_income_fen = excluded.monthly_income_fen, since = excluded.since,
    ended_on = excluded.ended_on, event_id = excluded.event_id, event_type = excluded.event_type,
    version = excluded.version
WHERE work.version < excluded.version
"""
UPSERTED = (
    *("aggregate_id", "household_id", "person_id", "channel", "monthly_income_fen", "since"),
    *("event_id", "version"),
)
RAISE = """
UPDATE employment SET version = version + 1, monthly_income_fen = $3
WHERE id = $1 AND version = $2 RETURNING id, division
"""
EMIT = """
INSERT INTO outbox (event_id, topic, key, type, time, traceparent, data)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
AUDIT = """
INSERT INTO audit (id, at, actor, role, action, subject, division, detail)
VALUES ($1, $2, $3, $4, $5, $6, $7, '{}')
"""


@dataclass(frozen=True)
class Ground:
    """What the arms run on."""

    url: str
    employment: Database
    board: Database
    bus: Bus
    bare: asyncpg.Pool
    """asyncpg's own pool for the same database, as a superuser whom no policy concerns."""
    bare_board: asyncpg.Connection
    employments: Sequence[UUID]


class Commands:
    """The same change in three ways; each writer keeps to its own employments."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._versions = dict.fromkeys(ground.employments, 0)

    async def clear(self) -> None:
        await self._ground.bare.execute("TRUNCATE outbox, audit")

    async def three_statements(self, writers: int) -> int:
        return await self._spread(writers, self._raw)

    async def one_statement(self, writers: int) -> int:
        return await self._spread(writers, self.raise_income)

    async def without_wake_up(self, writers: int) -> int:
        return await self._spread(writers, self._quiet)

    async def _spread(
        self, writers: int, act: Callable[[UUID], Coroutine[Any, Any, object]]
    ) -> int:
        """Every writer takes its part of the employments, again and again."""
        each = COMMANDS[writers] // writers

        async def writer(number: int) -> None:
            own = self._ground.employments[number::WRITERS]
            for count in range(each):
                await act(own[count % len(own)])

        await asyncio.gather(*map(writer, range(writers)))
        return each * writers

    async def _raw(self, row: UUID) -> None:
        event = self._event(row)
        async with self._ground.bare.acquire() as db, db.transaction():
            changed = await db.fetchrow(RAISE, row, self._versions[row], 60_000)
            assert changed is not None
            message = event.event_id, TOPIC, event.key, event.type, event.time, None, event.data()
            await db.execute(EMIT, *message)
            who = new_id(), event.time, TRACE.actor, TRACE.role, TRACE.action
            await db.execute(AUDIT, *who, changed["id"], changed["division"])
        self._versions[row] += 1

    async def raise_income(self, row: UUID) -> UUID:
        """The id of the event of the command."""
        event = self._event(row)
        changed = await self._ground.employment.command(
            AREA, world.raise_income, trace=TRACE, events=[event], **self._change(row)
        )
        assert changed is not None
        self._versions[row] += 1
        return event.event_id

    async def _quiet(self, row: UUID) -> None:
        """The statement alone; nobody is woken."""
        async with self._ground.employment.reading(AREA) as db:
            changed = await db.command(
                world.raise_income, trace=TRACE, events=[self._event(row)], **self._change(row)
            )
        assert changed is not None
        self._versions[row] += 1

    def _change(self, row: UUID) -> dict[str, Any]:
        return {"id": row, "if_version": self._versions[row], "monthly_income_fen": 60_000}

    def _event(self, row: UUID) -> HouseholdEmployed:
        return world.employed({"id": row, "version": self._versions[row]}, row, 60_000)


class Relayed:
    """The same messages by the relay, and by a bare producer that has them ready."""

    def __init__(self, ground: Ground, producer: AIOKafkaProducer) -> None:
        self._ground = ground
        self._producer = producer
        self._messages: list[dict[str, Any]] = []

    async def fill(self) -> None:
        event = world.employed({"id": new_id(), "version": 1}, new_id(), 60_000)
        await self._ground.bare.execute("TRUNCATE outbox")
        await self._ground.bare.execute(FILL, event.data())

    async def ready(self) -> None:
        await self.fill()
        rows = await self._ground.bare.fetch("SELECT * FROM outbox ORDER BY id")
        self._messages = [_message(to_record(row)) for row in rows]

    async def produce(self) -> int:
        for start in range(0, len(self._messages), PAGE):
            for message in self._messages[start : start + PAGE]:
                await self._producer.send(TOPIC, **message)
            await self._producer.flush()
        return len(self._messages)

    async def relay(self) -> int:
        await Relay("employment", self._ground.url, self._ground.bus).drain()
        return RELAYED


def _message(record: Record) -> dict[str, Any]:
    headers = [(name, value.encode()) for name, value in record.headers.items()]
    return {"value": record.value, "key": record.key.encode(), "headers": headers}


class Facts:
    """Half of the events are the first of their aggregate, half replace what those said."""

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._events: list[HouseholdEmployed] = []

    async def ready(self) -> None:
        await self._ground.bare_board.execute("TRUNCATE work, inbox")
        jobs = [new_id() for _ in range(FACTS // 2)]
        self._events = [
            world.employed({"id": job, "version": version}, job, 60_000)
            for version in (0, 1)
            for job in jobs
        ]

    async def published(self) -> None:
        """The consumer stands at the first of them, behind what the relay's arm published."""
        await Consumer(self._ground.board, self._ground.bus, FACTS_ONLY).drain()
        await self.ready()
        await self._ground.bus.publish([to_record(_row(event)) for event in self._events])

    async def upsert(self, batch: int) -> int:
        for events in self._batches(batch):
            columns = [[getattr(event, name) for event in events] for name in UPSERTED]
            await self._ground.bare_board.execute(UPSERT, *columns)
        return FACTS

    async def take_in(self, batch: int) -> int:
        for events in self._batches(batch):
            async with self._ground.board.writing(Scope.worker()) as db:
                await FACTS_ONLY.take_in(db, "matching", events)
        return FACTS

    async def consume(self, batch: int) -> int:
        await Consumer(self._ground.board, self._ground.bus, FACTS_ONLY, batch=batch).drain()
        return FACTS

    def _batches(self, batch: int) -> list[list[HouseholdEmployed]]:
        return [self._events[start : start + batch] for start in range(0, FACTS, batch)]


def _row(event: HouseholdEmployed) -> dict[str, Any]:
    return {
        "topic": TOPIC,
        "key": event.key,
        "type": event.type,
        "event_id": event.event_id,
        "time": event.time,
        "traceparent": None,
        "data": event.data(),
    }
