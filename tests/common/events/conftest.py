"""The buses under test, and the means to break what is beneath them."""

from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.database import Database
from libs.common.db.embedded import EmbeddedPostgres
from libs.common.events.bus import Bus, open_bus
from libs.common.events.catalogue import EVENTS, topics_of
from libs.common.events.consumer import Consumer
from libs.common.events.kafka import Kafka
from libs.common.ids import new_id
from tests.common.events.facts import BOARD, make_tables
from tests.conftest import POOLS
from tests.databases import GROUND
from tests.kafka import KafkaForTests

Cut = Callable[[str], Awaitable[None]]
MakeTopic = Callable[..., Awaitable[str]]

BOTH = ("pglog", "kafka")
"""As a module's `BUSES`: each of its tests runs on every bus there is."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "bus" in metafunc.fixturenames:
        metafunc.parametrize("bus", getattr(metafunc.module, "BUSES", ("pglog",)), indirect=True)


@pytest_asyncio.fixture
async def bus(request: pytest.FixtureRequest, bus_url: str) -> AsyncIterator[Bus]:
    url = bus_url
    if request.param == "kafka":
        kafka: KafkaForTests = request.getfixturevalue("kafka")
        await kafka.make(topics_of(EVENTS.values()), partitions=4)
        url = kafka.url
    opened = await open_bus(url)
    yield opened
    await opened.close()


@pytest.fixture
def make_topic(bus: Bus, request: pytest.FixtureRequest) -> MakeTopic:
    """`await make_topic()`: a topic that nobody else has."""

    async def make(partitions: int = 1) -> str:
        name = f"weiyuan.test.{new_id()}.v1"
        if isinstance(bus, Kafka):
            await request.getfixturevalue("kafka").make([name], partitions=partitions)
        return name

    return make


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
