"""Households as they are read: by whom, how much of them, and what is recorded of it."""

from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from libs.common.db.database import Database, Scope
from libs.common.http.roles import Role
from libs.common.people.masking import age_on, masked_name
from libs.common.people.sealing import Sealer
from libs.common.records.access import AccessLog
from tests.registry.builders import VILLAGE, Household, a_household, a_resident_id
from tests.registry.conftest import As

FAMILY: list[dict[str, Any]] = [
    {"name": "张小明"},
    {"name": "李红", "relation": "spouse"},
    {"name": "张小小", "relation": "child", "phone": None},
]


@pytest.fixture
def officer(as_: As) -> httpx.AsyncClient:
    return as_(Role.VILLAGE_OFFICER, division=VILLAGE)


async def a_family(database: Database, sealer: Sealer, **columns: Any) -> Household:
    return await a_household(database, sealer, members=FAMILY, **columns)


async def test_an_officer_reads_a_household_of_the_area_masked(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    family = await a_family(database, sealer)
    found = (await officer.get(f"/households/{family.id}")).json()
    assert (found["number"], found["status"], found["members"]) == (family.number, "poor", 3)
    assert [person["name"] for person in found["persons"]] == ["张*", "李*", "张*"]
    assert [person["relation"] for person in found["persons"]] == ["head", "spouse", "child"]
    assert [person["has_phone"] for person in found["persons"]] == [True, True, False]
    assert not {"birth_on", "identity", "phone"} & found["persons"][0].keys()


async def test_a_household_is_also_found_by_its_number(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    family = await a_family(database, sealer)
    found = await officer.get(f"/households/household|{family.number}")
    assert found.json()["id"] == str(family.id)


@pytest.mark.parametrize("key", ["household|0", "station|1", "somewhere", str(UUID(int=0))])
async def test_a_household_that_is_not_there_is_not_found(
    officer: httpx.AsyncClient, key: str
) -> None:
    answer = await officer.get(f"/households/{key}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("name", ["张", "欧阳", "欧阳修", "张小明", "司马相如", "阿卜杜拉", "司"])
async def test_postgresql_masks_a_name_as_python_does(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient, name: str
) -> None:
    family = await a_household(database, sealer, members=[{"name": name}])
    found = (await officer.get(f"/households/{family.id}")).json()
    assert found["persons"][0]["name"] == masked_name(name)


async def test_two_people_who_differ_in_what_is_hidden_look_the_same(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    """No identity can be rebuilt from an answer that other identities give word for word."""
    seen = []
    for day in range(1, 29):
        hidden = {"birth_on": date(1968, 2, day), "sex": "male", "name": f"张{chr(0x4E00 + day)}"}
        identity = a_resident_id(date(1968, 2, day), sequence=901 + 2 * day)
        family = await a_household(database, sealer, members=[hidden | {"identity": identity}])
        answer = await officer.get(f"/households/{family.id}")
        found = answer.json()
        for person in (found, *found["persons"]):
            del person["id"], person["number"]
        seen.append(found)
        assert identity not in answer.text
        assert identity[6:14] not in answer.text
        assert identity[-4:] not in str(found)
    assert all(one == other for one, other in pairwise(seen))


async def test_the_age_shown_is_that_of_the_day(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    born = date(1996, 2, 29)
    family = await a_household(database, sealer, members=[{"birth_on": born}])
    for on in (date(2018, 12, 2), date(2019, 2, 28), date(2019, 3, 1), date(2020, 2, 29)):
        path = f"/households/{family.id}/facts"
        found = (await officer.get(path, params={"on": on.isoformat()})).json()
        assert found["members"][0]["age"] == age_on(born, on)


@pytest.mark.parametrize("path", ["", "/facts"])
@pytest.mark.parametrize("area", ["621123100202", "621123100203"])
async def test_a_household_of_another_village_is_not_found(
    database: Database, sealer: Sealer, as_: As, path: str, area: str
) -> None:
    family = await a_family(database, sealer)
    elsewhere = as_(Role.VILLAGE_OFFICER, division=area)
    assert (await elsewhere.get(f"/households/{family.id}{path}")).status_code == 404
    by_number = await elsewhere.get(f"/households/household|{family.number}{path}")
    assert by_number.status_code == 404


@pytest.mark.parametrize(
    ("role", "claims"),
    [
        pytest.param(Role.DONOR, {}, id="donor"),
        pytest.param(Role.ENTERPRISE, {"enterprise": uuid4()}, id="enterprise"),
        pytest.param(Role.FINANCE_OFFICER, {"division": "6211"}, id="finance"),
        pytest.param(Role.OPERATOR, {"division": "6211"}, id="operator"),
    ],
)
@pytest.mark.parametrize("path", ["/households", "/households/{id}", "/households/{id}/facts"])
async def test_other_roles_may_not_read_households(
    as_: As, role: Role, claims: dict[str, Any], path: str
) -> None:
    answer = await as_(role, **claims).get(path.format(id=uuid4()))
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden_role")


async def test_nobody_reads_households_without_a_token(as_: As) -> None:
    assert (await as_().get("/households")).status_code == 401


async def test_a_household_sees_itself_and_not_its_neighbours(
    database: Database, sealer: Sealer, as_: As
) -> None:
    own, neighbour = await a_family(database, sealer), await a_family(database, sealer)
    itself = as_(Role.HOUSEHOLD, household=own.id)
    found = (await itself.get(f"/households/{own.id}")).json()
    assert len(found["persons"]) == 3
    assert (await itself.get(f"/households/{neighbour.id}")).status_code == 404
    listed = (await itself.get("/households")).json()["items"]
    assert [household["id"] for household in listed] == [str(own.id)]


@pytest.mark.parametrize("claimed", ["own", "neighbour", None])
async def test_a_person_sees_their_own_row_only(
    database: Database, sealer: Sealer, as_: As, claimed: str | None
) -> None:
    """Whatever household the token names, it opens no other member."""
    families = {name: await a_family(database, sealer) for name in ("own", "neighbour")}
    family, person = families["own"], families["own"].members[1]
    household = families[claimed].id if claimed else None
    itself = as_(Role.PERSON, person=person.id, household=household)
    found = (await itself.get(f"/households/{family.id}")).json()
    assert [member["id"] for member in found["persons"]] == [str(person.id)]
    assert (await itself.get(f"/households/{families['neighbour'].id}")).status_code == 404


async def test_pages_of_households_meet_without_a_gap_or_a_repeat(
    database: Database, sealer: Sealer, as_: As
) -> None:
    village = "621123190201"
    ids = [str((await a_household(database, sealer, division=village)).id) for _ in range(7)]
    officer, read, cursor = as_(Role.VILLAGE_OFFICER, division=village), [], None
    for size in (3, 3, 1):
        asked = {"limit": "3"} | ({"cursor": cursor} if cursor else {})
        page = (await officer.get("/households", params=asked)).json()
        assert len(page["items"]) == size
        read += [household["id"] for household in page["items"]]
        cursor = page["next"]
    assert sorted(read) == sorted(ids)
    assert cursor is None


async def test_a_list_is_filtered_by_area_and_status(
    database: Database, sealer: Sealer, as_: As
) -> None:
    for village, status in (
        ("621123200201", "poor"),
        ("621123200201", "lifted"),
        ("621123200202", "poor"),
    ):
        await a_household(database, sealer, division=village, status=status)
    officer = as_(Role.COUNTY_OFFICER, division="621123")

    async def listed(**asked: str) -> list[tuple[str, str, str]]:
        items = (await officer.get("/households", params=asked)).json()["items"]
        return [(each["division"], each["status"], each["head"]) for each in items]

    assert len(await listed(division="621123200")) == 3
    assert await listed(division="621123200201", status="lifted") == [
        ("621123200201", "lifted", "张*")
    ]
    assert await listed(division="621122") == []


async def test_masked_readings_are_noted_with_who_and_how_many(
    database: Database, sealer: Sealer, as_: As, access_log: AccessLog
) -> None:
    village = "621123210201"
    family = await a_family(database, sealer, division=village)
    await a_family(database, sealer, division=village)
    officer = as_(Role.VILLAGE_OFFICER, division=village, subject="王村官")
    await officer.get("/households?status=poor")
    await officer.get(f"/households/{family.id}")
    await officer.get(f"/households/{family.id}/facts?on=2019-01-01")
    await access_log.flush()
    async with database.reading(Scope.area(village)) as connection:
        rows = await connection.fetch(
            "SELECT action, count, masked, household_id, division, filter FROM access"
            " WHERE actor = '王村官' ORDER BY id"
        )
    assert [(row["action"], row["count"], row["household_id"]) for row in rows] == [
        ("list_households", 2, None),
        ("read_household", 1, family.id),
        ("read_facts", 1, family.id),
    ]
    assert all(row["masked"] and row["division"] == village for row in rows)
    assert rows[0]["filter"]["status"] == "poor"
    assert rows[2]["filter"]["on"] == "2019-01-01"
