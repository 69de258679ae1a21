"""Appointments through the whole house: decided on registry's facts, kept with their reasons."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from libs.common.db.database import Scope
from tests.employment.posts.flow import TERM, appoint, county, nominate, open_a_post
from tests.house import House
from tests.registry.builders import VILLAGE, Household, a_household, a_village

REFUSING, RACING, KEYED, ENDING = (f"6211231003{number:02d}" for number in range(1, 5))
"""Registered villages, eight city posts each: one for each test that opens several."""


@pytest_asyncio.fixture(scope="module", autouse=True)
async def villages(house: House) -> None:
    registry = house.process.databases["registry"]
    await a_village(registry, VILLAGE)
    for code in (REFUSING, RACING, KEYED, ENDING):
        await a_village(registry, code, village_class="registered")
    await a_village(registry, "621123100203", village_class="other")
    await a_village(registry, "621123100204", village_class=None)


async def family_of(house: House, *members: dict[str, Any], **columns: Any) -> Household:
    registry = house.process.databases["registry"]
    return await a_household(registry, house.process.sealer, members=members or ({},), **columns)


REFUSALS = [
    pytest.param({"working": True}, {}, "PW-ELIG-1", id="PW-ELIG-1 a member works"),
    pytest.param({}, {"registered": False}, "PW-ELIG-1", id="PW-ELIG-1 not registered"),
    pytest.param({"able": "lost"}, {}, "PW-ELIG-3", id="PW-ELIG-3 not able to work"),
    pytest.param({"subsistence": True}, {}, "PW-ELIG-4", id="PW-ELIG-4 on subsistence"),
    pytest.param({"cadre": True}, {}, "PW-ELIG-5", id="PW-ELIG-5 a cadre"),
    pytest.param({"cadre_family": True}, {}, "PW-ELIG-5", id="PW-ELIG-5 a cadre's family"),
]


@pytest.mark.parametrize(("member", "household", "clause"), REFUSALS)
async def test_a_refusal_names_its_clause_in_both_languages_and_is_kept(
    house: House, member: dict[str, Any], household: dict[str, Any], clause: str
) -> None:
    family = await family_of(house, member, division=REFUSING, **household)
    post = await open_a_post(house, REFUSING, fund="city")
    nomination = await nominate(house, post, family)
    refused = await appoint(house, nomination, status=409, language="zh")
    assert (refused["code"], refused["clauses"]) == ("refused", [clause])
    kept = await county(house).get(f"/employment/v1/decisions/{refused['decision']}")
    assert kept["outcome"] == "not_eligible"
    assert all(reason.startswith(clause) for reason in [*refused["reasons"], *kept["reasons"]])
    again = await appoint(house, nomination, status=409)
    assert again["code"] == "illegal_transition"


async def test_what_nobody_knows_asks_for_a_ruling_and_leaves_the_nomination_open(
    house: House,
) -> None:
    family = await family_of(house, {"cadre_family": None})
    nomination = await nominate(house, await open_a_post(house), family)
    asked = await appoint(house, nomination, status=409)
    assert (asked["code"], asked["clauses"]) == ("needs_ruling", ["PW-ELIG-5"])
    seen = await county(house).get(f"/employment/v1/nominations/{nomination}")
    assert seen["state"] == "open"


@pytest.mark.parametrize(
    ("village", "code", "clause"),
    [
        pytest.param("621123100203", "refused", "PW-SCOPE-1", id="PW-SCOPE-1 another village"),
        pytest.param("621123100204", "needs_ruling", "PW-SCOPE-1", id="PW-SCOPE-1 unclassified"),
    ],
)
async def test_posts_stand_in_the_1101_villages_only(
    house: House, village: str, code: str, clause: str
) -> None:
    answer = await open_a_post(house, village, fund="city", status=409)
    assert answer["code"] == code
    assert clause in answer["clauses"]


async def test_who_nominated_does_not_appoint(house: House) -> None:
    """X-17: four eyes on every selection."""
    nomination = await nominate(house, await open_a_post(house), await family_of(house))
    village = f"village_officer@{VILLAGE}"
    answer = await appoint(house, nomination, status=409, subject=village)
    assert answer["code"] == "same_person"


async def test_a_post_has_one_holder_however_many_are_appointed_at_once(house: House) -> None:
    """PW-ONE-1 每个岗位只能安排1人."""
    post = await open_a_post(house, RACING, fund="city")
    families = [await family_of(house, division=RACING) for _ in range(4)]
    nominations = [await nominate(house, post, family) for family in families]
    answers = await asyncio.gather(*(_appoint_raw(house, each) for each in nominations))
    assert sorted(answers) == [201, 409, 409, 409]
    async with house.process.databases["employment"].reading(Scope.area("62")) as db:
        count = "SELECT count(*) FROM appointment WHERE post_id = $1::text::uuid"
        assert await db.fetchval(count, post) == 1


async def test_an_appointment_asked_for_twice_is_made_once(house: House) -> None:
    family = await family_of(house, division=KEYED)
    post = await open_a_post(house, KEYED, fund="city")
    nomination = await nominate(house, post, family)
    path, key = f"/employment/v1/nominations/{nomination}/appoint", uuid4().hex
    answers = [await county(house).post(path, TERM, status=201, key=key) for _ in range(2)]
    assert answers[0] == answers[1]
    other = TERM | {"until": "2023-05-31"}
    reused = await county(house).post(path, other, status=422, key=key)
    assert reused["code"] == "idempotency_key_reused"


async def test_an_ended_appointment_frees_the_post_for_the_next_day(house: House) -> None:
    post = await open_a_post(house, ENDING, fund="city")
    first = await family_of(house, division=ENDING)
    appointed = await appoint(house, await nominate(house, post, first))
    path = f"/employment/v1/appointments/{appointed['id']}/end"
    await county(house).post(path, {"ended_on": "2019-05-31"}, status=409)
    await county(house).post(path, {"ended_on": "2019-06-30"}, status=200)
    twice = await county(house).post(path, {"ended_on": "2019-06-30"}, status=409)
    assert twice["code"] == "illegal_transition"
    second = await nominate(house, post, await family_of(house, division=ENDING))
    backwards = {"since": "2019-07-01", "until": "2019-06-30"}
    path = f"/employment/v1/nominations/{second}/appoint"
    refused = await county(house).post(path, backwards, status=409)
    assert refused["code"] == "ends_before_it_begins"
    term = {"since": "2019-07-01", "until": "2022-06-30"}
    await county(house).post(path, term, status=201)


async def test_a_non_member_cannot_be_nominated(house: House) -> None:
    post = await open_a_post(house, fund="city")
    family, other = await family_of(house), await family_of(house)
    mixed = Household(family.id, family.number, family.division, other.members)
    with pytest.raises(AssertionError, match="not_a_member"):
        await nominate(house, post, mixed)


async def _appoint_raw(house: House, nomination: str) -> int:
    caller = county(house)
    response = await house.http.post(
        f"/employment/v1/nominations/{nomination}/appoint",
        json=TERM,
        headers={"authorization": f"Bearer {caller.token}", "idempotency-key": uuid4().hex},
    )
    return response.status_code
