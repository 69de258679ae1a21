"""认定事实: what the record of a day can tell of another day, and what it cannot."""

from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from libs.common.contracts import HouseholdFacts, VillageClass
from libs.common.db.database import Database
from libs.common.http.roles import Role
from libs.common.people.sealing import Sealer
from tests.registry.builders import VILLAGE, a_class, a_household, a_village
from tests.registry.conftest import As

FAMILY: list[dict[str, Any]] = [
    {"birth_on": date(1968, 5, 1), "able": "skilled", "working": True, "cadre": True},
    {"birth_on": date(1970, 5, 1), "able": None, "working": None, "cadre_family": True},
    {"birth_on": date(2018, 6, 1), "able": "none", "working": False, "subsistence": True},
]
BEFORE, AS_OF, AFTER = "2018-11-30", "2018-12-01", "2019-03-01"


@pytest.fixture
def officer(as_: As) -> httpx.AsyncClient:
    return as_(Role.COUNTY_OFFICER, division="621123")


async def facts_of(client: httpx.AsyncClient, household: UUID, on: str) -> HouseholdFacts:
    answer = await client.get(f"/households/{household}/facts", params={"on": on})
    assert answer.status_code == 200
    return HouseholdFacts.model_validate_json(answer.content, extra="forbid")


@pytest.mark.parametrize("on", [AS_OF, AFTER])
async def test_from_the_day_of_the_record_on_the_facts_are_the_records(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient, on: str
) -> None:
    household = await a_household(database, sealer, members=FAMILY)
    facts = await facts_of(officer, household.id, on)
    assert (facts.household_id, facts.division) == (household.id, VILLAGE)
    assert (facts.as_of, facts.on) == (date(2018, 12, 1), date.fromisoformat(on))
    assert (facts.registered, facts.working, facts.subsistence) == (True, 1, False)
    head, spouse, child = facts.members
    assert (head.able, head.working, head.cadre, head.cadre_family) == (
        "skilled",
        True,
        True,
        False,
    )
    assert (spouse.able, spouse.working, spouse.cadre_family) == (None, None, True)
    assert (child.able, child.subsistence, child.age) == ("none", True, 0)


async def test_before_the_day_of_the_record_what_changes_is_unknown(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    household = await a_household(database, sealer, members=FAMILY, subsistence="whole")
    facts = await facts_of(officer, household.id, BEFORE)
    assert (facts.working, facts.subsistence) == (None, None)
    assert [member.age for member in facts.members] == [50, 48, 0]
    for member in facts.members:
        known = member.model_dump(exclude={"person_id", "age"}, exclude_none=True)
        assert known == {}


async def test_nobody_is_a_member_before_their_birth(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    household = await a_household(database, sealer, members=FAMILY)
    assert len((await facts_of(officer, household.id, "2018-05-31")).members) == 2
    assert len((await facts_of(officer, household.id, "2018-06-01")).members) == 3


@pytest.mark.parametrize(
    ("recorded", "on", "registered"),
    [
        pytest.param((True, date(2014, 5, 1)), "2014-05-01", True, id="on its first day"),
        pytest.param((True, date(2014, 5, 1)), "2014-04-30", False, id="the day before"),
        pytest.param((True, None), AS_OF, True, id="since an unknown day, on the record's"),
        pytest.param((True, None), BEFORE, None, id="since an unknown day, before the record"),
        pytest.param((False, None), AS_OF, False, id="not registered, on the record's day"),
        pytest.param((False, None), BEFORE, None, id="not registered, before the record"),
        pytest.param((None, None), AFTER, None, id="not known"),
    ],
)
async def test_registration_on_a_day(
    database: Database,
    sealer: Sealer,
    officer: httpx.AsyncClient,
    recorded: tuple[bool | None, date | None],
    on: str,
    registered: bool | None,
) -> None:
    state, since = recorded
    household = await a_household(database, sealer, registered=state, registered_on=since)
    assert (await facts_of(officer, household.id, on)).registered is registered


@pytest.mark.parametrize(
    ("recorded", "whole"),
    [
        pytest.param("whole", True, id="whole household"),
        pytest.param("partial", False, id="some members"),
        pytest.param("none", False, id="nobody"),
        pytest.param(None, None, id="not known"),
    ],
)
async def test_subsistence_of_the_whole_household(
    database: Database,
    sealer: Sealer,
    officer: httpx.AsyncClient,
    recorded: str | None,
    whole: bool | None,
) -> None:
    household = await a_household(database, sealer, subsistence=recorded)
    assert (await facts_of(officer, household.id, AFTER)).subsistence is whole


async def test_the_class_is_the_one_in_force_on_the_day(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    village = await a_village(
        database, "621123110201", village_class="registered", since=date(2014, 1, 1)
    )
    await a_class(database, village, "registered_deep", since=date(2017, 11, 1))
    household = await a_household(database, sealer, division=village)
    for on, expected in {
        "2013-12-31": None,
        "2017-10-31": VillageClass.REGISTERED,
        "2017-11-01": VillageClass.REGISTERED_DEEP,
    }.items():
        assert (await facts_of(officer, household.id, on)).village_class is expected


async def test_an_unclassed_village_has_no_class(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    village = await a_village(database, "621123120201", village_class=None)
    household = await a_household(database, sealer, division=village)
    assert (await facts_of(officer, household.id, AFTER)).village_class is None


async def test_other_services_ask_in_the_area_of_their_token(
    database: Database, sealer: Sealer, as_: As
) -> None:
    household = await a_household(database, sealer)
    path = f"/households/{household.id}/facts"
    assert (await as_(Role.SYSTEM, division="6211").get(path)).status_code == 200
    assert (await as_(Role.SYSTEM, division="621122").get(path)).status_code == 404
    assert (await as_(Role.AUDITOR, division="6211").get(path)).status_code == 403
