"""Migrations, run by the program itself: a service's own after the common ones, as its owner."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, Self

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import to_tuple
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from libs.common.db.provision import BUS, grant_database, grant_schema, roles_of
from libs.common.db.urls import url_of

REVISIONS = "SELECT version_num FROM alembic_version"
"""What the database is at, for any of the service's roles; `/readyz` asks `Schema` about it."""

_ENVIRONMENT = Path(__file__).parent / "migrations"
_COMMON = _ENVIRONMENT / "versions"
_BUS = Path(__file__).parents[1] / "events" / "migrations"
_DATABASE = "SELECT quote_ident(current_database())"
_PATIENCE = 10.0
_ONE_AT_A_TIME = "SELECT pg_advisory_lock(hashtext('weiyuan migrations'))"


class Schema(NamedTuple):
    """What the code of a service was written for, and every revision that it knows of."""

    heads: frozenset[str]
    known: frozenset[str]

    @classmethod
    def of(cls, service: str, migrations: Path | None = None) -> Self:
        scripts = ScriptDirectory.from_config(configuration(service, migrations))
        known = frozenset(each.revision for each in scripts.walk_revisions())
        return cls(heads(service, migrations), known)

    def lacks(self, at: frozenset[str]) -> bool:
        """Whether a database that is `at` these revisions has yet to be brought forward.

        What is unknown here came with a later release, which leaves room for the one before it.
        """
        ahead = bool(at - self.known)
        return not (at & self.known <= self.heads and (ahead or at == self.heads))


async def migrate(service: str, url: str, migrations: Path | None = None) -> None:
    """What a release does to a database that was provisioned: the grants, then `upgrade`."""
    connection = await _connect(url)
    try:
        await connection.execute(grant_database(service, await connection.fetchval(_DATABASE)))
        await connection.execute(grant_schema(service))
    finally:
        await connection.close()
    await upgrade(service, url, migrations)


async def upgrade(service: str, url: str, migrations: Path | None = None) -> None:
    """Bring a database to `heads`; `url` may leave `{role}` open. The bus has no folder to give."""
    config = configuration(service, migrations)
    await with_connection(config, url, lambda: command.upgrade(config, "heads"))
    await _let_read_revisions(service, url)


def heads(service: str, migrations: Path | None = None) -> frozenset[str]:
    """As the database keeps them: a revision that another depends on is implied by it."""
    scripts = ScriptDirectory.from_config(configuration(service, migrations))
    implied = {each for r in scripts.walk_revisions() for each in to_tuple(r.dependencies, ())}
    return frozenset(scripts.get_heads()) - implied


def configuration(service: str, migrations: Path | None) -> Config:
    """`migrations` is the folder of the service's own revisions."""
    folders = [_BUS] if service == BUS else [_COMMON, *([migrations] if migrations else [])]
    config = Config(attributes={"service": service})
    config.set_main_option("script_location", _escaped(_ENVIRONMENT))
    config.set_main_option("path_separator", "newline")
    config.set_main_option("version_locations", "\n".join(map(_escaped, folders)))
    config.set_main_option("recursive_version_locations", "true")
    return config


async def with_connection(config: Config, url: str, work: Callable[[], None]) -> None:
    """Run Alembic's blocking `work` on asyncpg, logged in as the owner."""

    def run(connection: Connection) -> None:
        config.attributes["connection"] = connection
        work()

    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: _connect(url), poolclass=NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(run)


async def _connect(url: str) -> asyncpg.Connection:
    """A table that is in use fails the migration instead of queueing everybody behind it."""
    connection = await asyncpg.connect(url_of(url, "owner"), timeout=_PATIENCE)
    await connection.execute(_ONE_AT_A_TIME)
    await connection.execute("SET lock_timeout = '5s'")
    return connection


async def _let_read_revisions(service: str, url: str) -> None:
    _, *readers = roles_of(service)
    connection = await _connect(url)
    try:
        await connection.execute(f"GRANT SELECT ON alembic_version TO {', '.join(readers)}")
    finally:
        await connection.close()


def _escaped(path: Path) -> str:
    """ConfigParser reads `%` as the start of a reference."""
    return str(path).replace("%", "%%")
