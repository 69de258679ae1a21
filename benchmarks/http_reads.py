"""Reading a household and a page of 50 through the whole stack, against bare Starlette + json_agg.

The floor verifies nobody, has no row-level security, hides nothing, keeps no record. One uvicorn
process each, over loopback, at the prefecture's size.
"""

import logging
import multiprocessing
import os
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, sleep
from uuid import UUID

import asyncpg
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.load import Load, get
from benchmarks.measure import Arm, Row, measured
from benchmarks.prefecture import a_prefecture
from libs.common.app import create_app
from libs.common.http.issuer import Issuer
from libs.common.http.limits import Limits
from libs.common.http.roles import Role
from libs.common.runtime import opened
from libs.common.settings import Settings
from libs.common.telemetry.logs import configure_logs
from services.registry.main import service

AREA = "621123"
SECONDS = 1.0
SAMPLE = 2000

CLAIMS = (
    Row("household", "household, bare", bar=0.5),
    Row("page of 50", "page of 50, bare", bar=0.5),
    Row("household with telemetry", "household, bare"),
    Row("page of 50 with telemetry", "page of 50, bare"),
)

_SHOWN = """id, division, number, registered, registered_on, status, subsistence, members, workers,
    able, as_of, version"""
_HOUSEHOLD = f"""SELECT row_to_json(h) FROM (SELECT {_SHOWN},
    (SELECT coalesce(json_agg(p), '[]') FROM (SELECT id, number, name, sex, birth_on, relation,
        able, working, subsistence, cadre, cadre_family, identity_note, as_of, version
        FROM person WHERE household_id = household.id ORDER BY id) p) AS persons
    FROM household WHERE id = $1) h"""
_PAGE = f"""SELECT coalesce(json_agg(h), '[]') FROM (SELECT {_SHOWN},
    (SELECT name FROM person WHERE household_id = household.id AND relation = 'head') AS head
    FROM household WHERE division >= '{AREA}' AND division < '{AREA}:'
    ORDER BY division, id LIMIT 50) h"""


def bare(url: str, port: int) -> None:
    """What anybody would write first, as the database's administrator."""

    @asynccontextmanager
    async def pool(app: Starlette) -> AsyncIterator[None]:
        app.state.pool = await asyncpg.create_pool(url, min_size=6, max_size=6)
        yield
        await app.state.pool.close()

    async def household(request: Request) -> Response:
        body = await request.app.state.pool.fetchval(_HOUSEHOLD, UUID(request.path_params["id"]))
        return Response(body, media_type="application/json")

    async def page(request: Request) -> Response:
        body = await request.app.state.pool.fetchval(_PAGE)
        return Response(body, media_type="application/json")

    routes = [Route("/households/{id}", household), Route("/households", page)]
    uvloop.run(_serve(Starlette(routes=routes, lifespan=pool), port))


def whole(settings: Settings, port: int) -> None:
    """The registry as it is served."""
    level = logging.INFO if settings.telemetry else logging.WARNING
    with Path(os.devnull).open("w") as nowhere:
        configure_logs(readable=False, level=level, stream=nowhere)
        uvloop.run(_serve_registry(settings, port))


async def _serve_registry(settings: Settings, port: int) -> None:
    unlimited = Limits(rate=1e9, burst=10**9)
    async with opened(settings, [service]) as process:
        await _serve(create_app(process, limits=unlimited), port)


async def _serve(app: object, port: int) -> None:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]  # an ASGI application
        port=port,
        http="httptools",
        access_log=False,
        log_config=None,
    )
    await uvicorn.Server(config).serve()


@contextmanager
def served(serve: Callable[[int], None]) -> Iterator[int]:
    """A server in a process of its own, ready for connections; its port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(port,))
    server.start()
    try:
        _wait_for(port)
        yield port
    finally:
        server.terminate()
        server.join()


def _wait_for(port: int) -> None:
    deadline = perf_counter() + 30
    while perf_counter() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        sleep(0.05)
    raise TimeoutError("a server did not start")


async def main(argv: Sequence[str] | None = None) -> int:
    with tempfile.TemporaryDirectory(prefix="weiyuan-bench-") as folder:
        home = Path(folder)
        postgres = await a_prefecture(home)
        try:
            settings = Settings(
                home=home,
                embedded=True,
                bus_url=postgres.admin_url(),
                registry_database_url=postgres.url_template("registry"),
            )
            with ExitStack() as stack:
                arms = await _arms(stack, settings, postgres.admin_url("registry"))
                return await measured(arms, CLAIMS, argv)
        finally:
            postgres.stop()


async def _arms(stack: ExitStack, settings: Settings, admin_url: str) -> dict[str, Arm]:
    token = Issuer.of(settings.home, settings.audience).issue(Role.COUNTY_OFFICER, division=AREA)
    quiet = settings.model_copy(update={"telemetry": False})
    ids = await _ids(admin_url)
    arms = {}
    for label, prefix, serve in (
        (", bare", "", partial(bare, admin_url)),
        ("", "/registry/v1", partial(whole, quiet)),
        (" with telemetry", "/registry/v1", partial(whole, settings)),
    ):
        port = stack.enter_context(served(serve))
        households = [get(f"{prefix}/households/{id_}", token) for id_ in ids]
        page = [get(f"{prefix}/households?limit=50", token)]
        arms[f"household{label}"] = Arm(Load(port, households, seconds=SECONDS).work)
        arms[f"page of 50{label}"] = Arm(Load(port, page, seconds=SECONDS).work)
    return arms


async def _ids(url: str) -> list[UUID]:
    connection = await asyncpg.connect(url)
    sample = "SELECT id FROM household WHERE starts_with(division, $1) ORDER BY random() LIMIT $2"
    rows = await connection.fetch(sample, AREA, SAMPLE)
    await connection.close()
    return [row["id"] for row in rows]


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
