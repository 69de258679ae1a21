"""The buses under test, and the means to break what is beneath them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.embedded import EmbeddedPostgres
from libs.common.events.bus import Bus, open_bus

Cut = Callable[[str], Awaitable[None]]


@pytest_asyncio.fixture(params=["pglog"])
async def bus(request: pytest.FixtureRequest, bus_url: str) -> AsyncIterator[Bus]:
    """Each test runs on every bus there is."""
    opened = await open_bus({"pglog": bus_url}[request.param])
    yield opened
    await opened.close()


@pytest.fixture
def cut(postgres: EmbeddedPostgres) -> Cut:
    """`await cut(url)`: the server ends every session of that database."""

    async def end_sessions(url: str) -> None:
        database = urlsplit(url).path[1:]
        administrator = await asyncpg.connect(postgres.admin_url())
        await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", database
        )
        await administrator.close()

    return end_sessions
