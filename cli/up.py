"""`weiyuan up`: the whole system in one process, until Ctrl-C."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from os import getpid
from pathlib import Path

import structlog
import typer
import uvloop

from cli import first_start, system
from cli.embedded import serve
from cli.home import Running, alone
from cli.logs import open_log
from cli.say import answer, fail, say
from cli.serving import Stop, bound
from libs.common.db.embedded import VERSION, EmbeddedPostgres
from libs.common.runtime import opened, opened_bus

_LOOK_EVERY = 1.0
_log = structlog.get_logger()


@dataclass(frozen=True)
class Order:
    """What the command line asked for."""

    home: Path
    port: int
    sample: bool
    county: bool
    json: bool


def up(order: Order) -> None:
    with alone(order.home), open_log(order.home) as log:
        listening = bound("127.0.0.1", order.port, remedy="--port / WEIYUAN_PORT")
        try:
            uvloop.run(_run(order, listening))
        except Exception as error:  # the last resort: what it was belongs into the log, whole
            _raise_exit(error)
            _log.error("stopped by an error", exc_info=error)
            fail(f"出错停止，详见 {log}", f"Stopped by an error; details in {log}", status=1)
    say("已停止，数据保留。", "Stopped; the data stays.")


def _raise_exit(error: Exception) -> None:
    """An end that has told its reason already."""
    if isinstance(error, typer.Exit):
        raise error from None
    if isinstance(error, ExceptionGroup):
        for each in error.exceptions:
            _raise_exit(each)


async def _run(order: Order, listening: socket.socket) -> None:
    stop = Stop()
    async with _postgres(order.home) as postgres:
        if made := ", ".join(await system.migrate(postgres)):
            say(f"  数据库已建立或升级：{made}", f"  databases made or brought forward: {made}")
        settings = system.settings_of(order.home, postgres, listening.getsockname()[1])
        if stop.asked.is_set():
            return

        async def beside() -> None:
            await _beside(order, postgres, settings.port)

        async with opened(settings, system.SERVICES) as process, opened_bus(settings) as bus:
            await serve(process, bus, listening, stop, beside=beside)


@asynccontextmanager
async def _postgres(home: Path) -> AsyncIterator[EmbeddedPostgres]:
    """The home's server; ours to stop even where a system that was killed has left it running."""
    server = await asyncio.to_thread(system.started, home)
    say(f"  PostgreSQL {VERSION} 已就绪", f"  PostgreSQL {VERSION} is ready")
    try:
        yield server
    finally:
        say("正在停止……", "Stopping …")
        await asyncio.to_thread(server.stop)


async def _beside(order: Order, postgres: EmbeddedPostgres, port: int) -> None:
    """What happens while the API is there: it is announced, shown around, and kept alive."""
    url = f"http://127.0.0.1:{port}"
    running = Running(pid=getpid(), port=port, url=f"{url}/", started_at=datetime.now(UTC))
    running.announce(order.home)
    watching = asyncio.create_task(_keep_alive(postgres))
    try:
        await first_start.run(order.home, url, wanted=order.sample, county=order.county)
        if order.json:
            answer(running.model_dump())
        await watching
    finally:
        watching.cancel()


async def _keep_alive(postgres: EmbeddedPostgres) -> None:
    """A PostgreSQL that was killed is started again; what it had committed is there."""
    while True:
        await asyncio.sleep(_LOOK_EVERY)
        if not postgres.alive():
            _log.warning("postgres was gone, it is started again")
            await asyncio.to_thread(EmbeddedPostgres.start, postgres.home)
