"""Questions that several clauses answer: may a post be opened, may somebody be appointed."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from libs.common.contracts import LabourAbility, VillageClass
from libs.common.policy.decisions import Decision, decide
from libs.common.policy.findings import Outcome, Waiver
from services.employment.posts import rules
from services.employment.posts.cases import Fund, Nomination, PostCounts
from tests.employment.posts.cases import (
    ALL_THREE,
    CLAUSES,
    HOUSEHOLD,
    ON,
    PERSON,
    a_household,
    a_member,
    a_post,
    an_appointment,
    an_opening,
    holding,
)

ELIGIBLE, RULING, REFUSED = Outcome.ELIGIBLE, Outcome.NEEDS_RULING, Outcome.NOT_ELIGIBLE
DEEP, REGISTERED_DEEP = VillageClass.DEEP, VillageClass.REGISTERED_DEEP
REGISTERED, OTHER = VillageClass.REGISTERED, VillageClass.OTHER
PROVINCIAL, CITY = Fund.PROVINCIAL, Fund.CITY
WAIVER = Waiver(reason="岗位空缺", approver="county officer", on=ON)


def cited(decision: Decision) -> list[str]:
    return [finding.clause for finding in decision.findings]


@pytest.mark.parametrize(
    ("village_class", "fund", "clauses", "outcome"),
    [
        (DEEP, CITY, ["PW-SCOPE-1", "PW-QTY-2", "PW-QTY-4"], ELIGIBLE),
        (DEEP, PROVINCIAL, ["PW-SCOPE-1", "PW-QTY-1", "PW-QTY-4"], ELIGIBLE),
        (REGISTERED, CITY, ["PW-SCOPE-1", "PW-QTY-3", "PW-QTY-4"], ELIGIBLE),
        (OTHER, CITY, ["PW-SCOPE-1", "PW-QTY-4"], REFUSED),
        (None, CITY, ["PW-SCOPE-1", "PW-QTY-2", "PW-QTY-3", "PW-QTY-4"], RULING),
    ],
)
def test_a_post_is_opened_under_the_clauses_that_speak_of_its_village(
    village_class: VillageClass | None, fund: Fund, clauses: list[str], outcome: Outcome
) -> None:
    found = decide(rules.MAY_OPEN_POST, an_opening(village_class, a_post(fund)), CLAUSES)
    assert (cited(found), found.outcome) == (clauses, outcome)
    assert None not in found.versions.values()


def test_a_post_before_the_policy_needs_a_ruling_on_every_clause() -> None:
    found = decide(rules.MAY_OPEN_POST, an_opening(DEEP, on=date(2018, 12, 21)), CLAUSES)
    assert len(found.findings) == 5
    assert {(each.outcome, each.version) for each in found.findings} == {(RULING, None)}


def test_an_appointment_is_judged_by_every_clause_of_persons_and_posts() -> None:
    found = decide(rules.MAY_APPOINT, an_appointment(), CLAUSES)
    eligibility = [f"PW-ELIG-{n}" for n in range(1, 7)]
    assert cited(found) == ["PW-SCOPE-1", *eligibility, "PW-ONE-1", "PW-QTY-4"]
    assert found.outcome is ELIGIBLE


STRANGER = Nomination(person_id=UUID(int=9), wish_on=ON, circumstances=ALL_THREE)
UNWILLING = Nomination(person_id=PERSON, wish_on=None, circumstances=ALL_THREE)
UNRECORDED = Nomination(person_id=PERSON, wish_on=ON, circumstances={})


@pytest.mark.parametrize(
    ("changes", "clauses", "outcome"),
    [
        ({"facts": a_household(village_class=OTHER)}, {"PW-SCOPE-1"}, REFUSED),
        ({"facts": a_household(village_class=None)}, {"PW-SCOPE-1"}, RULING),
        ({"post": a_post(village="621123101202")}, {"PW-SCOPE-1"}, RULING),
        ({"facts": a_household(working=1)}, {"PW-ELIG-1"}, REFUSED),
        ({"nomination": UNRECORDED}, {"PW-ELIG-2"}, RULING),
        ({"nomination": UNWILLING}, {"PW-ELIG-3"}, RULING),
        ({"facts": a_household(subsistence=True)}, {"PW-ELIG-4"}, REFUSED),
        ({"facts": a_household(members=(a_member(cadre=True),))}, {"PW-ELIG-5"}, REFUSED),
        ({"nomination": STRANGER}, {"PW-ELIG-3", "PW-ELIG-4", "PW-ELIG-5"}, RULING),
        ({"holdings": holding(household_posts=1)}, {"PW-ELIG-6"}, RULING),
        ({"holdings": holding(holders=1)}, {"PW-ONE-1"}, REFUSED),
        ({"post": a_post(prefecture_city=7137)}, {"PW-QTY-4"}, REFUSED),
    ],
)
def test_one_failing_fact_is_found_by_its_own_clause(
    changes: dict[str, Any], clauses: set[str], outcome: Outcome
) -> None:
    found = decide(rules.MAY_APPOINT, an_appointment(**changes), CLAUSES)
    assert {each.clause for each in found.findings if each.outcome is not ELIGIBLE} == clauses
    assert found.outcome is outcome


def test_a_waiver_reaches_the_clause_it_names_and_no_other() -> None:
    second = holding(household_posts=1, holders=1)
    case = an_appointment(holdings=second, waivers={"PW-ELIG-6": WAIVER, "PW-ONE-1": WAIVER})
    found = decide(rules.MAY_APPOINT, case, CLAUSES)
    outcomes = {each.clause: each.outcome for each in found.findings}
    assert (outcomes["PW-ELIG-6"], outcomes["PW-ONE-1"]) == (ELIGIBLE, REFUSED)


def test_the_member_is_taken_from_among_the_household() -> None:
    elder = a_member(person_id=UUID(int=3), able=LabourAbility.LOST)
    facts = a_household(members=(elder, a_member()))
    assert an_appointment(facts).member == a_member()
    assert (facts.household_id, facts.member(UUID(int=3))) == (HOUSEHOLD, elder)
    assert an_appointment(nomination=STRANGER).member.person_id == UUID(int=9)


def test_each_question_is_found_by_the_name_a_decision_carries() -> None:
    questions = {"posts.open": rules.MAY_OPEN_POST, "posts.appoint": rules.MAY_APPOINT}
    assert questions == rules.CLAUSE_SETS


@pytest.mark.parametrize("wrong", ["provincial", "city"])
def test_there_are_no_fewer_posts_than_none(wrong: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        PostCounts.model_validate({"provincial": 0, "city": 0} | {wrong: -1})


@pytest.mark.parametrize("wrong", ["holders", "person_posts", "household_posts"])
def test_nobody_holds_fewer_posts_than_none(wrong: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 0"):
        holding(**{wrong: -1})
