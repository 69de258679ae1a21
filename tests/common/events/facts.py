"""A small board for tests: work and settlements as facts, and what is derived from them."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ClauseElement,
    Column,
    Date,
    FromClause,
    Insert,
    MetaData,
    Table,
    Text,
    Uuid,
    func,
    null,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.schema import CreateTable

from libs.common.db.database import Connection
from libs.common.db.statement import DIALECT, any_of, statement
from libs.common.events.bus import Bus, Record
from libs.common.events.catalogue import topic_of
from libs.common.events.catalogue.employment import HouseholdEmployed, HouseholdEmploymentEnded
from libs.common.events.catalogue.solar import PvRevenueSettled, VillageShare
from libs.common.events.envelope import to_record
from libs.common.events.event import Event
from libs.common.events.reaction import Handler, Reaction, newest
from libs.common.ids import new_id

POISON = 10**12
"""An income that the fact table refuses."""

_tables = MetaData()

work = Table(
    "work",
    _tables,
    Column("employment_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("household_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("monthly_income_fen", BigInteger),
    Column("ended_on", Date),
    CheckConstraint(f"monthly_income_fen < {POISON}", name="income"),
)
settlement = Table(
    "settlement",
    _tables,
    Column("settlement_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("shares", JSONB, nullable=False),
)
situation = Table(
    "situation",
    _tables,
    Column("household_id", Uuid, primary_key=True),
    Column("working", BigInteger, nullable=False),
    Column("derived", BigInteger, nullable=False),
)


async def make_tables(owner_url: str, worker: str) -> None:
    owner = await asyncpg.connect(owner_url)
    for table in _tables.sorted_tables:
        await owner.execute(str(CreateTable(table).compile(dialect=DIALECT)))
        await owner.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {worker}")
    await owner.close()


def _work_values(events: FromClause) -> dict[str, Any]:
    values = {name: events.c[name] for name in ("household_id", "channel", "monthly_income_fen")}
    return {"employment_id": events.c.aggregate_id} | values


def work_began(events: FromClause) -> Insert:
    values = _work_values(events) | {"ended_on": null()}
    return newest(work, events, values)


def work_ended(events: FromClause) -> Insert:
    values = _work_values(events) | {"ended_on": events.c.ended_on}
    return newest(work, events, values)


def revenue_settled(events: FromClause) -> Insert:
    values = {"settlement_id": events.c.aggregate_id, "shares": events.c.shares}
    return newest(settlement, events, values)


@statement
def _derive() -> ClauseElement:
    """Who works in each household, and how many times that was worked out."""
    working = func.count().filter(work.c.ended_on.is_(None))
    counted = select(work.c.household_id, working, 1).where(
        any_of(work.c.household_id, "households")
    )
    derived = insert(situation).from_select(
        ["household_id", "working", "derived"], counted.group_by(work.c.household_id)
    )
    return derived.on_conflict_do_update(
        index_elements=["household_id"],
        set_={"working": derived.excluded.working, "derived": situation.c.derived + 1},
    )


async def reconcile(db: Connection, keys: Sequence[str]) -> None:
    await db.rows(_derive, households=[UUID(key) for key in keys])


HANDLERS: dict[type[Event], Handler] = {
    HouseholdEmployed: work_began,
    HouseholdEmploymentEnded: work_ended,
    PvRevenueSettled: revenue_settled,
}
BOARD = Reaction(HANDLERS, reconcile)


def employed(**given: Any) -> HouseholdEmployed:
    return HouseholdEmployed(**_employment() | given)


def ended(of: HouseholdEmployed, **given: Any) -> HouseholdEmploymentEnded:
    state = of.model_dump() | {"version": of.version + 1, "ended_on": date(2019, 9, 30)}
    return HouseholdEmploymentEnded(**state | given)


def _employment() -> dict[str, Any]:
    return {
        "aggregate_id": new_id(),
        "version": 1,
        "household_id": new_id(),
        "person_id": new_id(),
        "channel": "public_post",
        "monthly_income_fen": 50_000,
        "since": date(2019, 6, 1),
    }


def settled(division: str = "621123100201") -> PvRevenueSettled:
    share = VillageShare(division=division, grid_fen=600_000, subsidy_fen=300_000)
    return PvRevenueSettled(
        aggregate_id=new_id(),
        version=1,
        station_id=new_id(),
        period="2019-06",
        kwh="31250.5",
        grid_fen=600_000,
        subsidy_fen=300_000,
        shares=(share,),
    )


def record_of(event: Event, service: str = "employment") -> Record:
    return to_record(
        {
            "topic": topic_of(service, type(event)),
            "key": event.key,
            "type": event.type,
            "event_id": event.event_id,
            "time": event.time,
            "traceparent": None,
            "data": event.data(),
        }
    )


async def publish(bus: Bus, *events: Event) -> None:
    await bus.publish([record_of(event) for event in events])


async def work_row(owner: asyncpg.Connection, employment: UUID) -> Any:
    return await owner.fetchrow("SELECT * FROM work WHERE employment_id = $1", employment)


async def derived(owner: asyncpg.Connection, household: UUID) -> tuple[int, int] | None:
    """How many work in the household, and how often that was worked out."""
    row = await owner.fetchrow(
        "SELECT working, derived FROM situation WHERE household_id = $1", household
    )
    return (row["working"], row["derived"]) if row else None
