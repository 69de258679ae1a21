"""A database without records, and the hand of somebody who owns it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import asyncpg
import pytest
import pytest_asyncio

from libs.common import clock
from libs.common.db.database import Database
from libs.common.policy.storing import decision
from libs.common.records.audit import access, audit, seal
from tests.databases import GROUND


@pytest_asyncio.fixture(scope="module")
async def db(database_of: Callable[[str], Awaitable[Database]]) -> Database:
    return await database_of(GROUND)


@pytest_asyncio.fixture(scope="module")
async def superuser(
    url_of: Callable[[str], Awaitable[str]],
) -> AsyncIterator[asyncpg.Connection]:
    """Nothing in the database stops them: what they change has to show."""
    connection = await asyncpg.connect(
        (await url_of(GROUND)).replace("ground_{role}", "postgres"),
    )
    yield connection
    await connection.close()


@pytest_asyncio.fixture
async def fresh(db: Database, superuser: asyncpg.Connection) -> AsyncIterator[Database]:
    """No records yet; the clock stands where a test sets it, and is put back."""
    names = ", ".join(table.name for table in (audit, access, decision, seal))
    await superuser.execute(f"TRUNCATE {names}")
    yield db
    clock.set_to(None)


@pytest.fixture
def morning() -> datetime:
    """08:30 in Shanghai on 1 March 2019."""
    return datetime(2019, 3, 1, 0, 30, tzinfo=UTC)
