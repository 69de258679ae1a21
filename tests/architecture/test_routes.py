"""A plain `def` dependency or endpoint runs in a thread and costs 200 µs: all are `async def`."""

from collections.abc import Iterator
from inspect import isasyncgenfunction, iscoroutinefunction, unwrap
from typing import Any

import pytest
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from tests.architecture.services import WITH_SERVICE, service


def _routes(router: APIRouter) -> Iterator[APIRoute]:
    """Included routers may be nested."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif isinstance(nested := getattr(route, "original_router", None), APIRouter):
            yield from _routes(nested)


def _calls(dependant: Dependant) -> Iterator[Any]:
    yield dependant.call
    for needed in dependant.dependencies:
        yield from _calls(needed)


def _waits(call: Any) -> bool:
    function = unwrap(call)
    return any(
        iscoroutinefunction(each) or isasyncgenfunction(each)
        for each in (function, getattr(function, "__call__", None))  # noqa: B004 - the method
    )


@pytest.mark.parametrize("name", WITH_SERVICE)
def test_nothing_a_request_needs_runs_in_a_thread(name: str) -> None:
    routes = [route for router in service(name).routers for route in _routes(router)]
    assert routes
    blocking = [
        f"{route.path}: {call}"
        for route in routes
        for call in _calls(route.dependant)
        if call is not None and not _waits(call)
    ]
    assert blocking == []
