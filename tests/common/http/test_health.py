"""The probes: alive while the loop turns, ready while requests can be served."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import httpx
import pytest

from libs.common.db.database import Database, Scope
from libs.common.db.migrate import heads
from libs.common.http.health import health_router
from libs.common.http.issuer import Issuer
from tests.common.http.edge import a_client, an_app
from tests.databases import GROUND


@pytest.fixture
def state() -> SimpleNamespace:
    return SimpleNamespace(draining=False, heads={GROUND: heads(GROUND)})


@pytest.fixture
async def database(url_of: Callable[[str], Awaitable[str]]) -> Database:
    return await Database.open(GROUND, await url_of(GROUND), sizes={"app": 1, "public": 1})


@pytest.fixture
def client(database: Database, issuer: Issuer, state: SimpleNamespace) -> httpx.AsyncClient:
    router = health_router(
        {GROUND: database},
        state.heads,
        scope=Scope.public(),
        draining=lambda: bool(state.draining),
    )
    return a_client(an_app(router, issuer=issuer))


async def _reasons(client: httpx.AsyncClient) -> list[str]:
    assert (await client.get("/livez")).status_code == 200
    answer = await client.get("/readyz")
    assert answer.status_code == (503 if answer.json()["reasons"] else 200)
    assert answer.json()["ready"] is not bool(answer.json()["reasons"])
    reasons: list[str] = answer.json()["reasons"]
    return reasons


async def test_ready_while_the_pool_answers_and_the_schema_is_the_expected_one(
    client: httpx.AsyncClient, database: Database
) -> None:
    assert await _reasons(client) == []
    await database.close()


async def test_not_ready_while_draining(
    client: httpx.AsyncClient, database: Database, state: SimpleNamespace
) -> None:
    state.draining = True
    assert await _reasons(client) == ["draining"]
    await database.close()


async def test_not_ready_on_another_schema(
    client: httpx.AsyncClient, database: Database, state: SimpleNamespace
) -> None:
    state.heads[GROUND] = frozenset({"later"})
    assert len(await _reasons(client)) == 1
    await database.close()


async def test_not_ready_and_still_alive_without_a_database(
    client: httpx.AsyncClient, database: Database
) -> None:
    await database.close()
    assert await _reasons(client) == [f"{GROUND}: the database does not answer"]
