"""The flow of a need: who may take which step from where."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Step:
    """`action` is the row of the role table; a step whose `checker` is set is not for the maker.

    Without a `next` the need goes back to the stage at which people had put it.
    """

    verb: str
    action: str
    state: str
    next: str | None
    checker: bool = False


FLOW = (
    Step("verify", "verify_need", "draft", "verified"),
    Step("publish", "publish_need", "verified", "published", checker=True),
    Step("overrule", "undo_automatic_change", "met", None),
    Step("withdraw", "withdraw_need", "draft", "withdrawn"),
    Step("withdraw", "withdraw_need", "verified", "withdrawn"),
    Step("withdraw", "withdraw_need", "published", "withdrawn"),
    Step("withdraw", "withdraw_need", "met", "withdrawn"),
)
"""需求流程: village verifies, town publishes, a person may overrule what an event decided; the
household leaves whenever it likes."""


def verbs(state: str) -> list[str]:
    """What may be done with a need in this state."""
    return [step.verb for step in FLOW if step.state == state]


def next_of(verb: str) -> str | None:
    return next(step.next for step in FLOW if step.verb == verb)


def step(verb: str, state: str) -> Step | None:
    return next((s for s in FLOW if s.verb == verb and s.state == state), None)
