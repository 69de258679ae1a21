"""Reading from another service: the user's own token, a deadline, retries, typed answers."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Self, TypeVar

import httpx
import stamina
import structlog
from pydantic import BaseModel, ValidationError

from libs.common import context
from libs.common.http.problems import MEDIA_TYPE, Problem, Relayed
from libs.common.language import negotiate

log = structlog.get_logger()

Model = TypeVar("Model", bound=BaseModel)

_DEADLINE = 5.0
_CONNECT = 1.0
_ATTEMPTS = 3


class _Down(Exception):
    """An answer of 502, 503 or 504."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(response.status_code)
        self.retry_after = _seconds(response)


class Client:
    """Calls one service. It answers with a model or with a problem, never with old facts.

    A problem of the other side stays what it is; a side that is down is a 503 with Retry-After.
    """

    def __init__(
        self, service: str, http: httpx.AsyncClient, *, deadline: float, token: str | None = None
    ) -> None:
        self._service, self._http, self._deadline = service, http, deadline
        self._token = token

    @classmethod
    def to(
        cls,
        service: str,
        base_url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        deadline: float = _DEADLINE,
    ) -> Self:
        """A client for the life of the process: `deadline` seconds for a call with its retries."""
        timeout = httpx.Timeout(deadline, connect=_CONNECT)
        http = httpx.AsyncClient(
            base_url=base_url, transport=transport, timeout=timeout, trust_env=False
        )
        return cls(service, http, deadline=deadline)

    def on_behalf_of(self, token: str | None) -> Self:
        """The same client, calling with the token of the user whose request is served."""
        return type(self)(self._service, self._http, deadline=self._deadline, token=token)

    async def close(self) -> None:
        await self._http.aclose()

    async def get(
        self, path: str, answer: type[Model], *, query: Mapping[str, Any] | None = None
    ) -> Model:
        """`query` is added to what the path asks already; what is None is left out."""
        given = {name: str(value) for name, value in (query or {}).items() if value is not None}
        request = self._http.build_request(
            "GET", path, params=given or None, headers=_headers(self._token)
        )
        return self._typed(await self._send(request), answer)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        attempts = stamina.retry_context(
            on=(httpx.TransportError, _Down),
            attempts=_ATTEMPTS,
            wait_initial=0.05,
            wait_max=0.5,
            wait_jitter=0.1,
        )
        async with self._as_problems():
            async for attempt in attempts:
                with attempt:
                    response = await self._http.send(request)
                    if response.status_code in (502, 503, 504):
                        raise _Down(response)
        return response

    @asynccontextmanager
    async def _as_problems(self) -> AsyncIterator[None]:
        retry_after = None
        try:
            async with asyncio.timeout(self._deadline):
                yield
            return
        except _Down as error:
            retry_after = error.retry_after
        except (httpx.TransportError, TimeoutError) as error:
            log.warning("service down", service=self._service, error=type(error).__qualname__)
        raise self._unavailable(retry_after)

    def _typed(self, response: httpx.Response, answer: type[Model]) -> Model:
        if not response.is_success:
            raise self._problem(response)
        try:
            return answer.model_validate_json(response.content)
        except ValidationError as error:
            places = [(found["type"], found["loc"]) for found in error.errors(include_input=False)]
            log.error("answer is not as agreed", service=self._service, places=places)
            raise self._unavailable() from None

    def _problem(self, response: httpx.Response) -> Problem:
        if 400 <= response.status_code < 500 and (members := _members(response)):
            return Relayed(response.status_code, members, _seconds(response))
        log.error("unexpected answer", service=self._service, status=response.status_code)
        return self._unavailable()

    def _unavailable(self, retry_after: int | None = None) -> Problem:
        wait = {"retry_after": retry_after} if retry_after is not None else {}
        return Problem("unavailable", service=self._service, **wait)


def _headers(token: str | None) -> dict[str, str]:
    carried = {
        "authorization": token and f"Bearer {token}",
        "x-request-id": context.request_id(),
        "traceparent": context.traceparent(),
        "accept-language": negotiate(context.accept_language()),
    }
    return {name: value for name, value in carried.items() if value}


def _members(response: httpx.Response) -> dict[str, Any] | None:
    if not response.headers.get("content-type", "").startswith(MEDIA_TYPE):
        return None
    try:
        members = response.json()
    except ValueError:
        return None
    return members if isinstance(members, dict) and isinstance(members.get("code"), str) else None


def _seconds(response: httpx.Response) -> int | None:
    given = response.headers.get("retry-after", "")
    return int(given) if given.isdecimal() else None
