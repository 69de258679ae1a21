"""The edge around an application: identity of the request, headers, access log, the last resort."""

import os
import re
import time
from typing import Any

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common import context
from libs.common.http.limits import BodyLimit, Limits, RateLimit
from libs.common.http.problems import Problem
from libs.common.people.masking import scrub
from libs.common.telemetry.probes import route_template

log = structlog.get_logger()

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_READ = (b"x-request-id", b"traceparent", b"accept-language")
_USUAL_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"cache-control": b"no-store",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"referrer-policy": b"no-referrer",
}


def install(app: FastAPI, limits: Limits) -> None:
    """The edge outermost, so that what the limits answer is headed and logged too."""
    app.add_middleware(BodyLimit, limits=limits)
    app.add_middleware(RateLimit, limits=limits)
    app.add_middleware(Edge)


class Edge:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._log: Any = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = context.begin(*_carried(scope))
        answer = _Answer(send, context.request_id() or "")
        at = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except Exception as error:
            # The last resort: without it the server would log the message, which can hold data.
            log.error("request failed", exc_info=error)
            if not answer.status:
                await Problem("internal").response()(scope, receive, answer.send)
        finally:
            self._tell(scope, answer.status, time.perf_counter() - at)
            context.end(begun)

    def _tell(self, scope: Scope, status: int, seconds: float) -> None:
        """One line for each request; neither its path nor query, which can hold personal data."""
        if self._log is None:  # after the logs are configured; to bind costs as much as a line
            self._log = log.bind()
        self._log.info(
            "request",
            method=scope["method"] if scope["method"] in _METHODS else "OTHER",
            route=route_template(scope),
            status=status or 499,
            ms=round(seconds * 1000, 1),
        )


class _Answer:
    """Sends on what the application answers, with the headers that every answer has."""

    def __init__(self, send: Send, request_id: str) -> None:
        self._send, self._request_id = send, request_id.encode()
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = {name.lower() for name, _ in message["headers"]}
            usual = (header for header in _USUAL_HEADERS.items() if header[0] not in given)
            request_id = (b"x-request-id", self._request_id)
            message["headers"] = [*message["headers"], *usual, request_id]
        await self._send(message)


def _carried(scope: Scope) -> tuple[str, str, str | None]:
    """The request's id and trace, taken up from the caller when they are well-formed."""
    given = {name: value.decode("latin-1") for name, value in scope["headers"] if name in _READ}
    request_id = given.get(b"x-request-id", "")
    random = os.urandom(40).hex()
    if not _REQUEST_ID.fullmatch(request_id) or scrub(request_id) != request_id:
        request_id = random[:32]
    if trace := _TRACEPARENT.fullmatch(given.get(b"traceparent", "")):
        traceparent = f"00-{trace[1]}-{random[32:48]}-{trace[2]}"
    else:
        traceparent = f"00-{random[48:]}-{random[32:48]}-00"
    return request_id, traceparent, given.get(b"accept-language")
