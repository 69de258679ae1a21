"""Posts and their holders, through the API of the whole house."""

from typing import Any

from libs.common.http.roles import Role
from tests.house import Caller, House
from tests.registry.builders import VILLAGE, Household

COUNTY = VILLAGE[:6]
TERM = {"since": "2019-06-01", "until": "2022-05-31"}


def county(house: House, **claims: Any) -> Caller:
    return house.caller(Role.COUNTY_OFFICER, COUNTY, **claims)


async def open_a_post(
    house: House, division: str = VILLAGE, *, fund: str = "provincial", status: int = 201
) -> Any:
    """The new post's id, or the problem."""
    order = {"division": division, "fund": fund, "category": "road", "on": "2019-05-20"}
    answer = await county(house).post("/employment/v1/posts", order, status=status)
    return answer["id"] if status == 201 else answer


async def nominate(house: House, post: str, family: Household, *, member: int = 0) -> str:
    """By the village, with everything that the clauses ask for."""
    order = {
        "household_id": str(family.id),
        "person_id": str(family.members[member].id),
        "wish": {"signed_on": "2019-05-10", "text": "post-wish-1"},
        "circumstances": {"cannot_leave": True, "no_work_here": True, "cannot_rise": True},
        "no_conflict_of_interest": True,
    }
    village = house.caller(Role.VILLAGE_OFFICER, family.division)
    path = f"/employment/v1/posts/{post}/nominations"
    return str((await village.post(path, order, status=201))["id"])


async def appoint(
    house: House, nomination: str, *, status: int = 201, language: str = "en", **claims: Any
) -> Any:
    path = f"/employment/v1/nominations/{nomination}/appoint"
    return await county(house, **claims).post(path, TERM, status=status, language=language)
