"""The probes: alive while the loop turns, ready while requests can be served."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace

import httpx
import pytest

from libs.common.db.database import Database, Scope
from libs.common.db.migrate import Schema
from libs.common.http.health import health_router
from libs.common.http.issuer import Issuer
from tests.common.http.edge import a_client, an_app
from tests.databases import GROUND


@pytest.fixture
def state() -> SimpleNamespace:
    return SimpleNamespace(draining=False, schemas={GROUND: Schema.of(GROUND)})


@pytest.fixture
async def database(url_of: Callable[[str], Awaitable[str]]) -> Database:
    return await Database.open(GROUND, await url_of(GROUND), sizes={"app": 1, "public": 1})


@pytest.fixture
def client(database: Database, issuer: Issuer, state: SimpleNamespace) -> httpx.AsyncClient:
    router = health_router(
        {GROUND: database},
        state.schemas,
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


async def test_not_ready_on_an_earlier_schema(
    client: httpx.AsyncClient, database: Database, state: SimpleNamespace
) -> None:
    now = Schema.of(GROUND)
    state.schemas[GROUND] = Schema(frozenset({"next"}), now.known | {"next"})
    assert len(await _reasons(client)) == 1
    await database.close()


async def test_ready_on_a_later_schema_so_that_a_release_replaces_one_process_after_the_other(
    client: httpx.AsyncClient, database: Database, state: SimpleNamespace
) -> None:
    state.schemas[GROUND] = Schema(frozenset({"last"}), frozenset({"first", "last"}))
    assert await _reasons(client) == []
    await database.close()


@pytest.mark.parametrize(
    ("at", "lacks"),
    [
        pytest.param(set(), True, id="nothing was made"),
        pytest.param({"common 2"}, True, id="nothing of the service's own"),
        pytest.param({"common 1", "own 2"}, True, id="the common part is behind"),
        pytest.param({"common 2", "own 2"}, False, id="as expected"),
        pytest.param({"common 2", "own 3"}, False, id="the service's part is a later one"),
        pytest.param({"common 3", "own 3"}, False, id="both are later ones"),
        pytest.param({"common 1", "own 3"}, True, id="one is later, the other behind"),
    ],
)
def test_what_a_schema_lacks(at: set[str], lacks: bool) -> None:
    known = frozenset({"common 1", "common 2", "own 1", "own 2"})
    assert Schema(frozenset({"common 2", "own 2"}), known).lacks(frozenset(at)) is lacks


async def test_not_ready_and_still_alive_without_a_database(
    client: httpx.AsyncClient, database: Database
) -> None:
    await database.close()
    assert await _reasons(client) == [f"{GROUND}: the database does not answer"]
