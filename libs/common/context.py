"""What a request carries along: its id, its W3C trace context and the languages it asked for."""

from contextvars import ContextVar, Token
from typing import NamedTuple


class Carried(NamedTuple):
    request_id: str | None = None
    traceparent: str | None = None
    accept_language: str | None = None


_NOTHING = Carried()
_carried: ContextVar[Carried] = ContextVar("carried", default=_NOTHING)


def request_id() -> str | None:
    return _carried.get().request_id


def traceparent() -> str | None:
    return _carried.get().traceparent


def accept_language() -> str | None:
    return _carried.get().accept_language


def begin(
    request_id: str | None, traceparent: str | None, accept_language: str | None = None
) -> Token[Carried]:
    """Set all for the current task; `end` restores what an enclosing request carries."""
    return _carried.set(Carried(request_id, traceparent, accept_language))


def end(begun: Token[Carried]) -> None:
    _carried.reset(begun)
