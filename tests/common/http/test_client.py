"""The client of another service: whose token, how often, how long, and what of the answer."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from datetime import date

import httpx
import pytest
import stamina
from fastapi import APIRouter, FastAPI
from pydantic import BaseModel

from libs.common import context
from libs.common.http.client import Client
from libs.common.http.issuer import Issuer
from libs.common.http.problems import Problem
from libs.common.http.roles import Role
from tests.common.http.edge import COUNTY, a_client, an_app, router

Answerer = Callable[[httpx.Request], httpx.Response]


class Facts(BaseModel):
    working: int


class Registry:
    """The other side: answers in turn, the last one for ever, and keeps what it was asked."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.asked = list(answers), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def client(self, deadline: float = 5.0) -> Client:
        transport = httpx.MockTransport(self)
        return Client.to("registry", "http://registry", transport=transport, deadline=deadline)


def fine() -> httpx.Response:
    return httpx.Response(200, json={"working": 1, "more": True})


def a_problem(status: int, code: str, **headers: str) -> httpx.Response:
    headers["content-type"] = "application/problem+json"
    return httpx.Response(status, json={"code": code, "detail": "…"}, headers=headers)


async def test_the_users_token_and_what_the_request_carries_are_sent_on() -> None:
    registry = Registry(fine())
    begun = context.begin("request-1", "00-trace", "en")
    client = registry.client().on_behalf_of("t0ken")
    assert await client.get("/facts", Facts, query={"on": date(2019, 3, 1), "x": None}) == Facts(
        working=1
    )
    context.end(begun)
    asked = registry.asked[0]
    assert asked.url == "http://registry/facts?on=2019-03-01"
    assert asked.headers["authorization"] == "Bearer t0ken"
    assert asked.headers["x-request-id"] == "request-1"
    assert asked.headers["traceparent"] == "00-trace"
    assert asked.headers["accept-language"] == "en"


async def test_a_query_in_the_path_stays() -> None:
    registry = Registry(fine())
    await registry.client().get("/facts?on=2019-03-01", Facts)
    assert registry.asked[0].url == "http://registry/facts?on=2019-03-01"


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param(httpx.Response(503), id="503"),
        pytest.param(httpx.Response(502), id="502"),
        pytest.param(httpx.Response(504), id="504"),
        pytest.param(httpx.ConnectError("refused"), id="refused"),
        pytest.param(httpx.ReadError("reset"), id="reset"),
    ],
)
async def test_a_read_is_tried_again(failure: httpx.Response | Exception) -> None:
    registry = Registry(failure, fine())
    with stamina.set_testing(True, attempts=3, cap=True):
        assert (await registry.client().get("/facts", Facts)).working == 1
    assert len(registry.asked) == 2


async def test_a_side_that_stays_down_is_unavailable_with_its_own_waiting_time() -> None:
    registry = Registry(httpx.Response(503, headers={"retry-after": "7"}))
    with stamina.set_testing(True, attempts=3, cap=True), pytest.raises(Problem) as raised:
        await registry.client().get("/facts", Facts)
    assert len(registry.asked) == 3
    assert (raised.value.code, raised.value.retry_after) == ("unavailable", 7)
    assert raised.value.body("en")["service"] == "registry"


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "token_expired"), (403, "forbidden_role"), (404, "not_found"), (409, "not_yet")],
)
async def test_a_problem_of_the_other_side_stays_what_it_is(status: int, code: str) -> None:
    registry = Registry(a_problem(status, code))
    with pytest.raises(Problem) as raised:
        await registry.client().get("/facts", Facts)
    assert (raised.value.status, raised.value.code) == (status, code)
    assert raised.value.body("zh") == {"code": code, "detail": "…"}
    assert len(registry.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(httpx.Response(404, text="no such page"), id="a 404 of somebody else"),
        pytest.param(httpx.Response(500), id="broken"),
        pytest.param(httpx.Response(302, headers={"location": "/login"}), id="sent elsewhere"),
        pytest.param(httpx.Response(200, json={"working": "many"}), id="not as agreed"),
        pytest.param(httpx.Response(200, text="<html>"), id="not JSON"),
        pytest.param(
            httpx.Response(400, text="[", headers={"content-type": "application/problem+json"}),
            id="a broken problem",
        ),
    ],
)
async def test_an_answer_that_is_not_understood_is_unavailable(answer: httpx.Response) -> None:
    with pytest.raises(Problem, match="unavailable"):
        await Registry(answer).client().get("/facts", Facts)


async def test_the_deadline_covers_the_whole_call() -> None:
    async def hang(_: httpx.Request) -> httpx.Response:
        await asyncio.Event().wait()
        return fine()

    client = Client.to(
        "registry", "http://registry", transport=httpx.MockTransport(hang), deadline=0.05
    )
    with pytest.raises(Problem, match="unavailable"):
        await client.get("/facts", Facts)


@pytest.fixture
async def nobody() -> AsyncIterator[Client]:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound and not listening: a connection is refused
        client = Client.to("registry", f"http://127.0.0.1:{held.getsockname()[1]}", deadline=2)
        yield client
        await client.close()


async def test_a_real_port_where_nobody_listens_is_unavailable(nobody: Client) -> None:
    with pytest.raises(Problem, match="unavailable"):
        await nobody.get("/facts", Facts)


class Who(BaseModel):
    subject: str
    role: Role


def _calling(app: FastAPI) -> APIRouter:
    calling = APIRouter()
    client = Client.to("sample", "http://weiyuan", transport=httpx.ASGITransport(app))

    @calling.get("/calling")
    async def call(token: str) -> Who:
        return await client.on_behalf_of(token).get("/sample/v1/open", Who)

    return calling


async def test_services_of_one_process_call_each_other_through_the_application(
    issuer: Issuer,
) -> None:
    other = an_app(router, issuer=issuer)
    app = an_app(_calling(other), issuer=issuer)
    token = issuer.issue(Role.COUNTY_OFFICER, division=COUNTY, subject="u-1")
    async with a_client(app, **{"accept-language": "en"}) as client:
        answer = await client.get("/calling", params={"token": token})
        refused = await client.get("/calling", params={"token": "a.b.c"})
    assert answer.json() == {"subject": "u-1", "role": "county_officer"}
    assert refused.json()["title"] == "The access token is not valid"
    assert refused.headers["www-authenticate"].endswith('error="invalid_token"')
    assert refused.json()["request_id"] == refused.headers["x-request-id"]
