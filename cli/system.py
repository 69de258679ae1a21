"""The embedded system from the outside: its services, its databases, its settings."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from alembic.util import CommandError

from cli.home import Running
from cli.say import fail
from libs.common import clock
from libs.common.db.database import Database
from libs.common.db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from libs.common.db.migrate import REVISIONS, heads, upgrade
from libs.common.db.provision import BUS, provision
from libs.common.db.urls import url_of
from libs.common.events.bus import Bus
from libs.common.runtime import opened_bus
from libs.common.service import Service
from libs.common.settings import Settings
from services.employment.main import service as employment
from services.matching.main import service as matching
from services.registry.main import service as registry
from services.solar.main import service as solar

SERVICES: tuple[Service, ...] = (registry, employment, solar, matching)


def settings_of(home: Path, server: EmbeddedPostgres, port: int) -> Settings:
    urls = {f"{each.name}_database_url": server.url_template(each.name) for each in SERVICES}
    return Settings.model_validate(
        {
            "home": home,
            "port": port,
            "embedded": True,
            "bus_url": server.url_template(BUS),
            "registry_url": f"http://127.0.0.1:{port}",
            **urls,
        }
    )


def started(home: Path) -> EmbeddedPostgres:
    try:
        return EmbeddedPostgres.start(home)
    except (EmbeddedPostgresError, OSError) as error:
        fail(f"PostgreSQL 无法启动：{error}", f"PostgreSQL cannot start: {error}", status=1)


async def migrate(server: EmbeddedPostgres) -> list[str]:
    """Make or bring forward the databases, and name them; those at their heads are left alone."""
    changed = []
    for name, migrations in [*((each.name, each.migrations) for each in SERVICES), (BUS, None)]:
        if await revisions(server, name) == heads(name, migrations):
            continue
        await provision(name, server.admin_url)
        try:
            await upgrade(name, server.url_template(name), migrations)
        except CommandError as error:
            fail(
                f"数据库 {name} 与本版本不符（{error}）：请使用写入它的版本。",
                f"The database {name} does not fit this version ({error}): use the one that wrote "
                "it.",
                status=1,
            )
        changed.append(name)
    return changed


async def revisions(server: EmbeddedPostgres, name: str) -> frozenset[str]:
    """What a database is at; nothing where it has not been made yet."""
    try:
        connection = await asyncpg.connect(url_of(server.url_template(name), "worker"))
    except (asyncpg.InvalidCatalogNameError, asyncpg.InvalidAuthorizationSpecificationError):
        return frozenset()
    try:
        return frozenset(row[0] for row in await connection.fetch(REVISIONS))
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError):
        return frozenset()
    finally:
        await connection.close()


@dataclass(frozen=True)
class Reached:
    """Databases and bus, as the services' workers see them."""

    settings: Settings
    databases: dict[str, Database]
    bus: Bus


@dataclass(frozen=True)
class Attached(Reached):
    """Those of a home, while its system runs or its server at least."""

    server: EmbeddedPostgres


@asynccontextmanager
async def reached(home: Path) -> AsyncIterator[Reached]:
    """What the environment names, as in the pod of a service; else what runs in the home."""
    settings = Settings(embedded=False)
    if not settings.bus_url:
        async with attached(home) as system:
            yield system
        return
    async with AsyncExitStack() as stack:
        named = [each.name for each in SERVICES if settings.names_database(each.name)]
        databases = await _opened(stack, settings, named)
        bus = await stack.enter_async_context(opened_bus(settings))
        yield Reached(settings, databases, bus)


@asynccontextmanager
async def attached(home: Path) -> AsyncIterator[Attached]:
    server = EmbeddedPostgres.attach(home)
    if server is None:
        fail(
            f"{home} 中没有运行中的系统：请先运行 weiyuan up。",
            f"Nothing runs in {home}: start it with `weiyuan up`.",
        )
    running = Running.at(home)
    settings = settings_of(home, server, running.port if running else 0)
    clock.set_to(settings.clock)
    async with AsyncExitStack() as stack:
        databases = await _opened(stack, settings, [each.name for each in SERVICES])
        bus = await stack.enter_async_context(opened_bus(settings))
        yield Attached(settings, databases, bus, server)


async def _opened(
    stack: AsyncExitStack, settings: Settings, names: Sequence[str]
) -> dict[str, Database]:
    databases = {}
    for name in names:
        url = settings.database_url(name)
        databases[name] = await Database.open(name, url, sizes={"worker": 2})
        stack.push_async_callback(databases[name].close)
    return databases
