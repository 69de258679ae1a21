"""The board follows the world: with its cause, in any order, repeated, rebuilt, overruled."""

import asyncio
from collections.abc import Sequence
from datetime import date, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest

from libs.common import clock
from libs.common.db.database import Scope
from libs.common.events.catalogue.employment import (
    Channel,
    HouseholdEmployed,
    HouseholdEmploymentEnded,
)
from libs.common.events.catalogue.registry import HouseholdRegistered, PovertyStatus
from libs.common.events.event import Event
from libs.common.http.roles import Role
from libs.common.ids import new_id
from tests.house import House
from tests.matching.needs import COUNTY, a_family, a_published_need, state_of
from tests.registry.builders import Household

pytestmark = pytest.mark.usefixtures("village")


def began(family: Household, work: UUID, **values: Any) -> HouseholdEmployed:
    return HouseholdEmployed.model_validate(_work(family, work) | {"version": 1} | values)


def ended(family: Household, work: UUID, **values: Any) -> HouseholdEmploymentEnded:
    given = {"version": 2, "ended_on": date(2019, 9, 30)} | values
    return HouseholdEmploymentEnded.model_validate(_work(family, work) | given)


def _work(family: Household, work: UUID) -> dict[str, Any]:
    return {
        "aggregate_id": work,
        "household_id": family.id,
        "person_id": family.members[0].id,
        "channel": Channel.PUBLIC_POST,
        "monthly_income_fen": 50_000,
        "since": date(2019, 6, 1),
        "time": clock.now(),
    }


def registered(family: Household) -> HouseholdRegistered:
    return HouseholdRegistered(
        aggregate_id=family.id,
        version=1,
        household_id=family.id,
        division=family.division,
        status=PovertyStatus.POOR,
        registered=True,
        members=1,
    )


def two_jobs(family: Household) -> Sequence[Event]:
    """One job that ended and one that runs."""
    first, second = new_id(), new_id()
    return [began(family, first), ended(family, first), began(family, second)]


def one_job_over(family: Household) -> Sequence[Event]:
    work = new_id()
    return [began(family, work), ended(family, work)]


SITUATIONS = [
    pytest.param(
        lambda family: [began(family, new_id())], ("met", "published"), id="somebody works"
    ),
    pytest.param(one_job_over, ("draft", "draft"), id="the work ended"),
    pytest.param(two_jobs, ("met", "draft"), id="one job ended, another runs"),
]


@pytest.mark.parametrize(("world", "expected"), SITUATIONS)
async def test_any_order_and_any_repetition_end_in_the_same_state(
    house: House, world: Any, expected: tuple[str, str]
) -> None:
    for arranged in permutations(range(len(world(await a_family(house))))):
        family = await a_family(house)
        need = await a_published_need(house, family)
        events = world(family)
        one_by_one = [events[place] for place in arranged]
        for event in (*one_by_one, *reversed(one_by_one)):
            await house.hear(event)
        assert await _stands(house, need) == expected, arranged


@pytest.mark.parametrize(("world", "expected"), SITUATIONS)
async def test_one_batch_ends_as_events_one_by_one(
    house: House, world: Any, expected: tuple[str, str]
) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    await house.hear(*world(family))
    assert await _stands(house, need) == expected


async def test_a_change_names_the_event_that_caused_it(house: House) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    work = new_id()
    beginning, end = began(family, work), ended(family, work)
    await house.hear(beginning)
    await house.hear(end)
    changes = await _history(house, need)
    assert [(each["was"], each["became"], each["cause_id"]) for each in changes[-2:]] == [
        ("published", "met", str(beginning.event_id)),
        ("met", "draft", str(end.event_id)),
    ]
    assert changes[-1]["cause_type"] == end.type


async def test_what_a_person_overruled_stays_overruled_until_something_new_happens(
    house: House,
) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    event = began(family, new_id())
    await house.hear(event)
    county = house.caller(Role.COUNTY_OFFICER, COUNTY)
    version = (await county.get(f"/matching/v1/needs/{need}"))["version"]
    await county.post(f"/matching/v1/needs/{need}/overrule", status=200, version=version)
    assert await state_of(house, need) == "published"
    await _rebuild(house, event)
    assert await state_of(house, need) == "published"
    await house.hear(began(family, new_id(), time=clock.now()))
    assert await state_of(house, need) == "met"


async def test_facts_rebuilt_from_the_bus_change_nothing(house: House) -> None:
    family, other = await a_family(house), await a_family(house)
    needs = [await a_published_need(house, each) for each in (family, other)]
    events = [*two_jobs(family), *one_job_over(other)]
    await house.hear(*events)
    before = [await _history(house, need) for need in needs]
    await _rebuild(house, *reversed(events))
    assert [await _history(house, need) for need in needs] == before


async def test_a_correction_is_no_news(house: House) -> None:
    """A typo mended in an employment undoes neither an overruling nor a verification."""
    family, other = await a_family(house), await a_family(house)
    county = house.caller(Role.COUNTY_OFFICER, COUNTY)
    await house.hear(registered(family), registered(other))
    overruled, verified = [await a_published_need(house, each) for each in (family, other)]
    running, over = new_id(), new_id()
    await house.hear(began(family, running), began(other, over), ended(other, over))
    path = f"/matching/v1/needs/{overruled}"
    version = (await county.get(path))["version"]
    await county.post(f"{path}/overrule", status=200, version=version)
    village = house.caller(Role.VILLAGE_OFFICER, other.division)
    version = (await county.get(f"/matching/v1/needs/{verified}"))["version"]
    await village.post(f"/matching/v1/needs/{verified}/verify", status=200, version=version)
    await house.hear(
        began(family, running, version=2, monthly_income_fen=60_000, time=clock.now()),
        ended(other, over, version=3, ended_on=date(2019, 10, 1), time=clock.now()),
    )
    assert await state_of(house, overruled) == "published"
    assert await state_of(house, verified) == "verified"


async def test_a_verified_draft_is_not_returned_again_by_old_news(house: House) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    events = one_job_over(family)
    await house.hear(*events)
    village = house.caller(Role.VILLAGE_OFFICER, family.division)
    version = (await village.get(f"/matching/v1/needs/{need}"))["version"]
    await village.post(f"/matching/v1/needs/{need}/verify", status=200, version=version)
    await _rebuild(house, *events)
    assert await state_of(house, need) == "verified"


async def test_a_household_at_work_cannot_ask_for_work(house: House) -> None:
    family = await a_family(house)
    await house.hear(registered(family), began(family, new_id()))
    refused = await a_published_need(house, family, status=409)
    assert refused["code"] == "need_already_met"


async def test_a_need_captured_before_the_board_knew_of_the_work_is_met_when_it_does(
    house: House,
) -> None:
    family = await a_family(house)
    await house.hear(began(family, new_id()))
    need = await a_published_need(house, family)
    await house.hear(registered(family))
    assert await state_of(house, need) == "met"


async def test_a_withdrawn_need_follows_nothing(house: House) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    await house.household(family.id).post(f"/matching/v1/needs/{need}/withdraw", status=200)
    await house.hear(began(family, new_id(), time=clock.now() + timedelta(seconds=1)))
    assert await state_of(house, need) == "withdrawn"


async def test_a_withdrawal_and_an_event_at_the_same_time_leave_it_withdrawn(
    house: House,
) -> None:
    for _ in range(10):
        family = await a_family(house)
        need = await a_published_need(house, family)
        leaving = house.household(family.id).post(f"/matching/v1/needs/{need}/withdraw", status=200)
        await asyncio.gather(leaving, house.hear(began(family, new_id())))
        assert await _stands(house, need) == ("withdrawn", "withdrawn")


async def test_an_overruled_need_goes_back_to_the_stage_it_had(house: House) -> None:
    family = await a_family(house)
    need = await a_published_need(house, family)
    await house.hear(*two_jobs(family))
    county = house.caller(Role.COUNTY_OFFICER, COUNTY)
    version = (await county.get(f"/matching/v1/needs/{need}"))["version"]
    await county.post(f"/matching/v1/needs/{need}/overrule", status=200, version=version)
    assert await _stands(house, need) == ("draft", "draft")


async def _stands(house: House, need: str) -> tuple[str, str]:
    seen = await house.caller(Role.COUNTY_OFFICER, COUNTY).get(f"/matching/v1/needs/{need}")
    return seen["state"], seen["stage"]


async def _rebuild(house: House, *events: Event) -> None:
    """The facts are forgotten and heard anew."""
    async with house.process.databases["matching"].writing(Scope.worker()) as db:
        ids = [event.event_id for event in events]
        await db.execute("DELETE FROM inbox WHERE event_id = ANY($1)", ids)
        await db.execute("UPDATE work SET version = 0 WHERE event_id = ANY($1)", ids)
    await house.hear(*events)


async def _history(house: House, need: str) -> Any:
    county = house.caller(Role.COUNTY_OFFICER, COUNTY)
    return await county.get(f"/matching/v1/needs/{need}/history")
