"""Databases for tests: one server for a run, a template per service, a copy for each module."""

import asyncio
import fcntl
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Self
from uuid import uuid4

import asyncpg

from libs.common.db.database import Database
from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.migrate import upgrade
from libs.common.db.provision import BUS, create_database, grant_database, provision
from tests.kafka import Broker

GROUND = "ground"
"""A service with the common tables and nothing else: what tests of `libs.common` run on."""

UrlOf = Callable[[str], Awaitable[str]]
DatabaseOf = Callable[[str], Awaitable[Database]]

_SERVICES = Path(__file__).parents[1] / "services"
_PREFIX = "weiyuan-tests-"


@dataclass(frozen=True)
class Run:
    """A test run's home directory: its server starts when the first test asks for a database."""

    home: Path

    async def copy_of(self, service: str) -> str:
        """A fresh database of the service as provisioned and migrated; its URL, `{role}` open."""
        server = EmbeddedPostgres.start(self.home)
        async with self._one_at_a_time(service):
            if not self.has_used(service):
                await provision(service, server.admin_url)
                await upgrade(service, server.url_template(service), migrations_of(service))
                self._mark(service).touch()
        copy = f"{service}_{uuid4().hex[:12]}"
        administrator = await asyncpg.connect(server.admin_url())
        try:
            await administrator.execute(create_database(service, copy, template=service))
            await administrator.execute(grant_database(service, copy))
        finally:
            await administrator.close()
        return server.url_template(service, copy)

    def has_used(self, service: str) -> bool:
        return self._mark(service).exists()

    def note_kafka(self, name: str) -> None:
        (self.home / "kafka.name").write_text(name)

    def noted_kafka(self) -> str | None:
        """What the run's tests of Kafka ran on."""
        told = self.home / "kafka.name"
        return told.read_text() if told.exists() else None

    def _mark(self, service: str) -> Path:
        return self.home / f"{service}.ready"

    @asynccontextmanager
    async def _one_at_a_time(self, service: str) -> AsyncIterator[None]:
        """Among the workers of the run: the first to come makes the template."""
        with _opened(self.home / f"{service}.lock") as lock:
            await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class OwnRun:
    """What the process that began a run holds: a lock that dies with it, killed or not."""

    run: Run
    lock: IO[str]

    @classmethod
    def begin(cls) -> Self:
        _sweep()
        home = Path(tempfile.mkdtemp(prefix=_PREFIX))
        home.chmod(0o711)  # when root starts it, PostgreSQL is another user and passes through
        lock = _opened(home / "run.lock")
        fcntl.flock(lock, fcntl.LOCK_EX)
        return cls(Run(home), lock)

    def end(self) -> None:
        _remove(self.run.home)
        self.lock.close()


def migrations_of(service: str) -> Path | None:
    """The service's own folder; the bus and the bare ground have none."""
    return None if service in (BUS, GROUND) else _SERVICES / service / "migrations"


def _sweep() -> None:
    """End the servers of runs that were killed before they could."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/run.lock"):
        try:
            with path.open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(path.parent)
        except OSError:  # somebody's who is still running, or somebody else's
            continue


def _remove(home: Path) -> None:
    for broker in home.glob("kafka-*"):
        Broker(broker, 0).kill()
    if server := EmbeddedPostgres.attach(home):
        server.stop()
    shutil.rmtree(home)


def _opened(path: Path) -> IO[str]:
    return path.open("a")
