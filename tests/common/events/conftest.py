"""The buses under test, and the means to break what is beneath them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.database import Database
from libs.common.db.embedded import EmbeddedPostgres
from libs.common.events.bus import Bus, open_bus
from libs.common.events.consumer import Consumer
from tests.common.events.facts import BOARD, make_tables
from tests.conftest import POOLS
from tests.databases import GROUND

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


@pytest_asyncio.fixture(scope="module")
async def board_url(url_of: Callable[[str], Awaitable[str]]) -> str:
    url = await url_of(GROUND)
    await make_tables(url.replace("{role}", "owner"), f"{GROUND}_worker")
    return url


@pytest_asyncio.fixture
async def database(board_url: str) -> AsyncIterator[Database]:
    opened = await Database.open("matching", board_url, sizes=POOLS)
    yield opened
    await opened.close()


@pytest_asyncio.fixture
async def owner(board_url: str) -> AsyncIterator[asyncpg.Connection]:
    """Looks at the tables from outside, and mends them."""
    connection = await asyncpg.connect(board_url.replace("{role}", "owner"))
    yield connection
    await connection.close()


@pytest.fixture
def consumer(database: Database, bus: Bus) -> Consumer:
    return Consumer(database, bus, BOARD)
