"""The short way of a read answers what FastAPI's own way answers, also when something is wrong."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, Header, Path, Query, Request, Response
from fastapi.routing import APIRoute

from libs.common.http import errors
from libs.common.http.problems import Problem
from libs.common.http.reads import Read
from services.registry.routes import router as registry

ID = "019471d2-0000-7000-8000-000000000000"


async def _caller(request: Request) -> str:
    if "authorization" not in request.headers:
        raise Problem("unauthenticated")
    return request.headers["authorization"]


async def _page(limit: Annotated[int, Query(ge=1, le=200)] = 50) -> int:
    return limit


class _Role:
    async def __call__(self, caller: Annotated[str, Depends(_caller)]) -> str:
        return caller.upper()


async def _thing(
    id: UUID,
    caller: Annotated[str, Depends(_Role())],
    page: Annotated[int, Depends(_page)],
    class_: Annotated[str | None, Query(alias="class", pattern="^[a-z]+$")] = None,
    on: date | None = None,
) -> Response:
    return Response(f"{id!r} {caller} {page} {class_} {on!r}")


async def _required(id: Annotated[str, Path(max_length=3)], on: date) -> Response:
    return Response(f"{id} {on}")


async def _headed(accept: Annotated[str, Header()]) -> Response:
    return Response(accept)


async def _several(id: Annotated[list[int], Query()]) -> Response:
    return Response(repr(id))


async def _asked_twice(
    mine: Annotated[str, Depends(_caller)], yours: Annotated[str, Depends(_caller)]
) -> Response:
    return Response(mine + yours)


async def _modelled(id: int) -> dict[str, int]:
    return {"id": id}


def _router(route_class: type[APIRoute]) -> APIRouter:
    router = APIRouter(route_class=route_class)
    router.get("/things/{id}", response_model=None)(_thing)
    router.get("/required/{id}", response_model=None)(_required)
    router.get("/headed", response_model=None)(_headed)
    router.get("/several", response_model=None)(_several)
    router.get("/twice", response_model=None)(_asked_twice)
    router.get("/modelled/{id}")(_modelled)
    return router


def _planned(router: APIRouter) -> set[str]:
    return {route.path for route in router.routes if isinstance(route, Read) and route.plan}


def test_the_short_way_is_taken_where_it_is_understood() -> None:
    assert _planned(_router(Read)) == {"/things/{id}", "/required/{id}"}


def test_what_the_registry_is_asked_all_day_takes_the_short_way() -> None:
    """Where a later FastAPI says more of a route than is understood, this is what fails."""
    places = {"divisions", "divisions/{code}", "villages", "villages/{code}"}
    people = {"households", "households/{household}", "households/{household}/facts"}
    assert _planned(registry) == {f"/registry/v1/{path}" for path in places | people}


def _client(route_class: type[APIRoute]) -> httpx.AsyncClient:
    router = _router(route_class)
    app = FastAPI(openapi_url=None)
    app.include_router(router)
    errors.install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://reads.test")


@pytest.mark.parametrize(
    ("path", "authorization", "status"),
    [
        pytest.param(f"/things/{ID}", "me", 200, id="defaults"),
        pytest.param(f"/things/{ID}?limit=7&class=deep&on=2019-01-01", "me", 200, id="all given"),
        pytest.param(f"/things/{ID}?limit=7&limit=8", "me", 200, id="given twice"),
        pytest.param(f"/things/{ID}", None, 401, id="nobody"),
        pytest.param("/things/x?limit=0", None, 401, id="nobody is not told what was wrong"),
        pytest.param("/things/x", "me", 422, id="path"),
        pytest.param(f"/things/{ID}?limit=x", "me", 422, id="query of a dependency"),
        pytest.param(f"/things/{ID}?class=", "me", 422, id="empty"),
        pytest.param("/things/x?limit=0&class=7&on=never", "me", 422, id="everything wrong"),
        pytest.param("/required/abc?on=2019-01-01", None, 200, id="needed and given"),
        pytest.param("/required/abc", None, 422, id="needed and missing"),
        pytest.param("/required/abcd", None, 422, id="missing and too long"),
        pytest.param("/headed", None, 200, id="a header, FastAPI's own way"),
        pytest.param("/several?id=1&id=2", None, 200, id="a list, FastAPI's own way"),
        pytest.param("/twice", "me", 200, id="a dependency of two, FastAPI's own way"),
        pytest.param("/modelled/7", None, 200, id="a model, FastAPI's own way"),
        pytest.param("/modelled/x", None, 422, id="no model"),
    ],
)
async def test_both_ways_answer_alike(path: str, authorization: str | None, status: int) -> None:
    headers = {"authorization": authorization} if authorization else {}
    answers: list[Any] = []
    for route_class in (Read, APIRoute):
        async with _client(route_class) as client:
            answer = await client.get(path, headers=headers)
            answers.append((answer.status_code, dict(answer.headers), answer.text))
    assert answers[0] == answers[1]
    assert answers[0][0] == status
