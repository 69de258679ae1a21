"""What is raised is answered as a problem, in the reader's language, with no value in it."""

import logging
from collections.abc import Iterator

import asyncpg
import pytest
import structlog
from fastapi import APIRouter, FastAPI

from libs.common.http.issuer import Issuer
from libs.common.http.roles import Role
from tests.common.http.edge import COUNTY, a_client, an_app

RESIDENT = "622421199001011234"


@pytest.fixture
def token(issuer: Issuer) -> str:
    return issuer.issue(Role.COUNTY_OFFICER, division=COUNTY)


@pytest.fixture
def logged() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


async def test_a_malformed_body_names_each_place_in_both_languages(
    app: FastAPI, token: str
) -> None:
    order = {"items": [{"kind": "long", "number": "x"}, {}, {}], "household": "no"}
    async with a_client(app, token) as client:
        zh = await client.post("/sample/v1/posts/1", json=order)
        en = await client.post("/sample/v1/posts/1", json=order, headers={"accept-language": "en"})
    assert (zh.status_code, zh.headers["content-type"]) == (422, "application/problem+json")
    assert (zh.headers["content-language"], en.headers["content-language"]) == ("zh", "en")
    assert [(error["pointer"], error["code"]) for error in en.json()["errors"]] == [
        ("/items", "too_long"),
        ("/household", "uuid_parsing"),
    ]
    assert zh.json()["errors"][0]["message"] == "最多 2 项"
    assert en.json()["errors"][0]["message"] == "should have at most 2 items"


@pytest.mark.parametrize(
    "order",
    [
        pytest.param({"items": [{"kind": RESIDENT}]}, id="too long a text"),
        pytest.param({"items": [{"kind": "a", "number": RESIDENT + "x"}]}, id="not a number"),
        pytest.param({"items": [], "household": RESIDENT}, id="not a UUID"),
        pytest.param({"items": [], RESIDENT: 1}, id="an identifier as a name"),
        pytest.param({"items": RESIDENT}, id="not a list"),
        pytest.param(RESIDENT, id="not an object"),
    ],
)
async def test_a_malformed_value_is_never_repeated(
    app: FastAPI, token: str, order: object, logged: list[structlog.typing.EventDict]
) -> None:
    async with a_client(app, token) as client:
        answer = await client.post("/sample/v1/posts/1", json=order)
    assert answer.status_code == 422
    for digits in (RESIDENT, "622421", "19900101", "011234"):
        assert digits not in answer.text + str(logged)


async def test_a_malformed_parameter_and_bad_json_are_named(app: FastAPI, token: str) -> None:
    async with a_client(app, token) as client:
        path = await client.post("/sample/v1/posts/x", json={"items": []})
        is_json = {"content-type": "application/json"}
        body = await client.post("/sample/v1/posts/1", content=b'{"items": [', headers=is_json)
    assert path.json()["errors"][0] | {"message": ""} == {
        "in": "path",
        "name": "post_id",
        "code": "int_parsing",
        "message": "",
    }
    assert body.json()["errors"][0]["code"] == "json_invalid"
    assert body.json()["errors"][0]["pointer"] == ""


async def test_what_is_not_routed_is_a_problem_too(app: FastAPI) -> None:
    async with a_client(app) as client:
        nowhere = await client.get("/sample/v1/nowhere")
        method = await client.delete("/sample/v1/open")
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "not_found")
    assert (method.status_code, method.json()["code"]) == (405, "method_not_allowed")
    assert method.json()["allowed"] == ["GET"]


async def test_an_unforeseen_error_shows_nothing_of_itself(
    app: FastAPI, logged: list[structlog.typing.EventDict], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with a_client(app) as client:
            answer = await client.get("/sample/v1/broken")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert RESIDENT not in answer.text + caplog.text
    assert [line["event"] for line in logged] == ["request failed", "request"]


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(ConnectionRefusedError(), id="nobody listens"),
        pytest.param(FileNotFoundError("/run/.s.PGSQL.5432"), id="no socket"),
        pytest.param(TimeoutError(), id="no connection free"),
        pytest.param(asyncpg.ConnectionDoesNotExistError(), id="connection lost"),
        pytest.param(asyncpg.InterfaceError("connection is closed"), id="connection closed"),
        pytest.param(asyncpg.AdminShutdownError(), id="shutting down"),
        pytest.param(asyncpg.TooManyConnectionsError(), id="too many connections"),
        pytest.param(asyncpg.DeadlockDetectedError(), id="deadlock"),
    ],
)
async def test_a_database_that_does_not_answer_is_503(issuer: Issuer, error: Exception) -> None:
    router = APIRouter()

    @router.get("/failing")
    async def failing() -> None:
        raise error

    async with a_client(an_app(router, issuer=issuer)) as client:
        answer = await client.get("/failing")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        pytest.param(None, 428, "precondition_required", id="none"),
        pytest.param("3", 422, "malformed", id="not in quotes"),
        pytest.param('W/"3"', 422, "malformed", id="weak"),
        pytest.param("*", 422, "malformed", id="any"),
        pytest.param('"3"', 200, None, id="a version"),
    ],
)
async def test_a_change_needs_the_version_seen(
    app: FastAPI, token: str, given: str | None, status: int, code: str | None
) -> None:
    headers = {"if-match": given} if given else {}
    async with a_client(app, token) as client:
        answer = await client.put("/sample/v1/posts/1", headers=headers)
    assert (answer.status_code, answer.json().get("code")) == (status, code)
