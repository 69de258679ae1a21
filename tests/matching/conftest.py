"""A village on which the needs of the tests stand."""

import pytest_asyncio

from tests.house import House
from tests.registry.builders import VILLAGE, a_village


@pytest_asyncio.fixture(scope="module")
async def village(house: House) -> str:
    return await a_village(house.process.databases["registry"], VILLAGE)
