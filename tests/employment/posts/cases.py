"""Builders of cases about public-welfare posts: everything holds unless a test says otherwise."""

from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from libs.common.contracts import HouseholdFacts, LabourAbility, MemberFacts, VillageClass
from libs.common.policy.clauses import Clause, Clauses
from services.employment.posts import rules
from services.employment.posts.cases import (
    AppointmentCase,
    Fund,
    Holdings,
    Nomination,
    OpeningCase,
    PostContext,
    PostCounts,
)

CLAUSES = Clauses.load([Path(rules.__file__).parent / "clauses"])
ON = date(2019, 3, 1)
VILLAGE = "621123101201"
HOUSEHOLD, PERSON = UUID(int=1), UUID(int=2)
ALL_THREE = {"cannot_leave": True, "no_work_here": True, "cannot_rise": True}


def clause(clause_id: str) -> Clause:
    found = CLAUSES.in_force(clause_id, ON, VILLAGE)
    assert isinstance(found, Clause)
    return found


def a_member(**changes: Any) -> MemberFacts:
    facts: dict[str, Any] = {
        "person_id": PERSON,
        "able": LabourAbility.ORDINARY,
        "working": False,
        "subsistence": False,
        "cadre": False,
        "cadre_family": False,
        "age": 45,
    }
    return MemberFacts.model_validate(facts | changes)


def a_household(**changes: Any) -> HouseholdFacts:
    facts: dict[str, Any] = {
        "household_id": HOUSEHOLD,
        "division": VILLAGE,
        "village_class": VillageClass.REGISTERED_DEEP,
        "registered": True,
        "as_of": ON,
        "on": ON,
        "working": 0,
        "subsistence": False,
        "members": (a_member(),),
    }
    return HouseholdFacts.model_validate(facts | changes)


def a_post(fund: Fund = Fund.CITY, village: str = VILLAGE, **counts: int) -> PostContext:
    """Counts by `village_city=4`, `prefecture_provincial=1670` and so on; the others are 0."""

    def of(area: str) -> PostCounts:
        return PostCounts(
            provincial=counts.get(f"{area}_provincial", 0), city=counts.get(f"{area}_city", 0)
        )

    return PostContext(
        division=village, fund=fund, in_village=of("village"), in_prefecture=of("prefecture")
    )


def holding(**changes: Any) -> Holdings:
    nothing = {"holders": 0, "person_posts": 0, "household_posts": 0, "others_offered": False}
    return Holdings.model_validate(nothing | changes)


def an_opening(
    village_class: VillageClass | None, post: PostContext | None = None, on: date = ON
) -> OpeningCase:
    return OpeningCase(on=on, village_class=village_class, post=post or a_post())


def an_appointment(facts: HouseholdFacts | None = None, **changes: Any) -> AppointmentCase:
    case: dict[str, Any] = {
        "facts": facts or a_household(),
        "nomination": Nomination(person_id=PERSON, wish_on=ON, circumstances=ALL_THREE),
        "post": a_post(),
        "holdings": holding(),
    }
    return AppointmentCase.model_validate(case | changes)
