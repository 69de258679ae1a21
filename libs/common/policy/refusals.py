"""How a decision that is not a yes is answered: clauses, reasons in both languages, record."""

from uuid import UUID

from libs.common.http.problems import Problem
from libs.common.policy.decisions import Decision
from libs.common.policy.findings import Outcome


def refusal(decision: Decision, decision_id: UUID) -> Problem:
    """A refusal cites only the clauses that refuse; a ruling those that leave the question open."""
    code = "refused" if decision.outcome is Outcome.NOT_ELIGIBLE else "needs_ruling"
    clauses = [f.clause for f in decision.findings if f.outcome is decision.outcome]
    reasons = {"zh": decision.explain("zh"), "en": decision.explain("en")}
    return Problem(code, clauses=clauses, reasons=reasons, decision=decision_id)
