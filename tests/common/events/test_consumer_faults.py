"""What the consumer does when the event, the database or the bus is at fault."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from libs.common.db.database import Connection, Database
from libs.common.events.bus import Bus, BusUnavailable, Record
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.consumer import Consumer
from libs.common.events.reaction import Reaction
from libs.common.events.retry import is_fault_of_event
from libs.common.telemetry import metrics
from tests.common.events.conftest import BOTH
from tests.common.events.facts import (
    BOARD,
    HANDLERS,
    POISON,
    derived,
    employed,
    ended,
    publish,
    reconcile,
    record_of,
    work_row,
)
from tests.twice import Twice

BUSES = BOTH

WORK = "weiyuan.employment.work.v1"


async def open_letters(owner: asyncpg.Connection) -> list[asyncpg.Record]:
    letters: list[asyncpg.Record] = await owner.fetch(
        "SELECT * FROM dead_letter WHERE state = 'open' ORDER BY id"
    )
    await owner.execute("UPDATE dead_letter SET state = 'dropped'")
    return letters


async def test_a_poison_event_becomes_a_dead_letter_and_the_rest_goes_in(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    events = [employed() for _ in range(40)]
    poison = [employed(monthly_income_fen=POISON) for _ in range(2)]
    await publish(bus, *events[:13], poison[0], *events[13:], poison[1])
    await consumer.drain()
    assert all([await work_row(owner, event.aggregate_id) for event in events])
    letters = await open_letters(owner)
    assert {letter["event_id"] for letter in letters} == {event.event_id for event in poison}
    assert {letter["key"] for letter in letters} == {str(event.household_id) for event in poison}
    assert "CheckViolationError" in letters[0]["error"]
    assert not any(str(event.aggregate_id) in letters[0]["error"] for event in poison)
    assert await bus.lag("matching", BOARD.topics) == dict.fromkeys(BOARD.topics, 0)


async def test_a_fault_of_the_reconciliation_is_traced_to_its_event(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    good, bad = employed(), employed()

    async def fails_for_one(db: Connection, keys: Sequence[str]) -> None:
        if str(bad.household_id) in keys:
            raise KeyError("no such household")
        await reconcile(db, keys)

    await publish(bus, good, bad)
    await Consumer(database, bus, Reaction(HANDLERS, fails_for_one)).drain()
    assert await derived(owner, good.household_id) == (1, 1)
    assert await work_row(owner, bad.aggregate_id) is None
    assert [letter["event_id"] for letter in await open_letters(owner)] == [bad.event_id]


async def test_a_record_that_cannot_be_read_becomes_a_dead_letter(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    good, torn = employed(), record_of(employed())
    newer = torn._replace(headers=torn.headers | {"ce_type": "weiyuan.household_employed.v2"})
    await bus.publish([torn._replace(value=b'{"torn'), newer, record_of(good)])
    await consumer.drain()
    assert await work_row(owner, good.aggregate_id)
    letters = await open_letters(owner)
    assert {bytes(letter["value"]) for letter in letters} == {b'{"torn', newer.value}
    assert all(letter["headers"] is not None for letter in letters)


async def test_an_unknown_type_is_passed_over_and_counted(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    unknown = metrics.UNKNOWN_TYPES.labels("matching")._value
    before = unknown.get()
    record = record_of(employed())
    await bus.publish(
        [record._replace(headers=record.headers | {"ce_type": "weiyuan.rain_fell.v1"})]
    )
    await consumer.drain()
    assert unknown.get() - before == 1
    assert await open_letters(owner) == []


async def test_a_broken_record_of_a_type_nobody_handles_here_is_nobody_s_letter(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    only_ends = {
        event: handler for event, handler in HANDLERS.items() if event is not HouseholdEmployed
    }
    await bus.publish([record_of(employed())._replace(value=b'{"torn')])
    await Consumer(database, bus, Reaction(only_ends)).drain()
    assert await open_letters(owner) == []


async def test_a_batch_whose_connection_is_cut_is_taken_in_again(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    event, cuts = employed(), 2

    async def cut_off(db: Connection, keys: Sequence[str]) -> None:
        nonlocal cuts
        await reconcile(db, keys)
        if cuts:
            cuts -= 1
            await db.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    await publish(bus, event)
    await Consumer(database, bus, Reaction(HANDLERS, cut_off)).drain()
    assert cuts == 0
    assert await derived(owner, event.household_id) == (1, 1)
    assert await open_letters(owner) == []


async def test_a_missing_table_is_waited_for(
    bus: Bus, consumer: Consumer, owner: asyncpg.Connection
) -> None:
    event = employed()
    await owner.execute("ALTER TABLE work RENAME TO absent")
    await publish(bus, event)
    draining = asyncio.create_task(consumer.drain())
    await asyncio.wait([draining], timeout=0.3)
    assert not draining.done()
    await owner.execute("ALTER TABLE absent RENAME TO work")
    await asyncio.wait_for(draining, 10)
    assert await work_row(owner, event.aggregate_id)
    assert await open_letters(owner) == []


async def test_a_death_between_commit_and_acknowledgement_doubles_nothing(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    event = employed()
    await publish(bus, event)
    stop = asyncio.Event()

    class DiesBeforeAck(Twice):
        async def subscribe(self, group: str, topics: Sequence[str]) -> Any:
            subscription = await self.bus.subscribe(group, topics)

            async def ack(records: Sequence[Record]) -> None:
                if records:
                    stop.set()
                    raise BusUnavailable("killed, for this test")

            subscription.ack = ack  # type: ignore[method-assign]
            return subscription

    await Consumer(database, DiesBeforeAck(bus), BOARD).run(stop)
    assert await derived(owner, event.household_id) == (1, 1)
    assert (await bus.lag("matching", BOARD.topics))[WORK] == 1
    await Consumer(database, bus, BOARD).drain()
    assert await derived(owner, event.household_id) == (1, 1)
    assert (await bus.lag("matching", BOARD.topics))[WORK] == 0


async def test_the_same_comes_out_when_every_delivery_is_doubled_and_failed(
    bus: Bus, database: Database, owner: asyncpg.Connection
) -> None:
    began = [employed() for _ in range(9)]
    await publish(bus, *began, *map(ended, began[:4]))
    await Consumer(database, Twice(bus), BOARD, batch=6).drain()
    for index, event in enumerate(began):
        row = await work_row(owner, event.aggregate_id)
        assert (row["ended_on"] is not None) == (index < 4)
    assert await open_letters(owner) == []


@pytest.mark.parametrize(
    ("error", "fault_of_event"),
    [
        pytest.param(asyncpg.CheckViolationError(), True, id="constraint"),
        pytest.param(asyncpg.NumericValueOutOfRangeError(), True, id="value"),
        pytest.param(asyncpg.DataError("query argument $1"), True, id="value, seen by the driver"),
        pytest.param(asyncpg.RaiseError(), True, id="trigger"),
        pytest.param(KeyError("x"), True, id="code"),
        pytest.param(asyncpg.DeadlockDetectedError(), False, id="deadlock"),
        pytest.param(asyncpg.SerializationError(), False, id="serialization"),
        pytest.param(asyncpg.AdminShutdownError(), False, id="shutdown"),
        pytest.param(asyncpg.DiskFullError(), False, id="disk full"),
        pytest.param(asyncpg.UndefinedTableError(), False, id="schema not migrated"),
        pytest.param(asyncpg.InsufficientPrivilegeError(), False, id="grant missing"),
        pytest.param(asyncpg.InterfaceError("connection is closed"), False, id="closed"),
        pytest.param(ConnectionResetError(), False, id="reset"),
        pytest.param(TimeoutError(), False, id="timeout"),
        pytest.param(BusUnavailable(), False, id="bus"),
    ],
)
def test_faults_of_an_event_are_told_from_those_that_pass(
    error: Exception, fault_of_event: bool
) -> None:
    assert is_fault_of_event(error) is fault_of_event
