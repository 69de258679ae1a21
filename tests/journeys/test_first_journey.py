"""From a need to a post and back, and a month of sun: through every service, one role at a time."""

from typing import Any

import pytest

from libs.common.events.catalogue.registry import VillageRegistered, village_id
from libs.common.http.roles import Role
from tests.house import Caller, House
from tests.registry.builders import VILLAGE, Household, a_household, a_village
from tests.twice import Twice

TOWN, COUNTY = VILLAGE[:9], VILLAGE[:6]


@pytest.fixture(scope="module")
def house(house: House) -> House:
    """Every event is delivered twice, and every first delivery fails."""
    return house.on(Twice(house.process.bus))


@pytest.fixture(scope="module")
def village_officer(house: House) -> Caller:
    return house.caller(Role.VILLAGE_OFFICER, VILLAGE)


@pytest.fixture(scope="module")
def town_officer(house: House) -> Caller:
    return house.caller(Role.TOWN_OFFICER, TOWN)


@pytest.fixture(scope="module")
def county_officer(house: House) -> Caller:
    return house.caller(Role.COUNTY_OFFICER, COUNTY)


async def test_a_need_is_met_by_a_post_and_comes_back_when_it_ends(
    house: House, village_officer: Caller, town_officer: Caller, county_officer: Caller
) -> None:
    registry = house.process.databases["registry"]
    await a_village(registry)
    family = await a_household(registry, house.process.sealer)
    need = await _published(village_officer, town_officer, family)
    assert (await village_officer.get(f"/matching/v1/needs/{need}"))["state"] == "published"

    post = await county_officer.post("/employment/v1/posts", _post(), status=201)
    nomination = await village_officer.post(
        f"/employment/v1/posts/{post['id']}/nominations", _nomination(family), status=201
    )
    appointed = await county_officer.post(
        f"/employment/v1/nominations/{nomination['id']}/appoint",
        {"since": "2019-06-01", "until": "2022-05-31"},
        status=201,
    )
    assert (await village_officer.get(f"/matching/v1/needs/{need}"))["state"] == "published"
    await house.drain()
    after = appointed["event_id"]
    met = await village_officer.get(f"/matching/v1/needs/{need}", after=after)
    assert met["state"] == "met"
    listed = await village_officer.get("/matching/v1/needs", after=after)
    assert listed["as_of"]
    assert listed["lag_ms"] >= 0
    history = await village_officer.get(f"/matching/v1/needs/{need}/history")
    assert [change["became"] for change in history] == ["draft", "verified", "published", "met"]
    assert history[-1]["cause_id"] == after

    ended = await county_officer.post(
        f"/employment/v1/appointments/{appointed['id']}/end",
        {"ended_on": "2019-09-30"},
        status=200,
    )
    await house.drain()
    again = await village_officer.get(f"/matching/v1/needs/{need}", after=ended["event_id"])
    assert again["state"] == "draft"


async def test_a_settled_month_shows_on_the_village_card(
    house: House, county_officer: Caller
) -> None:
    village = "621123100202"
    await a_village(house.process.databases["registry"], village)
    await house.hear(
        VillageRegistered(aggregate_id=village_id(village), version=1, division=village)
    )
    station = await county_officer.post(
        "/solar/v1/stations",
        {"division": "621123100202", "name": "样本电站", "kw": "300", "connected_on": "2019-01-15"},
        status=201,
    )
    slip = {
        "station_id": station["id"],
        "period": "2019-06",
        "kwh": "38000.500",
        "grid_fen": 1169655,
        "subsidy_fen": 1680422,
    }
    entered = await county_officer.post("/solar/v1/settlements", slip, status=201)
    await county_officer.post(f"/solar/v1/settlements/{entered['id']}/confirm", status=409)
    checker = house.caller(Role.FINANCE_OFFICER, COUNTY)
    await checker.post(f"/solar/v1/settlements/{entered['id']}/confirm", status=200)
    await house.drain()
    card = await county_officer.get("/matching/v1/villages/621123100202")
    assert card["solar_revenue"][0]["grid_fen"] == slip["grid_fen"]


async def _published(village: Caller, town: Caller, family: Household) -> str:
    order = {
        "household_id": str(family.id),
        "category": "job",
        "consent": {
            "person_id": str(family.members[0].id),
            "text": "need-publication-1",
            "given_on": "2019-05-01",
        },
    }
    need = (await village.post("/matching/v1/needs", order, status=201))["id"]
    await village.post(f"/matching/v1/needs/{need}/verify", status=200, version=1)
    await town.post(f"/matching/v1/needs/{need}/publish", status=200, version=2)
    return str(need)


def _post() -> dict[str, Any]:
    return {"division": VILLAGE, "fund": "provincial", "category": "road", "on": "2019-05-20"}


def _nomination(family: Household) -> dict[str, Any]:
    return {
        "household_id": str(family.id),
        "person_id": str(family.members[0].id),
        "wish": {"signed_on": "2019-05-10", "text": "post-wish-1"},
        "circumstances": {"cannot_leave": True, "no_work_here": True, "cannot_rise": True},
        "no_conflict_of_interest": True,
    }
