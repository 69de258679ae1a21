"""A deployment on this machine: each part of each service a process, the bus a real Kafka."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx

from libs.common.events.bus import Bus
from libs.common.http.roles import Role
from services.matching.handlers import REACTION
from tests.cli.served import Login, Served, serving
from tests.house import Caller

_PATIENCE = 60.0


class ByService(httpx.AsyncHTTPTransport):
    """What a gateway does: the first part of a path says whose it is."""

    def __init__(self, apis: Mapping[str, Served]) -> None:
        super().__init__()
        self._apis = apis

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        service = request.url.path.split("/")[1]
        at = httpx.URL(self._apis[service].url)
        request.url = request.url.copy_with(scheme="http", host=at.host, port=at.port)
        return await super().handle_async_request(request)


@dataclass
class Apart:
    """The processes, reached as by a gateway; events travel by themselves."""

    env: Mapping[str, str]
    apis: Mapping[str, Served]
    workers: Mapping[str, Sequence[Served]]
    http: httpx.AsyncClient
    login: Login
    bus: Bus
    outboxes: Sequence[asyncpg.Connection]
    stack: ExitStack
    moves_by_itself: bool = field(default=True, init=False)

    def caller(self, role: Role, division: str | None = None) -> Caller:
        token = self.login.token(role, division or "", subject=f"{role}@{division}")
        return Caller(self.http, token)

    def anybody(self) -> Caller:
        return Caller(self.http, None)

    async def settle(self) -> None:
        async with asyncio.timeout(_PATIENCE):
            while await self._pending() or await self.behind():  # noqa: ASYNC110 - others work
                await asyncio.sleep(0.05)

    async def behind(self) -> int:
        return sum((await self.bus.lag("matching", REACTION.topics)).values())

    async def job(self, caller: Caller, href: str) -> Any:
        deadline = time.monotonic() + _PATIENCE
        while (job := await caller.get(href))["state"] in ("queued", "running"):
            assert time.monotonic() < deadline, job
            await asyncio.sleep(0.05)
        return job

    async def _pending(self) -> int:
        return sum([await each.fetchval("SELECT count(*) FROM outbox") for each in self.outboxes])


def started(
    stack: ExitStack, env: Mapping[str, str], parts: Sequence[tuple[str, str]]
) -> list[Served]:
    """All at once; each is there when it listens, and gone at the end whatever happens."""
    coming = [serving(service, part, env) for service, part in parts]
    with ThreadPoolExecutor(len(coming)) as pool:
        served = list(pool.map(lambda each: each.__enter__(), coming))
    for each in coming:
        stack.push(each)
    return served


@asynccontextmanager
async def apart(env: Mapping[str, str], login: Login, bus: Bus) -> AsyncIterator[Apart]:
    """Two workers of matching, and one of each other service."""
    with ExitStack() as stack:
        (registry,) = started(stack, env, [("registry", "api")])
        env = {**env, "WEIYUAN_REGISTRY_URL": registry.url}
        others = ("employment", "solar", "matching")
        workers = ("registry", *others, "matching")
        served = started(
            stack,
            env,
            [*((name, "api") for name in others), *((name, "worker") for name in workers)],
        )
        apis = {"registry": registry, **dict(zip(others, served, strict=False))}
        working: dict[str, list[Served]] = {}
        for name, each in zip(workers, served[len(others) :], strict=True):
            working.setdefault(name, []).append(each)
        outboxes = [
            await asyncpg.connect(env[f"WEIYUAN_{name.upper()}_DATABASE_URL"].format(role="worker"))
            for name in apis
        ]
        async with httpx.AsyncClient(
            transport=ByService(apis), base_url="http://gateway", timeout=30
        ) as http:
            yield Apart(env, apis, working, http, login, bus, outboxes, stack)
        for outbox in outboxes:
            await outbox.close()
