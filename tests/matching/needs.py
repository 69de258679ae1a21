"""Families and their needs, through the API of the whole house."""

from typing import Any

from libs.common.http.roles import Role
from tests.house import Caller, House
from tests.registry.builders import VILLAGE, Household, a_household

TOWN, COUNTY = VILLAGE[:9], VILLAGE[:6]


async def a_family(house: House, **columns: Any) -> Household:
    """A registered household of the village in which nobody works."""
    registry = house.process.databases["registry"]
    return await a_household(registry, house.process.sealer, **columns)


async def a_published_need(house: House, family: Household, *, status: int = 201) -> Any:
    """Captured and verified by the village, published by the town; or the capture's problem."""
    village = house.caller(Role.VILLAGE_OFFICER, family.division)
    town = house.caller(Role.TOWN_OFFICER, TOWN)
    captured = await village.post("/matching/v1/needs", an_order(family), status=status)
    if status != 201:
        return captured
    need = str(captured["id"])
    await village.post(f"/matching/v1/needs/{need}/verify", status=200, version=1)
    await town.post(f"/matching/v1/needs/{need}/publish", status=200, version=2)
    return need


def an_order(family: Household) -> dict[str, Any]:
    consent = {
        "person_id": str(family.members[0].id),
        "text": "need-publication-1",
        "given_on": "2019-05-01",
    }
    return {"household_id": str(family.id), "category": "job", "consent": consent}


async def state_of(house: House, need: str) -> str:
    caller: Caller = house.caller(Role.COUNTY_OFFICER, COUNTY)
    return str((await caller.get(f"/matching/v1/needs/{need}"))["state"])
