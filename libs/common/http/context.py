"""What a request carries along: its id and its W3C trace context."""

from contextvars import ContextVar

_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
_traceparent: ContextVar[str | None] = ContextVar("traceparent", default=None)


def request_id() -> str | None:
    return _request_id.get()


def traceparent() -> str | None:
    return _traceparent.get()


def begin(request_id: str | None, traceparent: str | None) -> None:
    """Set both for the current task; a request's task ends with the request."""
    _request_id.set(request_id)
    _traceparent.set(traceparent)
