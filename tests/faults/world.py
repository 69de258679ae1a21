"""The two ends of the torture: who employs and pays, and the board that follows by the bus."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Column,
    FromClause,
    Insert,
    MetaData,
    Table,
    Uuid,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.schema import CreateTable

from libs.common.db.base import division
from libs.common.db.database import Connection
from libs.common.db.recorded import recorded
from libs.common.db.security import protect
from libs.common.db.statement import DIALECT, any_of, param, statement
from libs.common.events.catalogue.employment import HouseholdEmployed, WagePaid
from libs.common.events.reaction import Reaction, newest
from libs.common.ids import new_id
from tests.databases import GROUND

VILLAGE = "621123100201"

_truth, _board = MetaData(), MetaData()

employment = Table(
    "employment",
    _truth,
    Column("id", Uuid, primary_key=True),
    Column("household_id", Uuid, nullable=False),
    division(),
    Column("version", BigInteger, nullable=False),
    Column("monthly_income_fen", BigInteger, nullable=False),
)
payment = Table(
    "payment",
    _truth,
    Column("id", Uuid, primary_key=True),
    Column("household_id", Uuid, nullable=False),
    division(),
    Column("amount_fen", BigInteger, nullable=False),
)
work = Table(
    "work",
    _board,
    Column("employment_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False),
    Column("household_id", Uuid, nullable=False),
    Column("monthly_income_fen", BigInteger, nullable=False),
)
received = Table(
    "received",
    _board,
    Column("household_id", Uuid, primary_key=True),
    Column("payments", BigInteger, nullable=False),
    Column("amount_fen", BigInteger, nullable=False),
)
"""Added up, so that an event that counts twice or not at all is seen for ever."""
income = Table(
    "income",
    _board,
    Column("household_id", Uuid, primary_key=True),
    Column("monthly_income_fen", BigInteger, nullable=False),
)


async def make_truth(url: str, households: Sequence[UUID]) -> None:
    """Each household has one employment at its version 0, which nobody has published."""
    owner = await asyncpg.connect(url.replace("{role}", "owner"))
    for table in _truth.sorted_tables:
        await owner.execute(str(CreateTable(table).compile(dialect=DIALECT)))
    rows = [(new_id(), household, VILLAGE, 0, 0) for household in households]
    await owner.executemany("INSERT INTO employment VALUES ($1, $2, $3, $4, $5)", rows)
    for table in _truth.sorted_tables:
        for sql in protect(GROUND, table.name, worker="SELECT"):
            await owner.execute(sql)
    await owner.close()


async def make_board(url: str) -> None:
    owner = await asyncpg.connect(url.replace("{role}", "owner"))
    for table in _board.sorted_tables:
        await owner.execute(str(CreateTable(table).compile(dialect=DIALECT)))
        await owner.execute(f"GRANT SELECT, INSERT, UPDATE ON {table} TO {GROUND}_worker")
    await owner.close()


@statement
def current() -> ClauseElement:
    found = select(employment.c.id, employment.c.version)
    return found.where(employment.c.household_id == param("household_id"))


@statement
def raise_income() -> ClauseElement:
    """Nothing when somebody else was faster."""
    table = employment
    of = table.c.id == param("id"), table.c.version == param("if_version")
    raised = (
        update(table)
        .where(*of)
        .values(version=table.c.version + 1, monthly_income_fen=param("monthly_income_fen"))
    )
    return recorded(raised.returning(table.c.id.label("subject"), table.c.division).cte("raised"))


@statement
def pay() -> ClauseElement:
    names = ("id", "household_id", "division", "amount_fen")
    paid = insert(payment).values({name: param(name, payment.c[name].type) for name in names})
    return recorded(paid.returning(payment.c.id.label("subject"), payment.c.division).cte("paid"))


def employed(row: Mapping[str, Any], household: UUID, fen: int) -> HouseholdEmployed:
    return HouseholdEmployed(
        aggregate_id=row["id"],
        version=row["version"] + 1,
        household_id=household,
        person_id=household,
        channel="workshop",
        monthly_income_fen=fen,
        since=date(2019, 6, 1),
    )


def wage(household: UUID, fen: int) -> WagePaid:
    payment_id = new_id()
    return WagePaid(
        aggregate_id=payment_id,
        version=1,
        household_id=household,
        clause="PW-PAY-1",
        amount_fen=fen,
        month="2019-06",
        employment_id=household,
    )


def work_began(events: FromClause) -> Insert:
    values = {name: events.c[name] for name in ("household_id", "monthly_income_fen")}
    return newest(work, events, {"employment_id": events.c.aggregate_id} | values)


def wage_paid(events: FromClause) -> Insert:
    sums = func.count(), func.sum(events.c.amount_fen)
    by_household = select(events.c.household_id, *sums).group_by(events.c.household_id)
    added = insert(received).from_select([column.key for column in received.c], by_household)
    more: dict[str, Any] = {
        name: received.c[name] + added.excluded[name] for name in ("payments", "amount_fen")
    }
    return added.on_conflict_do_update(index_elements=["household_id"], set_=more)


@statement
def _derive_income() -> ClauseElement:
    of_household = select(work.c.household_id, func.sum(work.c.monthly_income_fen))
    sums = of_household.where(any_of(work.c.household_id, "households"))
    derived = insert(income).from_select(
        ["household_id", "monthly_income_fen"], sums.group_by(work.c.household_id)
    )
    return derived.on_conflict_do_update(
        index_elements=["household_id"],
        set_={"monthly_income_fen": derived.excluded.monthly_income_fen},
    )


async def reconcile(db: Connection, keys: Sequence[str]) -> None:
    await db.rows(_derive_income, households=[UUID(key) for key in keys])


BOARD = Reaction({HouseholdEmployed: work_began, WagePaid: wage_paid}, reconcile)

TRUTH = """
SELECT household_id, id, version, monthly_income_fen, payments, amount_fen FROM employment
LEFT JOIN (
    SELECT household_id, count(*) AS payments, sum(amount_fen)::bigint AS amount_fen
    FROM payment GROUP BY household_id
) AS paid USING (household_id) WHERE version > 0 ORDER BY household_id
"""
SHOWN = """
SELECT household_id, employment_id, version, income.monthly_income_fen, payments, amount_fen
FROM work JOIN income USING (household_id) LEFT JOIN received USING (household_id)
ORDER BY household_id
"""
