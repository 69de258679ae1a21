"""Clauses PW-*: for each a case that passes, one that fails and the ones on the boundary."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from libs.common.contracts import LabourAbility, VillageClass
from libs.common.policy.clauses import Clause, NotInForce, Rank
from libs.common.policy.decisions import Decision, decide
from libs.common.policy.findings import Outcome, Waiver
from services.employment.posts import rules
from services.employment.posts.cases import Fund, Nomination, PostContext, PostCounts
from tests.employment.posts.cases import (
    ALL_THREE,
    CLAUSES,
    HOUSEHOLD,
    ON,
    PERSON,
    VILLAGE,
    a_household,
    a_member,
    a_post,
    an_appointment,
    an_opening,
    clause,
    holding,
)

ELIGIBLE, RULING, REFUSED = Outcome.ELIGIBLE, Outcome.NEEDS_RULING, Outcome.NOT_ELIGIBLE
DEEP, REGISTERED_DEEP = VillageClass.DEEP, VillageClass.REGISTERED_DEEP
REGISTERED, OTHER = VillageClass.REGISTERED, VillageClass.OTHER
PROVINCIAL, CITY = Fund.PROVINCIAL, Fund.CITY
WAIVER = Waiver(reason="岗位空缺", approver="county officer", on=ON)

READING = {
    "PW-SCOPE-1": ("H", {"village_class": "TEXT", "own_village": "DEFAULT"}),
    "PW-ELIG-1": ("H", {"registered": "TEXT", "nobody_works": "TEXT"}),
    "PW-ELIG-2": ("L", {"recorded": "DEFAULT", "enough": "DEFAULT"}),
    "PW-ELIG-3": ("H", {"wish": "TEXT", "able": "TEXT", "working_age": "DEFAULT"}),
    "PW-ELIG-4": ("H", {"recipient": "TEXT"}),
    "PW-ELIG-5": ("H", {"cadre": "TEXT", "cadre_family": "TEXT"}),
    "PW-ELIG-6": ("S", {"first_post": "DEFAULT", "others_offered": "DEFAULT"}),
    "PW-ONE-1": ("H", {"one_person": "TEXT", "one_post": "DEFAULT"}),
    "PW-QTY-1": ("H", {"village_class": "DERIVED", "posts": "DERIVED"}),
    "PW-QTY-2": ("H", {"village_class": "TEXT", "posts": "TEXT"}),
    "PW-QTY-3": ("H", {"village_class": "TEXT", "posts": "TEXT"}),
    "PW-PAY-1": ("F", {}),
    "PW-QTY-4": ("H", {"of_fund": "TEXT", "all_posts": "TEXT", "of_village": "DERIVED"}),
}


@pytest.mark.parametrize("clause_id", READING)
def test_each_condition_stands_on_the_basis_its_reading_gives_it(clause_id: str) -> None:
    row = clause(clause_id)
    bases = {name: wording.basis or row.basis for name, wording in row.conditions.items()}
    assert (row.kind, bases) == READING[clause_id]
    assert row.basis == ("DERIVED" if clause_id == "PW-QTY-1" else "TEXT")


@pytest.mark.parametrize("clause_id", READING)
def test_the_annex_is_in_force_from_its_date_in_the_prefecture_alone(clause_id: str) -> None:
    assert {row.id for row in CLAUSES} == set(READING)
    assert isinstance(CLAUSES.in_force(clause_id, date(2018, 12, 22), VILLAGE), Clause)
    assert isinstance(CLAUSES.in_force(clause_id, date(2018, 12, 21), VILLAGE), NotInForce)
    assert isinstance(CLAUSES.in_force(clause_id, ON, "620102001001"), NotInForce)
    assert clause(clause_id).leaves_to is (Rank.COUNTY if clause_id == "PW-ELIG-2" else None)


@pytest.mark.parametrize(
    ("village_class", "outcome"),
    [
        pytest.param(REGISTERED_DEEP, ELIGIBLE, id="PW-SCOPE-1 registered and deep"),
        pytest.param(REGISTERED, ELIGIBLE, id="PW-SCOPE-1 registered, not deep"),
        pytest.param(DEEP, ELIGIBLE, id="PW-SCOPE-1 deep, not registered"),
        pytest.param(OTHER, REFUSED, id="PW-SCOPE-1 one of the other 728"),
        pytest.param(None, RULING, id="PW-SCOPE-1 unclassed"),
    ],
)
def test_pw_scope_1(village_class: VillageClass | None, outcome: Outcome) -> None:
    assert rules.pw_scope_1(clause("PW-SCOPE-1"), village_class).outcome is outcome


def test_pw_scope_1_asks_for_a_ruling_on_a_post_in_another_village() -> None:
    scope = clause("PW-SCOPE-1")
    assert rules.pw_scope_1(scope, DEEP, own_village=False).outcome is RULING
    assert rules.pw_scope_1(scope, OTHER, own_village=False).outcome is REFUSED


@pytest.mark.parametrize(
    ("facts", "outcome"),
    [
        pytest.param({}, ELIGIBLE, id="PW-ELIG-1 registered and nobody works"),
        pytest.param({"working": 1}, REFUSED, id="PW-ELIG-1 one works"),
        pytest.param({"working": None}, RULING, id="PW-ELIG-1 work unknown"),
        pytest.param({"registered": False}, REFUSED, id="PW-ELIG-1 not registered"),
        pytest.param(
            {"registered": False, "village_class": DEEP},
            REFUSED,
            id="PW-ELIG-1 not registered in a non-registered deep village",
        ),
        pytest.param(
            {"registered": True, "village_class": DEEP},
            ELIGIBLE,
            id="PW-ELIG-1 registered in a non-registered deep village",
        ),
        pytest.param({"registered": None}, RULING, id="PW-ELIG-1 registration unknown"),
        pytest.param(
            {"registered": None, "working": 2}, REFUSED, id="PW-ELIG-1 a refusal outranks unknown"
        ),
    ],
)
def test_pw_elig_1(facts: dict[str, Any], outcome: Outcome) -> None:
    assert rules.pw_elig_1(clause("PW-ELIG-1"), a_household(**facts)).outcome is outcome


NONE_HOLD = dict.fromkeys(ALL_THREE, False)
TWO_RECORDED = {"cannot_leave": True, "no_work_here": True}


@pytest.mark.parametrize(
    ("recorded", "enough", "outcome"),
    [
        pytest.param(ALL_THREE, None, ELIGIBLE, id="PW-ELIG-2 all three satisfy any reading"),
        pytest.param(
            ALL_THREE | {"no_work_here": False}, None, RULING, id="PW-ELIG-2 two, no ruling"
        ),
        pytest.param(NONE_HOLD, None, RULING, id="PW-ELIG-2 none is no refusal"),
        pytest.param(TWO_RECORDED, None, RULING, id="PW-ELIG-2 one not recorded"),
        pytest.param(TWO_RECORDED, 1, RULING, id="PW-ELIG-2 any, but one not recorded"),
        pytest.param(
            NONE_HOLD | {"cannot_rise": True}, 1, ELIGIBLE, id="PW-ELIG-2 the county takes any"
        ),
        pytest.param(NONE_HOLD, 1, RULING, id="PW-ELIG-2 none where the county takes any"),
        pytest.param(
            ALL_THREE | {"no_work_here": False}, 3, RULING, id="PW-ELIG-2 the county wants all"
        ),
        pytest.param(ALL_THREE, 3, ELIGIBLE, id="PW-ELIG-2 all where the county wants all"),
        pytest.param(
            ALL_THREE | {"other": True}, 4, RULING, id="PW-ELIG-2 an unlisted code is not counted"
        ),
    ],
)
def test_pw_elig_2(recorded: Mapping[str, bool], enough: int | None, outcome: Outcome) -> None:
    row = clause("PW-ELIG-2")
    ruled = {} if enough is None else {"enough": enough}
    row = row.model_copy(update={"parameters": {**row.parameters, **ruled}})
    assert rules.pw_elig_2(row, recorded).outcome is outcome


@pytest.mark.parametrize(
    ("member", "wish_on", "outcome"),
    [
        pytest.param({}, ON, ELIGIBLE, id="PW-ELIG-3 wish of the same day"),
        pytest.param({}, date(2019, 2, 28), ELIGIBLE, id="PW-ELIG-3 an earlier wish"),
        pytest.param({}, date(2019, 3, 2), RULING, id="PW-ELIG-3 a wish of tomorrow"),
        pytest.param({}, None, RULING, id="PW-ELIG-3 no wish recorded"),
        pytest.param({"able": LabourAbility.SKILLED}, ON, ELIGIBLE, id="PW-ELIG-3 skilled"),
        pytest.param({"able": LabourAbility.WEAK}, ON, ELIGIBLE, id="PW-ELIG-3 weak"),
        pytest.param({"able": LabourAbility.LOST}, ON, REFUSED, id="PW-ELIG-3 lost"),
        pytest.param({"able": LabourAbility.NONE}, ON, REFUSED, id="PW-ELIG-3 none"),
        pytest.param({"able": None}, ON, RULING, id="PW-ELIG-3 ability unknown"),
        pytest.param({"age": 16}, ON, ELIGIBLE, id="PW-ELIG-3 of working age"),
        pytest.param({"age": 15}, ON, RULING, id="PW-ELIG-3 below working age"),
        pytest.param({"age": 83}, ON, ELIGIBLE, id="PW-ELIG-3 no upper age in the text"),
        pytest.param({"age": None}, ON, RULING, id="PW-ELIG-3 age unknown"),
    ],
)
def test_pw_elig_3(member: dict[str, Any], wish_on: date | None, outcome: Outcome) -> None:
    found = rules.pw_elig_3(clause("PW-ELIG-3"), a_member(**member), wish_on, ON)
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("person", "household", "outcome"),
    [
        pytest.param(False, False, ELIGIBLE, id="PW-ELIG-4 nobody receives"),
        pytest.param(True, False, REFUSED, id="PW-ELIG-4 a named recipient"),
        pytest.param(False, True, REFUSED, id="PW-ELIG-4 the whole household"),
        pytest.param(True, None, REFUSED, id="PW-ELIG-4 named, household unknown"),
        pytest.param(None, False, RULING, id="PW-ELIG-4 person unknown"),
        pytest.param(False, None, RULING, id="PW-ELIG-4 household unknown"),
        pytest.param(None, True, REFUSED, id="PW-ELIG-4 the household settles it"),
    ],
)
def test_pw_elig_4(person: bool | None, household: bool | None, outcome: Outcome) -> None:
    facts = a_household(subsistence=household)
    found = rules.pw_elig_4(clause("PW-ELIG-4"), a_member(subsistence=person), facts)
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("member", "outcome"),
    [
        pytest.param({}, ELIGIBLE, id="PW-ELIG-5 no cadre near"),
        pytest.param({"cadre": True}, REFUSED, id="PW-ELIG-5 the cadre personally"),
        pytest.param({"cadre_family": True}, REFUSED, id="PW-ELIG-5 a cadre's family"),
        pytest.param({"cadre": None}, RULING, id="PW-ELIG-5 cadre unknown"),
        pytest.param({"cadre_family": None}, RULING, id="PW-ELIG-5 relation unknown"),
    ],
)
def test_pw_elig_5(member: dict[str, Any], outcome: Outcome) -> None:
    assert rules.pw_elig_5(clause("PW-ELIG-5"), a_member(**member)).outcome is outcome


@pytest.mark.parametrize(
    ("household_posts", "others_offered", "waiver", "outcome"),
    [
        pytest.param(0, False, None, ELIGIBLE, id="PW-ELIG-6 the first post"),
        pytest.param(1, False, None, RULING, id="PW-ELIG-6 a second before the others"),
        pytest.param(1, None, None, RULING, id="PW-ELIG-6 a second, others unknown"),
        pytest.param(1, True, None, ELIGIBLE, id="PW-ELIG-6 a second after the others"),
        pytest.param(2, True, None, ELIGIBLE, id="PW-ELIG-6 the floor is no ceiling"),
        pytest.param(1, False, WAIVER, ELIGIBLE, id="PW-ELIG-6 a second with a waiver"),
        pytest.param(1, None, WAIVER, RULING, id="PW-ELIG-6 a waiver of what nobody looked at"),
    ],
)
def test_pw_elig_6(
    household_posts: int, others_offered: bool | None, waiver: Waiver | None, outcome: Outcome
) -> None:
    holdings = holding(household_posts=household_posts, others_offered=others_offered)
    assert rules.pw_elig_6(clause("PW-ELIG-6"), holdings, waiver).outcome is outcome


@pytest.mark.parametrize(
    ("holdings", "outcome"),
    [
        pytest.param({}, ELIGIBLE, id="PW-ONE-1 a free post, a free person"),
        pytest.param({"holders": 1}, REFUSED, id="PW-ONE-1 the post has a holder"),
        pytest.param({"person_posts": 1}, RULING, id="PW-ONE-1 the person has a post"),
    ],
)
def test_pw_one_1(holdings: dict[str, Any], outcome: Outcome) -> None:
    assert rules.pw_one_1(clause("PW-ONE-1"), holding(**holdings)).outcome is outcome


@pytest.mark.parametrize(
    ("village_class", "post", "outcome"),
    [
        pytest.param(DEEP, a_post(PROVINCIAL, village_provincial=2), ELIGIBLE, id="PW-QTY-1 third"),
        pytest.param(
            REGISTERED_DEEP, a_post(PROVINCIAL, village_city=5), ELIGIBLE, id="PW-QTY-1 first"
        ),
        pytest.param(
            DEEP, a_post(PROVINCIAL, village_provincial=3), RULING, id="PW-QTY-1 fourth is derived"
        ),
        pytest.param(REGISTERED, a_post(PROVINCIAL), RULING, id="PW-QTY-1 not deep"),
        pytest.param(OTHER, a_post(PROVINCIAL), RULING, id="PW-QTY-1 another village"),
        pytest.param(None, a_post(PROVINCIAL), RULING, id="PW-QTY-1 unclassed"),
        pytest.param(DEEP, a_post(CITY), None, id="PW-QTY-1 silent on city posts"),
    ],
)
def test_pw_qty_1(
    village_class: VillageClass | None, post: PostContext, outcome: Outcome | None
) -> None:
    found = rules.pw_qty_1(clause("PW-QTY-1"), village_class, post)
    assert (found and found.outcome) is outcome


@pytest.mark.parametrize(
    ("village_class", "post", "outcome"),
    [
        pytest.param(DEEP, a_post(village_city=4), ELIGIBLE, id="PW-QTY-2 fifth"),
        pytest.param(
            REGISTERED_DEEP, a_post(village_provincial=3, village_city=4), ELIGIBLE,
            id="PW-QTY-2 fifth beside three provincial",
        ),
        pytest.param(DEEP, a_post(village_city=5), REFUSED, id="PW-QTY-2 sixth"),
        pytest.param(REGISTERED_DEEP, a_post(village_city=5), REFUSED, id="PW-QTY-2 sixth, listed"),
        pytest.param(None, a_post(village_city=5), RULING, id="PW-QTY-2 unclassed"),
        pytest.param(REGISTERED, a_post(village_city=5), None, id="PW-QTY-2 silent, not deep"),
        pytest.param(OTHER, a_post(), None, id="PW-QTY-2 silent on other villages"),
        pytest.param(DEEP, a_post(PROVINCIAL), None, id="PW-QTY-2 silent on provincial posts"),
        pytest.param(None, a_post(PROVINCIAL), None, id="PW-QTY-2 silent on them unclassed too"),
    ],
)  # fmt: skip
def test_pw_qty_2(
    village_class: VillageClass | None, post: PostContext, outcome: Outcome | None
) -> None:
    found = rules.pw_qty_2(clause("PW-QTY-2"), village_class, post)
    assert (found and found.outcome) is outcome


def test_a_count_is_told_beside_the_class_and_not_looked_at_without_one() -> None:
    row, post = clause("PW-QTY-2"), a_post(village_city=5)
    told = {
        village_class: [each.name for each in found.conditions]
        for village_class in (DEEP, None)
        if (found := rules.pw_qty_2(row, village_class, post))
    }
    assert told == {DEEP: ["village_class", "posts"], None: ["village_class"]}


@pytest.mark.parametrize(
    ("village_class", "post", "outcome"),
    [
        pytest.param(REGISTERED, a_post(village_city=7), ELIGIBLE, id="PW-QTY-3 eighth"),
        pytest.param(REGISTERED, a_post(village_city=8), REFUSED, id="PW-QTY-3 ninth"),
        pytest.param(None, a_post(), RULING, id="PW-QTY-3 unclassed"),
        pytest.param(DEEP, a_post(village_city=8), None, id="PW-QTY-3 silent on deep"),
        pytest.param(REGISTERED_DEEP, a_post(), None, id="PW-QTY-3 silent on registered deep"),
        pytest.param(REGISTERED, a_post(PROVINCIAL), None, id="PW-QTY-3 silent on provincial"),
    ],
)
def test_pw_qty_3(
    village_class: VillageClass | None, post: PostContext, outcome: Outcome | None
) -> None:
    found = rules.pw_qty_3(clause("PW-QTY-3"), village_class, post)
    assert (found and found.outcome) is outcome


@pytest.mark.parametrize(
    ("post", "outcome"),
    [
        pytest.param(
            a_post(PROVINCIAL, prefecture_provincial=1670), ELIGIBLE, id="PW-QTY-4 1671 provincial"
        ),
        pytest.param(
            a_post(PROVINCIAL, prefecture_provincial=1671), REFUSED, id="PW-QTY-4 1672 provincial"
        ),
        pytest.param(a_post(prefecture_city=7136), ELIGIBLE, id="PW-QTY-4 7137 city"),
        pytest.param(a_post(prefecture_city=7137), REFUSED, id="PW-QTY-4 7138 city"),
        pytest.param(
            a_post(prefecture_provincial=1671, prefecture_city=7136), ELIGIBLE, id="PW-QTY-4 8808"
        ),
        pytest.param(
            a_post(prefecture_provincial=1672, prefecture_city=7136), REFUSED, id="PW-QTY-4 8809"
        ),
        pytest.param(a_post(village_provincial=3, village_city=4), ELIGIBLE, id="PW-QTY-4 eighth"),
        pytest.param(
            a_post(village_provincial=4, village_city=4), RULING, id="PW-QTY-4 ninth is derived"
        ),
    ],
)
def test_pw_qty_4(post: PostContext, outcome: Outcome) -> None:
    assert rules.pw_qty_4(clause("PW-QTY-4"), post).outcome is outcome


def test_pw_pay_1_is_500_yuan_a_month_once_the_policy_holds() -> None:
    assert rules.monthly_allowance(CLAUSES, an_appointment()) == 500_00
    before = an_appointment(a_household(on=date(2018, 12, 21)))
    assert rules.monthly_allowance(CLAUSES, before) is None


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
