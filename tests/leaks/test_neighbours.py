"""Neighbours of one village, helpers and the public: each sees their own, and the cards."""

from typing import Any

import pytest

from libs.common.http.roles import Role
from tests.house import Caller
from tests.leaks.operations import ALONE, token_of
from tests.leaks.seed import Seeded

CARD = {"id", "division", "category", "quantity", "state", "published_at", "version"}
OWN = [Role.HOUSEHOLD, Role.PERSON]
OTHERS = [*ALONE, None]
"""Those who help, and anybody without a token."""


def _own(seeded: Seeded, role: Role, member: int = 0) -> Caller:
    house = seeded.house
    return Caller(house.http, token_of(house, role, seeded.family, member=member))


def _other(seeded: Seeded, role: Role | None) -> Caller:
    house = seeded.house
    return Caller(house.http, house.issuer.issue(role, **ALONE[role]) if role else None)


async def _items(caller: Caller, path: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await caller.get(path, limit=200, **query))["items"]
    return items


@pytest.mark.parametrize("role", OWN)
async def test_a_family_sees_its_own_household_only(seeded: Seeded, role: Role) -> None:
    caller = _own(seeded, role)
    listed = await _items(caller, "/registry/v1/households")
    assert [each["id"] for each in listed] == [str(seeded.family.id)]
    for other in (seeded.neighbours, seeded.working, seeded.far):
        for key in (str(other.id), f"household|{other.number}"):
            await caller.get(f"/registry/v1/households/{key}", status=404)


async def test_a_household_sees_its_members_and_a_person_themselves(seeded: Seeded) -> None:
    path = f"/registry/v1/households/{seeded.family.id}"
    both = [str(member.id) for member in seeded.family.members]
    for role, seen in ((Role.HOUSEHOLD, both), (Role.PERSON, both[1:])):
        shown = await _own(seeded, role, member=1).get(path)
        assert [each["id"] for each in shown["persons"]] == seen


@pytest.mark.parametrize("role", OWN)
async def test_a_family_sees_its_own_needs_only(seeded: Seeded, role: Role) -> None:
    """Not even a neighbour's published need: the card would be enough to know whose it is."""
    caller = _own(seeded, role)
    for query in ({}, {"household_id": str(seeded.neighbours.id)}, {"state": "published"}):
        listed = await _items(caller, "/matching/v1/needs", **query)
        assert {each["household_id"] for each in listed} <= {str(seeded.family.id)}
    assert listed
    for whose in ("neighbour", "met", "far"):
        need = seeded.needs[whose]
        await caller.get(f"/matching/v1/needs/{need}", status=404)
        await caller.post(f"/matching/v1/needs/{need}/withdraw", status=404)


@pytest.mark.parametrize("role", OWN)
async def test_a_family_does_not_hear_of_its_neighbours_posts(seeded: Seeded, role: Role) -> None:
    caller = _own(seeded, role)
    assert (await caller.get(f"/employment/v1/nominations/{seeded.nomination}"))["state"]
    await caller.get(f"/employment/v1/appointments/{seeded.appointment}", status=404)
    await caller.get(f"/employment/v1/decisions/{seeded.decision}", status=404)


async def test_only_a_person_sees_who_read_their_data(seeded: Seeded) -> None:
    """Neither the rest of the household, nor the neighbours who were read by the same officer."""
    first, second = (member.id for member in seeded.family.members)
    caller = _own(seeded, Role.PERSON)
    read = await _items(caller, f"/registry/v1/persons/{first}/data-usage")
    assert len(read) >= 2
    for other in (second, seeded.neighbours.members[0].id, seeded.far.members[0].id):
        await caller.get(f"/registry/v1/persons/{other}/data-usage", status=404)


@pytest.mark.parametrize("role", OTHERS)
async def test_others_see_published_needs_as_cards(seeded: Seeded, role: Role | None) -> None:
    caller = _other(seeded, role)
    listed = await _items(caller, "/matching/v1/needs")
    seen = {each["id"] for each in listed}
    assert {seeded.needs[name] for name in ("neighbour", "met", "far")} <= seen
    hidden = {seeded.needs[state] for state in ("draft", "verified", "withdrawn")}
    assert hidden & seen == set()
    assert {key for each in listed for key in each} == CARD
    card = await caller.get(f"/matching/v1/needs/{seeded.needs['neighbour']}")
    assert card.keys() == CARD
    for need in hidden:
        await caller.get(f"/matching/v1/needs/{need}", status=404)


@pytest.mark.parametrize("role", OTHERS)
async def test_no_filter_tells_others_more_than_the_cards(
    seeded: Seeded, role: Role | None
) -> None:
    """Whoever knows a household's id must not learn which needs are its own."""
    caller = _other(seeded, role)
    everything = await _items(caller, "/matching/v1/needs")
    asked = await _items(caller, "/matching/v1/needs", household_id=str(seeded.neighbours.id))
    assert asked == everything
    for state in ("draft", "verified", "withdrawn"):
        assert await _items(caller, "/matching/v1/needs", state=state) == []


@pytest.mark.parametrize("role", OTHERS)
async def test_a_village_card_names_nobody(seeded: Seeded, role: Role | None) -> None:
    card = await _other(seeded, role).get(f"/matching/v1/villages/{seeded.places.village}")
    assert card["solar_revenue"][0]["grid_fen"] == 1169655
    assert {each["state"] for each in card["needs"]} <= {"published", "met"}
    assert not any(
        one in str(card) for family in seeded.households for one in seeded.ids_of(family)
    )
