"""Three-valued findings: who may refuse, what is not known, and what outranks what."""

from collections.abc import Sequence
from datetime import date
from itertools import product

import pytest
from pydantic import ValidationError

from libs.common.policy.clauses import Basis, Clause, Kind, NotInForce, Rank, Text
from libs.common.policy.findings import (
    Condition,
    Finding,
    Outcome,
    Waiver,
    at_least,
    at_most,
    combine,
    finding,
    gravest,
    not_in_force,
    one_of,
    says,
    weigh,
)

ELIGIBLE, RULING, REFUSED = Outcome.ELIGIBLE, Outcome.NEEDS_RULING, Outcome.NOT_ELIGIBLE
WAIVER = Waiver(reason="岗位空缺", approver="county officer", on=date(2019, 3, 1))


def a_clause(basis: Basis = Basis.TEXT, kind: Kind = Kind.HARD) -> Clause:
    return Clause.model_validate(
        {
            "id": "XX-1",
            "document": "某号文件",
            "section": "一",
            "title": {"zh": "某条", "en": "A clause"},
            "quote": "某句",
            "kind": kind,
            "basis": basis,
            "rank": Rank.PREFECTURE,
            "division": "6211",
            "effective_from": date(2018, 12, 22),
            "interpreter": {"zh": "某局", "en": "a bureau"},
            "parameters": {"codes": ["a", "b"]},
            "conditions": {
                "plain": {"zh": "须{needed},现{found}", "en": "need {needed}, found {found}"},
                "softer": {"basis": "DEFAULT", "zh": "{found}", "en": "{found}"},
            },
            "terms": {"a": {"zh": "甲", "en": "A"}, "b": {"zh": "乙", "en": "B"}},
        }
    )


def a_condition(basis: Basis, holds: bool | None) -> Condition:
    words = Text(zh="", en="")
    return Condition(
        name="any", basis=basis, holds=holds, found=None, needed=None, gap=None, explain=words
    )


REFUSALS = {(kind, basis) for kind in Kind for basis in (Basis.TEXT, Basis.LAW)} - {
    (Kind.SOFT, Basis.TEXT),
    (Kind.SOFT, Basis.LAW),
} | {(Kind.PROHIBITION, Basis.ETHICS)}


@pytest.mark.parametrize(("kind", "basis"), list(product(Kind, Basis)))
def test_only_text_law_and_an_ethical_ban_turn_a_failed_condition_into_a_refusal(
    kind: Kind, basis: Basis
) -> None:
    failed = weigh(kind, [a_condition(basis, False)], None)
    assert failed is (REFUSED if (kind, basis) in REFUSALS else RULING)
    assert weigh(kind, [a_condition(basis, None)], None) is RULING
    assert weigh(kind, [a_condition(basis, True)], None) is ELIGIBLE


@pytest.mark.parametrize("kind", list(Kind))
def test_no_default_or_derived_clause_can_refuse(kind: Kind) -> None:
    for basis in (Basis.DEFAULT, Basis.DERIVED):
        found = finding(a_clause(basis, kind), says(a_clause(basis), "plain", False, needed=True))
        assert found.outcome is RULING
        with pytest.raises(ValidationError, match="does not follow"):
            Finding.model_validate(found.model_dump() | {"outcome": REFUSED})


@pytest.mark.parametrize(
    ("kind", "holds", "outcome"),
    [
        pytest.param(Kind.SOFT, False, ELIGIBLE, id="a norm that failed is waived"),
        pytest.param(Kind.SOFT, None, RULING, id="a norm that is not known is not"),
        pytest.param(Kind.HARD, False, REFUSED, id="a gate takes no waiver"),
    ],
)
def test_a_recorded_waiver_covers_a_failed_norm_alone(
    kind: Kind, holds: bool | None, outcome: Outcome
) -> None:
    assert weigh(kind, [a_condition(Basis.TEXT, holds)], WAIVER) is outcome


@pytest.mark.parametrize(
    ("outcomes", "together"),
    [
        ([ELIGIBLE, ELIGIBLE], ELIGIBLE),
        ([ELIGIBLE, RULING], RULING),
        ([RULING, REFUSED, ELIGIBLE], REFUSED),
        ([], RULING),
    ],
)
def test_a_refusal_outranks_a_ruling_and_a_ruling_outranks_eligible(
    outcomes: Sequence[Outcome], together: Outcome
) -> None:
    assert gravest(outcomes) is together


def test_findings_combine_to_the_gravest() -> None:
    clause = a_clause()
    good = finding(clause, says(clause, "plain", True, needed=True))
    bad = finding(clause, says(clause, "plain", False, needed=True))
    assert combine([good, bad, good]) is REFUSED
    assert combine([]) is RULING


def test_a_finding_without_conditions_proves_nothing() -> None:
    assert finding(a_clause()).outcome is RULING


@pytest.mark.parametrize(
    ("found", "holds", "gap"), [(2, True, None), (3, True, None), (4, False, 1), (None, None, None)]
)
def test_at_most_holds_at_the_limit(found: int | None, holds: bool | None, gap: int | None) -> None:
    condition = at_most(a_clause(), "plain", found, 3)
    assert (condition.holds, condition.gap) == (holds, gap)
    assert (condition.found, condition.needed) == (found, 3)


@pytest.mark.parametrize(
    ("found", "floor", "holds", "gap"),
    [
        (4, 3, True, None),
        (3, 3, True, None),
        (1, 3, False, 2),
        (None, 3, None, None),
        (3, None, None, None),
    ],
)
def test_at_least_holds_at_the_floor_and_an_open_floor_is_unknown(
    found: int | None, floor: int | None, holds: bool | None, gap: int | None
) -> None:
    condition = at_least(a_clause(), "plain", found, floor)
    assert (condition.holds, condition.gap) == (holds, gap)
    assert (condition.found, condition.needed) == (found, floor)


@pytest.mark.parametrize(("found", "holds"), [("a", True), ("c", False), (None, None)])
def test_one_of_a_list(found: str | None, holds: bool | None) -> None:
    clause = a_clause()
    condition = one_of(clause, "plain", found, clause.codes("codes"))
    assert (condition.holds, condition.gap) == (holds, None)


@pytest.mark.parametrize(
    ("found", "needed", "holds"),
    [
        (True, True, True),
        (False, True, False),
        (False, False, True),
        (True, False, False),
        (None, False, None),
        (None, True, None),
    ],
)
def test_a_yes_or_no(found: bool | None, needed: bool, holds: bool | None) -> None:
    condition = says(a_clause(), "plain", found, needed=needed)
    assert (condition.holds, condition.found, condition.needed) == (holds, found, needed)


def test_a_condition_speaks_both_languages() -> None:
    clause = a_clause()
    listed = one_of(clause, "plain", "b", ("a", "c"))
    assert listed.explain == Text(zh="须甲、c,现乙", en="need A, c, found B")
    unknown = says(clause, "plain", None, needed=True)
    assert unknown.explain == Text(zh="须是,现未知", en="need yes, found unknown")
    counted = at_most(clause, "plain", 0, 1)
    assert counted.explain == Text(zh="须1,现0", en="need 1, found 0")


def test_a_condition_takes_the_basis_of_its_clause_or_a_softer_one() -> None:
    clause = a_clause(Basis.LAW)
    assert says(clause, "plain", True, needed=True).basis is Basis.LAW
    assert says(clause, "softer", True, needed=True).basis is Basis.DEFAULT


def test_a_finding_cites_its_clause() -> None:
    clause = a_clause(kind=Kind.SOFT)
    condition = says(clause, "plain", False, needed=True)
    found = finding(clause, condition, waiver=WAIVER)
    assert (found.clause, found.version) == ("XX-1", "prefecture/6211/2018-12-22")
    assert (found.kind, found.title, found.quote) == (Kind.SOFT, clause.title, "某句")
    assert (found.interpreter, found.conditions) == (clause.interpreter, (condition,))
    assert (found.waiver, found.outcome) == (WAIVER, ELIGIBLE)


def test_without_a_clause_in_force_somebody_has_to_rule() -> None:
    missing = not_in_force(NotInForce("XX-1", date(2017, 1, 1), "621123"))
    assert (missing.outcome, missing.version, missing.kind) == (RULING, None, None)
    assert missing.title == Text(zh="条款未生效", en="Clause not in force")
    (condition,) = missing.conditions
    assert (condition.name, condition.holds, condition.needed) == ("in_force", None, True)
    assert condition.explain.zh == "2017-01-01 在 621123 没有生效的条款"
