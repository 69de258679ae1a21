"""Findings: what one clause says of one case, condition by condition, in three values."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import BaseModel, model_validator

from libs.common.policy.clauses import (
    REFUSING,
    Basis,
    Clause,
    Kind,
    NotInForce,
    Text,
    Value,
)


class Outcome(StrEnum):
    ELIGIBLE = "eligible"
    NEEDS_RULING = "needs_ruling"
    NOT_ELIGIBLE = "not_eligible"


_GRAVITY = list(Outcome)
"""A refusal outranks a ruling, a ruling outranks eligible."""


class Waiver(BaseModel, frozen=True, extra="forbid"):
    """A recorded deviation from a 原则上 norm: why, who approved it, when."""

    reason: str
    approver: str
    on: date


class Condition(BaseModel, frozen=True):
    """One thing a clause asks: `holds` is None where the fact is not known."""

    name: str
    basis: Basis
    holds: bool | None
    found: Value
    needed: Value
    gap: int | None = None
    explain: Text


def weigh(kind: Kind | None, conditions: Collection[Condition], waiver: Waiver | None) -> Outcome:
    """The only place where a failed condition becomes an answer."""
    return gravest(_weigh_one(kind, condition, waiver) for condition in conditions)


def _weigh_one(kind: Kind | None, condition: Condition, waiver: Waiver | None) -> Outcome:
    """Text and law refuse; an ethical ban (kind P) blocks; a default only ever asks for a ruling.

    A norm (kind S) never refuses: it asks until a waiver is recorded.
    """
    if condition.holds:
        return Outcome.ELIGIBLE
    if condition.holds is None:
        return Outcome.NEEDS_RULING
    if kind is Kind.SOFT:
        return Outcome.NEEDS_RULING if waiver is None else Outcome.ELIGIBLE
    bans = kind is Kind.PROHIBITION and condition.basis is Basis.ETHICS
    refuses = condition.basis in REFUSING or bans
    return Outcome.NOT_ELIGIBLE if refuses else Outcome.NEEDS_RULING


def gravest(outcomes: Iterable[Outcome]) -> Outcome:
    """Nothing looked at proves nothing: no outcomes need a ruling."""
    return max(outcomes, key=_GRAVITY.index, default=Outcome.NEEDS_RULING)


class Finding(BaseModel, frozen=True):
    """What one clause says; its outcome cannot be other than its conditions weigh."""

    clause: str
    version: str | None
    kind: Kind | None
    title: Text
    quote: str
    interpreter: Text | None
    conditions: tuple[Condition, ...]
    waiver: Waiver | None = None
    outcome: Outcome

    @model_validator(mode="after")
    def _outcome_follows(self) -> Self:
        if self.outcome is not weigh(self.kind, self.conditions, self.waiver):
            raise ValueError(f"{self.clause}: the outcome does not follow from the conditions")
        return self


def combine(findings: Sequence[Finding]) -> Outcome:
    return gravest(finding.outcome for finding in findings)


def finding(clause: Clause, *conditions: Condition, waiver: Waiver | None = None) -> Finding:
    return Finding(
        clause=clause.id,
        version=clause.version,
        kind=clause.kind,
        title=clause.title,
        quote=clause.quote,
        interpreter=clause.interpreter,
        conditions=conditions,
        waiver=waiver,
        outcome=weigh(clause.kind, conditions, waiver),
    )


def not_in_force(missing: NotInForce) -> Finding:
    """Without a row nothing is judged: somebody has to rule."""
    explain = Text(
        zh=f"{missing.on} 在 {missing.division} 没有生效的条款",
        en=f"no row of the clause is in force on {missing.on} in {missing.division}",
    )
    in_force = Condition(
        name="in_force", basis=Basis.DEFAULT, holds=None, found=None, needed=True, explain=explain
    )
    return Finding(
        clause=missing.id,
        version=None,
        kind=None,
        title=Text(zh="条款未生效", en="Clause not in force"),
        quote="",
        interpreter=None,
        conditions=(in_force,),
        outcome=Outcome.NEEDS_RULING,
    )


def at_most(clause: Clause, name: str, found: int | None, limit: int) -> Condition:
    """不超过, 最高, 最多: the limit itself holds."""
    return _compared(clause, name, found, limit, over=None if found is None else found - limit)


def at_least(clause: Clause, name: str, found: int | None, floor: int | None) -> Condition:
    """以上, 不少于, 至少: the floor itself holds; an open floor leaves the condition unknown."""
    short = None if found is None or floor is None else floor - found
    return _compared(clause, name, found, floor, over=short)


def one_of(clause: Clause, name: str, found: str | None, allowed: tuple[str, ...]) -> Condition:
    return _condition(clause, name, None if found is None else found in allowed, found, allowed)


def says(clause: Clause, name: str, found: bool | None, *, needed: bool) -> Condition:
    return _condition(clause, name, None if found is None else found is needed, found, needed)


def _compared(
    clause: Clause, name: str, found: int | None, needed: int | None, *, over: int | None
) -> Condition:
    holds = None if over is None else over <= 0
    return _condition(clause, name, holds, found, needed, gap=over if holds is False else None)


def _condition(
    clause: Clause,
    name: str,
    holds: bool | None,
    found: Value,
    needed: Value,
    *,
    gap: int | None = None,
) -> Condition:
    wording = clause.conditions[name]
    explain = Text(
        zh=wording.zh.format(found=clause.words(found, "zh"), needed=clause.words(needed, "zh")),
        en=wording.en.format(found=clause.words(found, "en"), needed=clause.words(needed, "en")),
    )
    return Condition(
        name=name,
        basis=wording.basis or clause.basis,
        holds=holds,
        found=found,
        needed=needed,
        gap=gap,
        explain=explain,
    )
