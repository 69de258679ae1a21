"""Asking registry what it knows of a household: with the user's own token, so that areas hold."""

from datetime import date
from uuid import UUID

from libs.common.contracts import HouseholdFacts, VillageFacts
from libs.common.http.caller import Caller
from libs.common.http.client import Client


async def household_facts(
    registry: Client, caller: Caller, household_id: UUID, on: date
) -> HouseholdFacts:
    """认定事实 on a day; a household outside the caller's area is not found."""
    path = f"/registry/v1/households/{household_id}/facts"
    return await registry.on_behalf_of(caller.token).get(path, HouseholdFacts, query={"on": on})


async def village_facts(registry: Client, caller: Caller, code: str, on: date) -> VillageFacts:
    """The village's class on a day 四类村."""
    path = f"/registry/v1/villages/{code}"
    return await registry.on_behalf_of(caller.token).get(path, VillageFacts, query={"on": on})
