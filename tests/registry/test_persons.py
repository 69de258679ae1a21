"""Persons read whole: for a purpose and on the record; and what the person sees of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest

from libs.common.db.database import Database, Scope
from libs.common.http.roles import Role
from libs.common.people.sealing import Sealer
from libs.common.records.access import AccessLog, unmasked
from libs.common.records.audit import Trace
from services.registry import queries
from tests.registry.builders import VILLAGE, a_household
from tests.registry.conftest import As

AREA = Scope.area(VILLAGE)
UrlOf = Callable[[str], Awaitable[str]]


@pytest.fixture
def officer(as_: As) -> httpx.AsyncClient:
    return as_(Role.VILLAGE_OFFICER, division=VILLAGE, subject="王村官", department="扶贫办")


async def readings_of(database: Database, person_id: UUID) -> list[Any]:
    async with database.reading(Scope.area("62")) as connection:
        return await connection.fetch(
            "SELECT actor, role, action, purpose, masked, division FROM access"
            " WHERE person_id = $1",
            person_id,
        )


async def test_an_unmasked_reading_shows_the_person_and_is_recorded_with_it(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    person = (await a_household(database, sealer)).members[0]
    found = (await officer.get(f"/persons/{person.id}/unmasked?purpose=payment")).json()
    assert found["identity"] == person.identity
    assert found["phone"] == person.phone
    assert (found["name"], found["birth_on"]) == (person.name, person.birth_on.isoformat())
    assert [tuple(row) for row in await readings_of(database, person.id)] == [
        ("王村官", "village_officer", "read_person_unmasked", "payment", False, VILLAGE)
    ]


async def test_a_person_without_a_phone_has_none(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient
) -> None:
    person = (await a_household(database, sealer, members=[{"phone": None}])).members[0]
    found = await officer.get(f"/persons/{person.id}/unmasked?purpose=visit")
    assert found.json()["phone"] is None


@pytest.mark.parametrize(
    ("query", "code"),
    [
        pytest.param("", "purpose_required", id="no purpose"),
        pytest.param("?purpose=curiosity", "malformed", id="a purpose that is none"),
    ],
)
async def test_without_a_purpose_nothing_is_shown(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient, query: str, code: str
) -> None:
    person = (await a_household(database, sealer)).members[0]
    answer = await officer.get(f"/persons/{person.id}/unmasked{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert await readings_of(database, person.id) == []


async def test_without_its_record_nothing_is_shown(
    database: Database, sealer: Sealer, url_of: UrlOf
) -> None:
    person = (await a_household(database, sealer)).members[0]
    trace = Trace("王村官", "village_officer", "read_person_unmasked", purpose="payment")
    async with unable_to_record(await url_of("registry")), database.reading(AREA) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await unmasked(connection, queries.person_unmasked, trace=trace, id=person.id)


@asynccontextmanager
async def unable_to_record(url: str) -> AsyncIterator[None]:
    owner = await asyncpg.connect(url.replace("{role}", "owner"))
    try:
        await owner.execute("REVOKE INSERT ON access FROM registry_app")
        yield
        await owner.execute("GRANT INSERT ON access TO registry_app")
    finally:
        await owner.close()


async def test_a_person_of_another_village_is_neither_shown_nor_recorded(
    database: Database, sealer: Sealer, as_: As
) -> None:
    person = (await a_household(database, sealer)).members[0]
    elsewhere = as_(Role.VILLAGE_OFFICER, division="621123100202")
    answer = await elsewhere.get(f"/persons/{person.id}/unmasked?purpose=payment")
    assert answer.status_code == 404
    assert await readings_of(database, person.id) == []


@pytest.mark.parametrize(
    ("role", "claims"),
    [
        pytest.param(Role.AUDITOR, {"division": "6211"}, id="auditor"),
        pytest.param(Role.SYSTEM, {"division": "6211"}, id="system"),
        pytest.param(Role.FINANCE_OFFICER, {"division": "6211"}, id="finance"),
        pytest.param(Role.HOUSEHOLD, {"household": uuid4()}, id="household"),
        pytest.param(Role.DONOR, {}, id="donor"),
    ],
)
async def test_other_roles_never_read_a_person_whole(
    as_: As, role: Role, claims: dict[str, Any]
) -> None:
    answer = await as_(role, **claims).get(f"/persons/{uuid4()}/unmasked?purpose=payment")
    assert answer.status_code == 403


async def test_the_person_sees_who_read_what_and_why(
    database: Database,
    sealer: Sealer,
    officer: httpx.AsyncClient,
    as_: As,
    access_log: AccessLog,
) -> None:
    household = await a_household(database, sealer)
    person = household.members[0]
    await officer.get(f"/persons/{person.id}/unmasked?purpose=visit")
    await officer.get(f"/households/{household.id}")
    await access_log.flush()
    itself = as_(Role.PERSON, person=person.id, household=household.id)
    answer = await itself.get(f"/persons/{person.id}/data-usage")
    masked, whole = answer.json()["items"]
    assert whole["reader"] == "a village officer"
    assert (whole["department"], whole["area"]) == ("扶贫办", VILLAGE)
    assert whole["purpose"] == "to visit your household"
    assert masked["what"] == "your household's details, masked"
    assert "王村官" not in answer.text


async def test_the_readings_come_in_pages_newest_first(
    database: Database, sealer: Sealer, officer: httpx.AsyncClient, as_: As
) -> None:
    person = (await a_household(database, sealer)).members[0]
    for purpose in ("visit", "payment", "registration"):
        await officer.get(f"/persons/{person.id}/unmasked?purpose={purpose}")
    auditor = as_(Role.AUDITOR, division="6211")
    path = f"/persons/{person.id}/data-usage"
    first = (await auditor.get(f"{path}?limit=2")).json()
    then = (await auditor.get(f"{path}?limit=2&cursor={first['next']}")).json()
    purposes = [reading["purpose"] for reading in (*first["items"], *then["items"])]
    assert purposes == [
        "to register or check your details",
        "to pay a grant",
        "to visit your household",
    ]
    assert then["next"] is None


async def test_nobody_else_sees_how_a_persons_data_was_used(
    database: Database, sealer: Sealer, as_: As
) -> None:
    family = await a_household(database, sealer, members=[{}, {}])
    person, other = family.members
    path = f"/persons/{person.id}/data-usage"
    assert (await as_(Role.PERSON, person=other.id).get(path)).status_code == 404
    assert (await as_(Role.AUDITOR, division="621122").get(path)).status_code == 404
    assert (await as_(Role.COUNTY_OFFICER, division="621123").get(path)).status_code == 403


async def test_identifiers_are_judged_in_their_places(as_: As) -> None:
    items = [{"kind": "resident_id", "value": "621123196802299010"}, 7]
    town = as_(Role.TOWN_OFFICER, division="621123100")
    found = (await town.post("/identifiers/check", json={"items": items})).json()["items"]
    assert [item["valid"] for item in found] == [True, False]
    assert (
        await as_(Role.DONOR).post("/identifiers/check", json={"items": items})
    ).status_code == 403
