"""Decisions explain themselves, survive storage and give the same answer when run again."""

import json
from datetime import date

import pytest
from pydantic import ValidationError

from libs.common.contracts import VillageClass
from libs.common.policy.clauses import Clause, Clauses
from libs.common.policy.decisions import Decision, decide, rerun
from libs.common.policy.findings import Outcome, Waiver
from services.employment.posts.cases import AppointmentCase
from services.employment.posts.rules import CLAUSE_SETS, MAY_APPOINT, MAY_OPEN_POST
from tests.employment.posts.cases import (
    CLAUSES,
    ON,
    VILLAGE,
    a_household,
    a_post,
    an_appointment,
    an_opening,
    clause,
    holding,
)


def a_refusal() -> Decision:
    return decide(MAY_APPOINT, an_appointment(a_household(working=2)), CLAUSES)


def test_a_refusal_names_the_clause_the_quote_what_was_found_and_the_gap() -> None:
    refusal = a_refusal()
    assert refusal.outcome is Outcome.NOT_ELIGIBLE
    assert refusal.explain("zh") == [
        "PW-ELIG-1 零输转就业家庭(“建档立卡的零输转就业家庭”)不符合:"
        "家庭就业或输转人数最多0人,现为2,相差2"
    ]
    assert refusal.explain("en") == [
        "PW-ELIG-1 Registered household without work (“建档立卡的零输转就业家庭”) not met: "
        "members working or gone for work: at most 0, found 2, gap 2"
    ]


def test_what_needs_a_ruling_says_who_rules() -> None:
    second = decide(MAY_APPOINT, an_appointment(holdings=holding(person_posts=1)), CLAUSES)
    assert second.outcome is Outcome.NEEDS_RULING
    assert second.explain("zh") == [
        "PW-ONE-1 一岗一人(“每个岗位只能安排1人”)需裁定,请报市人力资源和社会保障局:"
        "连同本岗位,每人最多1个岗位,现为2,相差1"
    ]


def test_what_is_not_known_says_what_to_find_out() -> None:
    unknown = decide(MAY_APPOINT, an_appointment(a_household(registered=None)), CLAUSES)
    assert unknown.explain("en") == [
        "PW-ELIG-1 Registered household without work (“建档立卡的零输转就业家庭”) not known: "
        "find out, or ask the prefecture's human resources and social security bureau to rule: "
        "registered poor household: must be yes, is unknown"
    ]


def test_a_waived_norm_is_told_and_not_hidden() -> None:
    waiver = Waiver(reason="岗位空缺", approver="county officer", on=ON)
    case = an_appointment(holdings=holding(household_posts=1), waivers={"PW-ELIG-6": waiver})
    waived = decide(MAY_APPOINT, case, CLAUSES)
    assert waived.outcome is Outcome.ELIGIBLE
    (line,) = waived.explain("en")
    assert line.startswith("PW-ELIG-6 One job for each household without work")
    assert " waived: " in line


def test_when_all_holds_every_condition_is_told() -> None:
    granted = decide(MAY_OPEN_POST, an_opening(VillageClass.DEEP), CLAUSES)
    assert granted.outcome is Outcome.ELIGIBLE
    lines = granted.explain("zh")
    assert len(lines) == sum(len(finding.conditions) for finding in granted.findings)
    assert all("符合:" in line and "不符合" not in line for line in lines)


def test_before_the_policy_the_explanation_says_that_no_clause_is_in_force() -> None:
    early = decide(MAY_OPEN_POST, an_opening(VillageClass.DEEP, on=date(2018, 12, 21)), CLAUSES)
    assert set(early.versions.values()) == {None}
    assert rerun(early, CLAUSE_SETS, CLAUSES) == early
    assert early.explain("zh")[0] == (
        "PW-SCOPE-1 条款未生效情况不明,请核实,或请有权解释的部门裁定:"
        f"2018-12-21 在 {VILLAGE} 没有生效的条款"
    )


def test_a_decision_keeps_its_facts_its_day_its_place_and_its_clauses() -> None:
    refusal = a_refusal()
    assert (refusal.clause_set, refusal.on, refusal.division) == ("posts.appoint", ON, VILLAGE)
    assert refusal.inputs["facts"]["working"] == 2
    assert refusal.versions["PW-ELIG-1"] == "prefecture/6211/2018-12-22"
    assert list(refusal.versions) == [finding.clause for finding in refusal.findings]


def test_a_decision_reads_back_from_json_as_it_was() -> None:
    refusal = a_refusal()
    assert Decision.model_validate_json(refusal.model_dump_json()) == refusal


@pytest.mark.parametrize(
    "case",
    [
        an_appointment(a_household(working=2)),
        an_appointment(holdings=holding(household_posts=1)),
        an_appointment(),
    ],
)
def test_a_decision_runs_again_to_the_same_answer(case: AppointmentCase) -> None:
    stored = Decision.model_validate_json(decide(MAY_APPOINT, case, CLAUSES).model_dump_json())
    assert rerun(stored, CLAUSE_SETS, CLAUSES) == stored


def test_a_decision_of_another_question_runs_again_under_its_own_name() -> None:
    opened = decide(MAY_OPEN_POST, an_opening(VillageClass.DEEP, a_post(village_city=5)), CLAUSES)
    again = rerun(opened, CLAUSE_SETS, CLAUSES)
    assert (again, again.outcome) == (opened, Outcome.NOT_ELIGIBLE)


def a_later_county_row() -> Clause:
    """The county takes any one of the three circumstances."""
    row = clause("PW-ELIG-2")
    return Clause.model_validate(
        row.model_dump()
        | {
            "rank": "county",
            "division": VILLAGE[:6],
            "leaves_to": None,
            "effective_from": date(2019, 1, 1),
            "parameters": {**row.parameters, "enough": 1},
        }
    )


def test_a_county_rules_on_what_is_left_to_it() -> None:
    nomination = an_appointment().nomination.model_dump()
    one = {"cannot_leave": True, "no_work_here": False, "cannot_rise": False}
    case = an_appointment(nomination=nomination | {"circumstances": one})
    before = decide(MAY_APPOINT, case, CLAUSES)
    after = decide(MAY_APPOINT, case, Clauses([*CLAUSES, a_later_county_row()]))
    assert (before.outcome, after.outcome) == (Outcome.NEEDS_RULING, Outcome.ELIGIBLE)
    assert "至少" not in before.explain("zh")[0]
    assert after.versions["PW-ELIG-2"] == "county/621123/2019-01-01"


def test_a_decision_runs_again_under_the_rows_it_cites_whatever_came_later() -> None:
    decision = decide(MAY_APPOINT, an_appointment(), CLAUSES)
    ruled_since = Clauses([*CLAUSES, a_later_county_row()])
    assert rerun(decision, CLAUSE_SETS, ruled_since) == decision


def altered(decision: Decision, old: str, new: str) -> str:
    text = decision.model_dump_json()
    assert old in text
    return text.replace(old, new, 1)


def test_altered_facts_do_not_run_to_the_same_answer() -> None:
    forged = Decision.model_validate_json(altered(a_refusal(), '"working":2', '"working":0'))
    assert rerun(forged, CLAUSE_SETS, CLAUSES) != forged


def test_an_altered_outcome_is_not_read() -> None:
    text = json.loads(a_refusal().model_dump_json())
    with pytest.raises(ValidationError, match="does not follow from the findings"):
        Decision.model_validate_json(json.dumps(text | {"outcome": "eligible"}))
    for finding in text["findings"]:
        finding["outcome"] = "eligible"
    with pytest.raises(ValidationError, match="does not follow from the conditions"):
        Decision.model_validate_json(json.dumps(text | {"outcome": "eligible"}))
