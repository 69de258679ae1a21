"""Decisions in the database: whole, within the area, and open to the household they are about."""

from uuid import UUID

import pytest_asyncio
from sqlalchemy import Select, select

from libs.common.db.database import Database, Scope
from libs.common.db.statement import statement
from libs.common.policy.decisions import Decision, decide, rerun
from libs.common.policy.storing import decision, keep, restored
from services.employment.posts.rules import CLAUSE_SETS, MAY_APPOINT
from tests.databases import GROUND, DatabaseOf
from tests.employment.posts.cases import CLAUSES, HOUSEHOLD, PERSON, a_household, an_appointment

COUNTY, NEIGHBOUR = Scope.area("621123"), Scope.area("621122")


@statement
def decisions() -> Select[tuple[object, ...]]:
    return select(decision)


@pytest_asyncio.fixture(scope="module")
async def database(database_of: DatabaseOf) -> Database:
    return await database_of(GROUND)


async def kept(database: Database, taken: Decision) -> UUID:
    async with database.writing(COUNTY) as db:
        return await keep(db, taken, subject=PERSON, household_id=HOUSEHOLD, actor="county officer")


async def test_a_decision_comes_back_as_it_was_and_runs_again(database: Database) -> None:
    taken = decide(MAY_APPOINT, an_appointment(a_household(working=2)), CLAUSES)
    decision_id = await kept(database, taken)
    async with database.reading(COUNTY) as db:
        row = next(row for row in await db.rows(decisions) if row["id"] == decision_id)
    assert restored(row) == taken
    assert rerun(restored(row), CLAUSE_SETS, CLAUSES) == taken
    assert (row["subject"], row["actor"]) == (PERSON, "county officer")


async def test_a_household_reads_its_own_decisions_and_another_county_none(
    database: Database,
) -> None:
    decision_id = await kept(database, decide(MAY_APPOINT, an_appointment(), CLAUSES))
    seen = {}
    for scope in (Scope.own(household=HOUSEHOLD), Scope.own(household=UUID(int=9)), NEIGHBOUR):
        async with database.reading(scope) as db:
            seen[scope] = decision_id in {row["id"] for row in await db.rows(decisions)}
    assert list(seen.values()) == [True, False, False]
