"""`weiyuan serve`: one service's API, its worker or its migrations, as a process of its own."""

import asyncio
import socket
import sys
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import asyncpg
import structlog
import typer
import uvloop
from alembic.util import CommandError
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from cli.say import fail
from cli.serving import Stop, answering, bound
from libs.common.app import create_app, create_probes
from libs.common.db.migrate import heads, migrate
from libs.common.db.provision import BUS
from libs.common.db.urls import url_of
from libs.common.events.retry import unless
from libs.common.people.keys import KeyRingError
from libs.common.runtime import opened, opened_bus, opened_to_work
from libs.common.service import Service
from libs.common.settings import Settings, SettingsError
from libs.common.telemetry.logs import configure_logs
from libs.common.worker import work

_log = structlog.get_logger()
_NOT_MIGRATED = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, SQLAlchemyError)


@dataclass(frozen=True)
class Address:
    """Where a process listens; `drain` is for how many seconds more after it was told to stop."""

    host: str
    port: int
    drain: float = 0.0


def serve_api(name: str, address: Address) -> None:
    """Until SIGTERM; then unready, and gone once everything that came in is answered."""
    settings, service, listening = _begun(name, address)
    _run(_api(settings, service, listening, address.drain))


def serve_worker(name: str, address: Address) -> None:
    """Until SIGTERM; then gone once the batch at hand is done."""
    settings, service, listening = _begun(name, address)
    _run(_worker(settings, service, listening))


def serve_migrate(name: str) -> None:
    """Bring one database forward. What fails is tried again by whoever ordered it."""
    configure_logs(readable=False, stream=sys.stdout)
    settings = _settings()
    migrations = None if name == BUS else service_named(name).migrations
    with _settled():
        url = settings.database_url(name)
        url_of(url, "owner")
    try:
        asyncio.run(migrate(name, url, migrations))
    except CommandError as error:
        fail(
            f"数据库 {name} 与本版本不符（{error}）：请使用写入它的版本。",
            f"The database {name} does not fit this version ({error}): use the one that wrote it.",
            status=1,
        )
    except _NOT_MIGRATED as error:
        told = f"{type(error).__name__}: {error}".splitlines()[0]
        fail(f"数据库 {name} 未能升级：{told}", f"{name} was not migrated: {told}", status=1)
    _log.info("migrated", database=name, revisions=sorted(heads(name, migrations)))


def service_named(name: str) -> Service:
    """Only its own code is loaded: a process is one service."""
    service: Service = import_module(f"services.{name}.main").service
    return service


def _begun(name: str, address: Address) -> tuple[Settings, Service, socket.socket]:
    if name == BUS:
        fail("bus 只有 migrate。", "The bus has only `migrate`.")
    configure_logs(readable=False, stream=sys.stdout)
    settings = _settings()
    listening = bound(address.host, address.port, remedy="--port")
    return settings, service_named(name), listening


def _run(serving: Coroutine[Any, Any, None]) -> None:
    try:
        uvloop.run(serving)
    except typer.Exit:
        raise
    except Exception as error:  # the last resort: into the log like everything else
        _log.error("stopped by an error", exc_info=error)
        raise typer.Exit(1) from None


async def _api(
    settings: Settings, service: Service, listening: socket.socket, drain: float
) -> None:
    stop = Stop()
    async with AsyncExitStack() as stack:
        with _settled():
            if service.name != "registry" and not settings.registry_url:
                raise SettingsError("WEIYUAN_REGISTRY_URL: http://registry:8000")
            process = await stack.enter_async_context(opened(settings, [service]))
        app, proxies = create_app(process), settings.trusted_proxies
        async with answering(app, listening, stop, proxies=proxies):
            _tell("api", service, listening)
            await stop.asked.wait()
            process.draining = True
            _log.info("draining", service=service.name, seconds=drain)
            await stop.rest(drain)
    _log.info("ended", service=service.name)


async def _worker(settings: Settings, service: Service, listening: socket.socket) -> None:
    stop = Stop()
    async with AsyncExitStack() as stack:
        with _settled():
            process = await stack.enter_async_context(opened_to_work(settings, [service]))
            bus = await stack.enter_async_context(opened_bus(settings))
        probes = create_probes(process, draining=stop.asked.is_set)
        async with answering(probes, listening, stop):
            _tell("worker", service, listening)
            await unless(stop.at_once, work(process, bus, stop.asked))
    _log.info("ended", service=service.name)


def _tell(part: str, service: Service, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    _log.info("serving", service=service.name, part=part, host=host, port=port)


def _settings() -> Settings:
    """Of the environment; but nothing there makes a deployment an embedded system."""
    try:
        return Settings(embedded=False)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        where = f"WEIYUAN_{str(first['loc'][0]).upper()}: " if first["loc"] else ""
        return _refuse(where + first["msg"].removeprefix("Value error, "))


@contextmanager
def _settled() -> Iterator[None]:
    """What is set is looked at before anything is begun."""
    try:
        yield
    except OSError as error:
        _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (ValueError, KeyRingError) as error:
        _refuse(str(error))


def _refuse(what: str) -> Settings:
    fail(f"设置有误：{what}", f"Wrong settings: {what}")
