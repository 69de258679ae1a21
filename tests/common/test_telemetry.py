"""Logs carry no personal data, whoever wrote the line; metrics know routes, never paths."""

import asyncio
import io
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
import structlog
from fastapi import APIRouter, FastAPI
from starlette.types import ASGIApp

from libs.common import context
from libs.common.telemetry.logs import configure_logs
from libs.common.telemetry.metrics import REGISTRY, metrics
from libs.common.telemetry.probes import MeasureRequests, watch_loop

RESIDENT_ID = "622427196508153222"
PHONE = "13893250147"
KEPT = ("0199a9e0-1234-7000-8000-000000000241", "621123104203", "2019-03-01T08:00:00.123456Z")

Logs = Callable[[], str]


@pytest.fixture
def captured(request: pytest.FixtureRequest) -> Iterator[Logs]:
    """What a process writes to its log, from our loggers and the libraries'."""
    root, uvicorn = logging.getLogger(), logging.getLogger("uvicorn.error")
    before = root.handlers[:], root.level, uvicorn.handlers[:]
    usual = structlog.get_config()
    uvicorn.addHandler(logging.StreamHandler(io.StringIO()))
    stream = io.StringIO()
    configure_logs(readable=getattr(request, "param", False), stream=stream)
    yield stream.getvalue
    structlog.configure(**usual)
    root.handlers[:], root.level, uvicorn.handlers[:] = before


def line_of(logs: Logs) -> dict[str, Any]:
    line: dict[str, Any] = orjson.loads(logs())
    return line


class Told:
    def __str__(self) -> str:
        return f"person {RESIDENT_ID}"


@pytest.mark.parametrize("captured", [False, True], ids=["json", "console"], indirect=True)
@pytest.mark.parametrize(
    ("message", "given"),
    [
        pytest.param(f"asked for {RESIDENT_ID}", {}, id="in the message"),
        pytest.param("row", {"value": f"电话{PHONE}"}, id="in a value"),
        pytest.param("row", {"row": {"people": [{"phone": PHONE}]}}, id="deep in a value"),
        pytest.param("row", {"row": {RESIDENT_ID: 1}}, id="in a key"),
        pytest.param("row", {"of": ({RESIDENT_ID.lower()}, [PHONE])}, id="in a set"),
        pytest.param("row", {"phone": int(PHONE)}, id="as a number"),
        pytest.param("row", {"id": int(RESIDENT_ID)}, id="as a long number"),
        pytest.param("row", {"told": Told()}, id="in an object"),
        pytest.param("row", {"raw": PHONE.encode()}, id="in bytes"),
    ],
)
def test_no_id_and_no_phone_is_logged(captured: Logs, message: str, given: dict[str, Any]) -> None:
    structlog.get_logger().info(message, **given, kept=list(KEPT), ids={"id": UUID(KEPT[0])})
    line = captured()
    assert RESIDENT_ID not in line
    assert PHONE not in line
    assert "***" in line
    assert all(each in line for each in KEPT)


@pytest.mark.parametrize("captured", [False, True], ids=["json", "console"], indirect=True)
def test_exceptions_are_masked_too(captured: Logs) -> None:
    try:
        try:
            raise ValueError(f"Key (identity)=({RESIDENT_ID}) exists")
        except ValueError as cause:
            raise RuntimeError(f"call {PHONE}") from cause
    except RuntimeError:
        structlog.get_logger().exception("failed")
        logging.getLogger("uvicorn.error").exception("failed %s", PHONE)
    lines = captured()
    assert RESIDENT_ID not in lines
    assert PHONE not in lines
    assert lines.count("Key (identity)=(***) exists") == 2
    assert lines.count("call ***") == 2


@pytest.mark.parametrize("name", ["uvicorn.error", "uvicorn.access", "asyncpg", "asyncio"])
def test_the_libraries_lines_go_the_same_way(captured: Logs, name: str) -> None:
    logging.getLogger(name).warning("GET /persons?phone=%s", PHONE)
    line = line_of(captured)
    assert line["event"] == "GET /persons?phone=***"
    assert (line["logger"], line["level"]) == (name, "warning")
    assert line["timestamp"].endswith("Z")


def test_a_line_says_which_request_and_role_it_belongs_to(captured: Logs) -> None:
    begun = context.begin("req-0001", None)
    with structlog.contextvars.bound_contextvars(role="county_officer"):
        structlog.get_logger().info("appointed")
    context.end(begun)
    line = line_of(captured)
    assert (line["request_id"], line["role"]) == ("req-0001", "county_officer")


def test_what_is_below_the_level_is_not_written(captured: Logs) -> None:
    structlog.get_logger().debug("quiet")
    logging.getLogger("httpx").info("HTTP Request: GET")
    assert captured() == ""


def an_app() -> FastAPI:
    posts = APIRouter(prefix="/posts")

    @posts.get("/{post_id}")
    async def one(post_id: str) -> str:
        if post_id == "broken":
            raise ValueError(post_id)
        return post_id

    service = APIRouter(prefix="/employment/v1")
    service.include_router(posts)
    app = FastAPI(openapi_url=None)
    app.include_router(service)
    app.add_route("/metrics", metrics)
    app.add_middleware(MeasureRequests)
    return app


def calls(method: str, route: str, status: str) -> float:
    labels = {"method": method, "route": route, "status": status}
    return REGISTRY.get_sample_value("weiyuan_http_request_seconds_count", labels) or 0.0


@pytest.mark.parametrize(
    ("method", "path", "labels"),
    [
        ("GET", "/employment/v1/posts/7", ("GET", "/employment/v1/posts/{post_id}", "200")),
        ("POST", "/employment/v1/posts/7", ("POST", "/employment/v1/posts/{post_id}", "405")),
        ("GET", "/employment/v1/posts/broken", ("GET", "/employment/v1/posts/{post_id}", "500")),
        ("GET", "/employment/v1/nothing/here", ("GET", "unmatched", "404")),
        ("BREW", "/employment/v1/nothing", ("OTHER", "unmatched", "404")),
    ],
)
async def test_requests_are_counted_by_route_and_never_by_path(
    method: str, path: str, labels: tuple[str, str, str]
) -> None:
    before = calls(*labels)
    transport = httpx.ASGITransport(an_app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        await client.request(method, path)
        shown = await client.get("/metrics")
    assert calls(*labels) - before == 1
    assert path not in shown.text
    assert "weiyuan_outbox_oldest_age_seconds" in shown.text


async def test_only_requests_are_measured() -> None:
    seen: list[str] = []

    async def app(scope: Any, _: Any, __: Any) -> None:
        seen.append(scope["type"])

    measured: ASGIApp = MeasureRequests(app)
    await measured({"type": "lifespan"}, None, None)  # type: ignore[arg-type]
    assert seen == ["lifespan"]


async def test_a_loop_that_is_held_up_shows_its_lag() -> None:
    def late() -> float:
        return REGISTRY.get_sample_value("weiyuan_event_loop_lag_seconds_sum") or 0.0

    before = late()
    watching = asyncio.create_task(watch_loop(every=0.01))
    await asyncio.sleep(0)
    held = asyncio.get_running_loop().time() + 0.1
    while asyncio.get_running_loop().time() < held:
        pass
    await asyncio.sleep(0.02)
    watching.cancel()
    await asyncio.wait([watching])
    assert late() - before > 0.05
