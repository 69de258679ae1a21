"""What the tables hold and refuse, whoever writes."""

from datetime import date

import asyncpg
import pytest

from libs.common.db.database import Database, Scope
from libs.common.people.sealing import Sealer
from services.registry.models import MODELS
from tests.registry.builders import VILLAGE, a_division, a_household, a_resident_id

# LT-9, PL-1: nobody keeps these of a person here, under any name.
FORBIDDEN = (
    "health", "illness", "disease", "disab", "ethnic", "minority", "nation", "religion",
    "belief", "faith", "politic", "party", "reliab", "detention", "face", "location",
)  # fmt: skip


def test_no_column_is_of_health_ethnicity_religion_or_politics() -> None:
    columns = [f"{column.table}.{column.name}" for t in MODELS.tables.values() for column in t.c]
    assert [name for name in columns for word in FORBIDDEN if word in name] == []


async def test_a_household_has_one_head(database: Database, sealer: Sealer) -> None:
    household = await a_household(database, sealer, members=[{}, {}])
    everybody = "UPDATE person SET relation = 'head' WHERE household_id = $1"
    async with database.reading(Scope.job(VILLAGE)) as connection:
        with pytest.raises(asyncpg.ExclusionViolationError):
            await connection.execute(everybody, household.id)


async def test_the_head_can_change_within_one_transaction(
    database: Database, sealer: Sealer
) -> None:
    household = await a_household(database, sealer, members=[{}, {}])
    head, other = household.members
    async with database.writing(Scope.job(VILLAGE)) as connection:
        for person, relation in ((other, "head"), (head, "spouse")):
            await connection.execute(
                "UPDATE person SET relation = $2 WHERE id = $1", person.id, relation
            )


async def test_a_person_is_in_one_household(database: Database, sealer: Sealer) -> None:
    identity = a_resident_id(date(1971, 3, 4))
    await a_household(database, sealer, members=[{"identity": identity}])
    with pytest.raises(asyncpg.UniqueViolationError, match="identity_index"):
        await a_household(database, sealer, members=[{"identity": identity}])


async def test_a_code_is_never_used_twice(database: Database) -> None:
    await a_division(database, "621124298", until=date(2003, 1, 1))
    with pytest.raises(asyncpg.UniqueViolationError):
        await a_division(database, "621124298", since=date(2010, 1, 1))


@pytest.mark.parametrize("scope", [Scope.job("621122"), Scope.worker()], ids=lambda s: s.setting)
async def test_an_import_writes_within_its_officers_area_only(
    database: Database, sealer: Sealer, scope: Scope
) -> None:
    household = await a_household(database, sealer)
    change = "UPDATE household SET status = 'lifted' WHERE id = $1"
    async with database.reading(scope) as connection:
        assert await connection.execute(change, household.id) == "UPDATE 0"


async def test_an_import_moves_nobody_out_of_its_officers_area(
    database: Database, sealer: Sealer
) -> None:
    household = await a_household(database, sealer)
    move = "UPDATE household SET division = '621122100201' WHERE id = $1"
    async with database.reading(Scope.job("621123")) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(move, household.id)


@pytest.mark.parametrize("scope", [Scope.public(), Scope.own(household=None)], ids=lambda s: s.role)
@pytest.mark.parametrize("table", ["household", "person", "village", "village_class"])
async def test_who_has_no_area_sees_nobody(
    database: Database, sealer: Sealer, scope: Scope, table: str
) -> None:
    await a_household(database, sealer)
    async with database.reading(scope) as connection:
        may = f"SELECT has_table_privilege('{table}', 'SELECT')"
        if await connection.fetchval(may):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0


@pytest.mark.parametrize("role", ["app", "self", "public", "worker"])
@pytest.mark.parametrize("table", ["division", "village", "village_class", "household", "person"])
async def test_nobody_may_delete_or_empty_what_is_registered(
    database: Database, role: str, table: str
) -> None:
    async with database.reading(Scope.job("62")) as connection:
        for privilege in ("DELETE", "TRUNCATE"):
            may = "SELECT has_table_privilege($1, $2, $3)"
            assert not await connection.fetchval(may, f"registry_{role}", table, privilege)
