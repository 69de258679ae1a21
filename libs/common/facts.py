"""Asking registry what it knows, with the user's own token: outside their area is not found."""

from datetime import date
from uuid import UUID

from libs.common.contracts import HouseholdFacts, VillageFacts
from libs.common.http.client import Client


async def household_facts(registry: Client, household_id: UUID, on: date) -> HouseholdFacts:
    """认定事实 on a day."""
    path = f"/registry/v1/households/{household_id}/facts"
    return await registry.get(path, HouseholdFacts, query={"on": on})


async def village_facts(registry: Client, code: str, on: date) -> VillageFacts:
    """The village's class on a day 四类村."""
    return await registry.get(f"/registry/v1/villages/{code}", VillageFacts, query={"on": on})
