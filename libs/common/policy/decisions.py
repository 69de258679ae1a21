"""Decisions: findings with the facts they used, told in two languages and run again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, Protocol, Self, TypeVar

from pydantic import BaseModel, model_validator

from libs.common.language import Language
from libs.common.policy.clauses import Clause, Clauses, NotInForce, Text
from libs.common.policy.findings import (
    Condition,
    Finding,
    Outcome,
    combine,
    not_in_force,
    weigh,
)


class Case(Protocol):
    """The facts of a question: a frozen pydantic model that knows its day and its place."""

    @property
    def on(self) -> date: ...

    @property
    def division(self) -> str: ...

    def model_dump(self, *, mode: str) -> dict[str, Any]: ...

    @classmethod
    def model_validate(cls, obj: Any) -> Self: ...


C = TypeVar("C", bound=Case)


Row = Clause | NotInForce


@dataclass(frozen=True)
class ClauseSet(Generic[C]):
    """A question that several clauses answer together, such as who may be appointed.

    A rule answers None where its clause does not speak of the case.
    """

    name: str
    case: type[C]
    rules: Mapping[str, Callable[[Clause, C], Finding | None]]

    def judge(self, case: C, rows: Mapping[str, Row]) -> Iterator[Finding]:
        for clause_id, rule in self.rules.items():
            row = rows[clause_id]
            found = not_in_force(row) if isinstance(row, NotInForce) else rule(row, case)
            if found is not None:
                yield found


class Decision(BaseModel, frozen=True):
    """An answer with its reasons; its outcome cannot be other than they combine to."""

    clause_set: str
    on: date
    division: str
    outcome: Outcome
    versions: dict[str, str | None]
    """The row of policy each clause was judged by, those that stayed silent included."""
    findings: tuple[Finding, ...]
    inputs: dict[str, Any]

    @model_validator(mode="after")
    def _outcome_follows(self) -> Self:
        if self.outcome is not combine(self.findings):
            raise ValueError("the outcome does not follow from the findings")
        return self

    def explain(self, language: Language) -> list[str]:
        """One line for each condition that does not hold, or for every condition when all do."""
        told = [(f, c) for f in self.findings for c in f.conditions]
        lacking = [(f, c) for f, c in told if not c.holds]
        return [_line(finding, condition, language) for finding, condition in lacking or told]


def decide(clause_set: ClauseSet[C], case: C, clauses: Clauses) -> Decision:
    rows = {each: clauses.in_force(each, case.on, case.division) for each in clause_set.rules}
    return _taken(clause_set, case, rows)


def rerun(
    decision: Decision, clause_sets: Mapping[str, ClauseSet[Any]], clauses: Clauses
) -> Decision:
    """Taken again from its own facts under the rows it cites: equal, or something was altered."""
    clause_set = clause_sets[decision.clause_set]
    case = clause_set.case.model_validate(decision.inputs)
    rows: dict[str, Row] = {}
    for clause_id in clause_set.rules:
        row = clauses.cited(clause_id, decision.versions.get(clause_id) or "")
        rows[clause_id] = row or NotInForce(clause_id, decision.on, decision.division)
    return _taken(clause_set, case, rows)


def _taken(clause_set: ClauseSet[C], case: C, rows: Mapping[str, Row]) -> Decision:
    findings = tuple(clause_set.judge(case, rows))
    return Decision(
        clause_set=clause_set.name,
        on=case.on,
        division=case.division,
        outcome=combine(findings),
        versions={
            each: row.version if isinstance(row, Clause) else None for each, row in rows.items()
        },
        findings=findings,
        inputs=case.model_dump(mode="json"),
    )


_MET = Text(zh="符合", en="met")
_UNKNOWN = Text(zh="情况不明,请核实,或请{who}裁定", en="not known: find out, or ask {who} to rule")
_RULING = Text(zh="需裁定,请报{who}", en="needs a ruling by {who}")
_WAIVED = Text(zh="已准予例外", en="waived")
_REFUSED = Text(zh="不符合", en="not met")
_RULER = Text(zh="有权解释的部门", en="the department that interprets it")
_LINE = Text(
    zh="{clause} {title}{quote}{verdict}:{text}", en="{clause} {title}{quote} {verdict}: {text}"
)
_QUOTE = Text(zh="(“{}”)", en=" (“{}”)")
_GAP = Text(zh=",相差{}", en=", gap {}")


def _line(finding: Finding, condition: Condition, language: Language) -> str:
    gap = "" if condition.gap is None else _GAP.of(language).format(condition.gap)
    who = (finding.interpreter or _RULER).of(language)
    return _LINE.of(language).format(
        clause=finding.clause,
        title=finding.title.of(language),
        quote=_QUOTE.of(language).format(finding.quote) if finding.quote else "",
        verdict=_verdict(finding, condition).of(language).format(who=who),
        text=condition.explain.of(language) + gap,
    )


def _verdict(finding: Finding, condition: Condition) -> Text:
    if condition.holds:
        return _MET
    if condition.holds is None:
        return _UNKNOWN
    alone = weigh(finding.kind, [condition], finding.waiver)
    return {
        Outcome.ELIGIBLE: _WAIVED,
        Outcome.NEEDS_RULING: _RULING,
        Outcome.NOT_ELIGIBLE: _REFUSED,
    }[alone]
