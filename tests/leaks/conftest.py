"""The house with one of everything in it, made once for all leak tests; its log is kept."""

import io
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import httpx
import pytest
import pytest_asyncio
import structlog

from libs.common.app import create_app
from libs.common.http.limits import Limits
from libs.common.telemetry.logs import configure_logs
from tests.databases import Run
from tests.house import House, house_at
from tests.leaks.seed import Places, Seeded, seed

NO_LIMITS = Limits(rate=1e6, burst=10**6)
"""Thousands of refused requests are what these tests are made of."""


@pytest.fixture(scope="package")
def logs() -> Iterator[io.StringIO]:
    """Every line that is logged while these tests run, as a deployment would write it."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logs(readable=False, level=logging.DEBUG, stream=stream)
    yield stream
    structlog.configure(**before)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest_asyncio.fixture(scope="package")
async def leaky_house(
    run: Run, logs: io.StringIO, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    urls: dict[str, str] = {}

    async def url_of(service: str) -> str:
        if service not in urls:
            urls[service] = await run.copy_of(service)
        return urls[service]

    async with house_at(tmp_path_factory.mktemp("leaks"), url_of) as house:
        app = create_app(house.process, limits=NO_LIMITS)
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://weiyuan") as http:
            yield replace(house, app=app, http=http)


@pytest_asyncio.fixture(scope="package")
async def seeded(leaky_house: House) -> Seeded:
    return await seed(leaky_house, Places("621123100201", "621123100202", "621122100201"))


@pytest_asyncio.fixture(scope="package")
async def spare(leaky_house: House) -> Seeded:
    """Another of everything, to be mistreated."""
    return await seed(leaky_house, Places("621123100203", "621123100204", "621122100203"))
