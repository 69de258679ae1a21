"""The first journey in one process: every event delivered twice, every first delivery failed."""

from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from libs.common.http.roles import Role
from libs.common.process.jobs import finish_jobs
from services.registry.main import service as registry
from tests.house import Caller, House
from tests.journeys.first_journey import (  # noqa: F401 - steps and fixtures, found by name
    county_officer,
    test_1_divisions_and_classes_come_from_files,
    test_2_a_roster_goes_in_with_its_bad_row_reported,
    test_3_a_need_is_captured_verified_and_published_by_different_people,
    test_4_a_member_is_appointed_to_a_post_and_another_is_refused,
    test_5_the_need_is_met_and_says_by_what,
    test_6_the_work_ends_and_the_need_returns_to_be_verified,
    test_7_a_settled_month_shows_on_the_village_card,
    told,
    town_officer,
    village_officer,
)
from tests.twice import Twice


@dataclass(frozen=True)
class Together:
    """The house in this process: nothing moves but what the test moves."""

    house: House
    moves_by_itself: bool = False

    @property
    def http(self) -> httpx.AsyncClient:
        return self.house.http

    def caller(self, role: Role, division: str | None = None) -> Caller:
        return self.house.caller(role, division)

    def anybody(self) -> Caller:
        return self.house.anybody()

    async def settle(self) -> None:
        await self.house.drain()

    async def job(self, caller: Caller, href: str) -> Any:
        await finish_jobs(self.house.process, registry)
        return await caller.get(href)


@pytest.fixture(scope="module")
def ways(house: House) -> Together:
    return Together(house.on(Twice(house.bus)))
