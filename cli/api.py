"""The system's HTTP API, asked by one role with its own token."""

from collections.abc import AsyncIterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import httpx

from cli.say import language

_PATIENCE = httpx.Timeout(30.0, connect=5.0)


class Refused(Exception):
    """An answer of 4xx or 5xx: its problem details, in the language of the command."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status, self.problem = status, problem
        places = [
            f"{each.get('pointer') or each.get('name')}: {each.get('message')}"
            for each in problem.get("errors", [])
        ]
        words = [problem.get("detail") or problem.get("title"), *places, problem.get("remedy")]
        super().__init__(" ".join(str(each) for each in words if each) or f"HTTP {status}")

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))


@dataclass(frozen=True)
class Api:
    """`token` is None for what anybody may ask."""

    http: httpx.AsyncClient
    token: str | None = None

    async def get(self, path: str, **query: Any) -> Any:
        return await self._answer("GET", path, params=query)

    async def post(
        self, path: str, body: Any = None, *, key: str | None = None, version: int | None = None
    ) -> Any:
        """The same `key` again is answered as the first time, and does nothing."""
        headers = {"idempotency-key": key, "if-match": version and f'"{version}"'}
        given = {name: value for name, value in headers.items() if value}
        return await self._answer("POST", path, json=body, headers=given)

    async def upload(self, path: str, content: AsyncIterable[bytes], **query: Any) -> Any:
        """A file as a stream: as long as it takes, never whole in memory."""
        return await self._answer("POST", path, content=content, params=query, timeout=None)

    def stream(self, path: str, **query: Any) -> AbstractAsyncContextManager[httpx.Response]:
        return self.http.stream("GET", path, params=query, headers=self._headers())

    async def _answer(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **given: Any
    ) -> Any:
        response = await self.http.request(
            method, path, headers=self._headers() | (headers or {}), **given
        )
        return read(response)

    def _headers(self) -> dict[str, str]:
        carried = {"accept-language": language()}
        return carried | ({"authorization": f"Bearer {self.token}"} if self.token else {})


def read(response: httpx.Response) -> Any:
    try:
        body = response.json()
    except ValueError:
        body = {"detail": response.text[:200]}
    if not response.is_success:
        raise Refused(response.status_code, body)
    return body


def client(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=_PATIENCE, trust_env=False)
