"""The registry as it answers: its own database, its application, and tokens of every role."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from libs.common.app import create_app
from libs.common.db.database import Database
from libs.common.http.issuer import Issuer
from libs.common.http.roles import Role
from libs.common.people.sealing import Sealer
from libs.common.records.access import AccessLog
from libs.common.runtime import Process, opened
from libs.common.settings import Settings
from services.registry.main import service

As = Callable[..., httpx.AsyncClient]


@pytest_asyncio.fixture(scope="module")
async def process(
    url_of: Callable[[str], Awaitable[str]],
    bus_url: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Process]:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        embedded=True,
        bus_url=bus_url,
        registry_database_url=await url_of("registry"),
    )
    async with opened(settings, [service]) as process:
        yield process


@pytest.fixture(scope="module")
def database(process: Process) -> Database:
    return process.databases["registry"]


@pytest.fixture(scope="module")
def sealer(process: Process) -> Sealer:
    return process.sealer


@pytest.fixture(scope="module")
def access_log(process: Process) -> AccessLog:
    return process.access_logs["registry"]


@pytest_asyncio.fixture(scope="module")
async def as_(process: Process) -> AsyncIterator[As]:
    """`as_(Role.AUDITOR, division="6211")`: a client with such a token; `as_()` has none."""
    transport = httpx.ASGITransport(create_app(process))
    issuer = Issuer.of(Path(process.settings.home), process.settings.audience)
    opened_clients: list[httpx.AsyncClient] = []

    def client(role: Role | None = None, **claims: Any) -> httpx.AsyncClient:
        headers = {"accept-language": "en"}
        if role:
            headers["authorization"] = f"Bearer {issuer.issue(role, **claims)}"
        url = "http://registry.test/registry/v1"
        made = httpx.AsyncClient(transport=transport, base_url=url, headers=headers)
        opened_clients.append(made)
        return made

    yield client
    for each in opened_clients:
        await each.aclose()
