"""Clauses PW-*: for each a case that passes, one that fails and the ones on the boundary."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest

from libs.common.contracts import LabourAbility, VillageClass
from libs.common.policy.clauses import Clause, NotInForce, Rank
from libs.common.policy.findings import Outcome, Waiver
from services.employment.posts import rules
from services.employment.posts.cases import Fund, PostContext
from tests.employment.posts.cases import (
    ALL_THREE,
    CLAUSES,
    ON,
    VILLAGE,
    a_household,
    a_member,
    a_post,
    an_appointment,
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
