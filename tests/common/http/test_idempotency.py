"""Idempotency keys: one request, one act, one answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter
from starlette.responses import Response

from libs.common.db.database import Connection, Database, Scope
from libs.common.http.caller import Caller
from libs.common.http.idempotency import Done, OnceByKey, OnceIfKeyed
from libs.common.http.issuer import Issuer
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.http.roles import Role
from libs.common.http.wire import Wire
from libs.common.ids import new_id
from tests.common.http.edge import COUNTY, a_client, an_app
from tests.databases import GROUND

Officer = Annotated[Caller, allowed("appoint")]


class Order(Wire):
    note: str = ""


class Acts:
    """What the routes do: a row for each act; it can be held up, made to fail, made to refuse."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.go.set()
        self.outcomes: list[Exception] = []
        self.begun = 0

    async def act(self, db: Connection) -> Done | Problem:
        self.begun += 1
        await self.go.wait()
        id_ = new_id()
        await db.execute(
            "INSERT INTO job (id, kind, state, division, created_by, parameters, progress)"
            " VALUES ($1, 'act', 'done', $2, 'u-1', '{}', '{}')",
            id_,
            COUNTY,
        )
        outcome = self.outcomes.pop(0) if self.outcomes else None
        if isinstance(outcome, Problem):
            return outcome
        if outcome:
            raise outcome
        return Done(id_, event_id=new_id())


@pytest.fixture
async def database(database_of: Callable[[str], Awaitable[Database]]) -> Database:
    database = await database_of(GROUND)
    async with database.writing(Scope.worker()) as db:
        await db.execute("DELETE FROM job")
        await db.execute("DELETE FROM idempotency")
    return database


@pytest.fixture
def acts() -> Acts:
    return Acts()


@pytest.fixture
def client(database: Database, issuer: Issuer, acts: Acts) -> httpx.AsyncClient:
    router = APIRouter()

    @router.post("/paid/{place}")
    async def pay(caller: Officer, once: OnceByKey, place: str, order: Order) -> Response:
        return await once.run(database, caller, acts.act)

    @router.post("/noted")
    async def note(caller: Officer, once: OnceIfKeyed, order: Order) -> Response:
        if answer := await once.answered(database, caller):
            return answer
        return await once.run(database, caller, acts.act)

    app = an_app(router, issuer=issuer)
    token = issuer.issue(Role.COUNTY_OFFICER, division=COUNTY, subject="u-1")
    return a_client(app, token)


async def _done(database: Database) -> int:
    async with database.reading(Scope.area(COUNTY)) as db:
        return int(await db.fetchval("SELECT count(*) FROM job"))


def _key(key: str) -> dict[str, str]:
    return {"idempotency-key": key}


@pytest.mark.parametrize("path", ["/paid/a", "/noted"])
async def test_a_repeated_request_is_answered_as_the_first_and_done_once(
    client: httpx.AsyncClient, database: Database, path: str
) -> None:
    first = await client.post(path, json={"note": "x"}, headers=_key("k-1"))
    again = await client.post(path, json={"note": "x"}, headers=_key("k-1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.json().keys() == {"id", "event_id"}
    assert "idempotent-replay" not in first.headers
    assert again.headers["idempotent-replay"] == "true"
    assert await _done(database) == 1


@pytest.mark.parametrize(
    ("path", "order"),
    [
        pytest.param("/paid/a", {"note": "y"}, id="another body"),
        pytest.param("/paid/b", {"note": "x"}, id="another path"),
        pytest.param("/paid/a?x=1", {"note": "x"}, id="another query"),
        pytest.param("/noted", {"note": "x"}, id="another operation"),
    ],
)
async def test_another_request_under_the_key_is_refused(
    client: httpx.AsyncClient, database: Database, path: str, order: dict[str, str]
) -> None:
    await client.post("/paid/a", json={"note": "x"}, headers=_key("k-1"))
    answer = await client.post(path, json=order, headers=_key("k-1"))
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert await _done(database) == 1


async def test_the_same_key_of_two_callers_is_two_keys(
    client: httpx.AsyncClient, database: Database, issuer: Issuer
) -> None:
    other = issuer.issue(Role.COUNTY_OFFICER, division=COUNTY, subject="u-2")
    headers = _key("k-1") | {"authorization": f"Bearer {other}"}
    first = await client.post("/noted", json={}, headers=_key("k-1"))
    second = await client.post("/noted", json={}, headers=headers)
    assert first.json()["id"] != second.json()["id"]
    assert await _done(database) == 2


async def test_a_key_is_required_where_money_or_a_selection_depends_on_it(
    client: httpx.AsyncClient, database: Database
) -> None:
    answer = await client.post("/paid/a", json={})
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_required")
    assert await _done(database) == 0


async def test_without_a_key_each_request_is_an_act(
    client: httpx.AsyncClient, database: Database
) -> None:
    await client.post("/noted", json={})
    await client.post("/noted", json={})
    assert await _done(database) == 2


@pytest.mark.parametrize("key", ["", "x" * 129, "two words"])
async def test_a_key_that_is_none_is_malformed(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/noted", json={}, headers=_key(key))
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_a_request_that_failed_may_be_repeated_under_its_key(
    client: httpx.AsyncClient, database: Database, acts: Acts
) -> None:
    acts.outcomes = [RuntimeError(), TimeoutError()]
    for status, done in ((500, 0), (503, 0), (201, 1)):
        answer = await client.post("/paid/a", json={}, headers=_key("k"))
        assert (answer.status_code, await _done(database)) == (status, done)


async def test_a_refusal_keeps_what_explains_it_and_leaves_the_key_free(
    client: httpx.AsyncClient, database: Database, acts: Acts
) -> None:
    acts.outcomes = [Problem("refused", clauses=["PW-ELIG-1"])] * 2
    for kept in (1, 2):
        answer = await client.post("/paid/a", json={"note": str(kept)}, headers=_key("k"))
        assert (answer.status_code, answer.json()["clauses"]) == (409, ["PW-ELIG-1"])
        assert await _done(database) == kept
    done = await client.post("/paid/a", json={"note": "3"}, headers=_key("k"))
    again = await client.post("/paid/a", json={"note": "3"}, headers=_key("k"))
    assert done.json() == again.json()
    assert await _done(database) == 3


@pytest.mark.parametrize("fails", [False, True], ids=["the first succeeds", "the first fails"])
async def test_two_at_once_under_one_key_are_one_act(
    client: httpx.AsyncClient, database: Database, acts: Acts, fails: bool
) -> None:
    acts.go.clear()
    acts.outcomes = [RuntimeError()] if fails else []
    both = [
        asyncio.create_task(client.post("/paid/a", json={}, headers=_key("k"))) for _ in range(2)
    ]
    await _until_one_waits_for_the_other(database)
    assert acts.begun == 1
    acts.go.set()
    answers = await asyncio.gather(*both)
    assert sorted(answer.status_code for answer in answers) == ([201, 500] if fails else [201, 201])
    assert len({answer.json()["id"] for answer in answers if answer.is_success}) == 1
    assert await _done(database) == 1


async def _until_one_waits_for_the_other(database: Database) -> None:
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'"
    async with asyncio.timeout(5), database.reading(Scope.worker()) as db:
        while not await db.fetchval(waiting):  # noqa: ASYNC110 (another session's lock tells nobody)
            await asyncio.sleep(0.01)
