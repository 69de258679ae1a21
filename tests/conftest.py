"""What every test may ask for: PostgreSQL, databases of its own; and an honest summary."""

import io
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from libs.common.db.database import Database, DatabaseRole
from libs.common.db.embedded import VERSION, EmbeddedPostgres
from libs.common.db.provision import BUS
from libs.common.telemetry.logs import configure_logs
from tests.databases import DatabaseOf, OwnRun, Run, UrlOf
from tests.house import House, house_at
from tests.kafka import KafkaForTests, kafka_for_tests

POOLS: dict[DatabaseRole, int] = {"app": 4, "self": 2, "public": 2, "worker": 4}

_OWN = pytest.StashKey[OwnRun]()
_RUN = pytest.StashKey[Run]()


class _Captured(io.StringIO):
    """Whatever standard error is at the moment: pytest gives each test another."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)


def pytest_configure(config: pytest.Config) -> None:
    """The run is begun by the process that was started; xdist's workers are told where it is."""
    told = getattr(config, "workerinput", None)
    if told is None:
        config.stash[_OWN] = OwnRun.begin()
    config.stash[_RUN] = Run(Path(told["home"])) if told else config.stash[_OWN].run
    configure_logs(readable=True, stream=_Captured())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["home"] = str(node.config.stash[_RUN].home)


def pytest_unconfigure(config: pytest.Config) -> None:
    if own := config.stash.get(_OWN, None):
        own.end()


@pytest.fixture(scope="session")
def run(pytestconfig: pytest.Config) -> Run:
    return pytestconfig.stash[_RUN]


@pytest.fixture(scope="session")
def postgres(run: Run) -> EmbeddedPostgres:
    """The run's server, shared by its workers; not for stopping."""
    return EmbeddedPostgres.start(run.home)


@pytest.fixture(scope="module")
def url_of(run: Run) -> UrlOf:
    """`await url_of("registry")`: this module's own database; the URL leaves `{role}` open."""
    urls: dict[str, str] = {}

    async def url(service: str) -> str:
        if service not in urls:
            urls[service] = await run.copy_of(service)
        return urls[service]

    return url


@pytest_asyncio.fixture(scope="module")
async def database_of(
    url_of: UrlOf,
) -> AsyncIterator[DatabaseOf]:
    """`await database_of("registry")`: the same database, opened with small pools, closed after."""
    opened: dict[str, Database] = {}

    async def database(service: str) -> Database:
        if service not in opened:
            opened[service] = await Database.open(service, await url_of(service), sizes=POOLS)
        return opened[service]

    yield database
    for each in opened.values():
        await each.close()


@pytest_asyncio.fixture(scope="module")
async def bus_url(url_of: UrlOf) -> str:
    """This module's own PostgreSQL log, as the one role that publishes and reads."""
    return (await url_of(BUS)).replace("{role}", "worker")


@pytest.fixture(scope="module")
def kafka(run: Run) -> Iterator[KafkaForTests]:
    """This module's own Kafka, as real as this machine has it."""
    with kafka_for_tests(run.home / f"kafka-{uuid4().hex[:12]}") as kafka:
        run.note_kafka(kafka.name)
        yield kafka


@pytest_asyncio.fixture(scope="module")
async def house(url_of: UrlOf, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """Every service in one process, on databases of this module."""
    async with house_at(tmp_path_factory.mktemp("home"), url_of) as opened:
        yield opened


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Which broker ran, and what did not run and why, where nobody overlooks it."""
    terminalreporter.section("what ran")
    run = config.stash[_RUN]
    log = "the PostgreSQL log" if run.has_used(BUS) else "none (no test that ran needed one)"
    kafka = run.noted_kafka() or "not run"
    terminalreporter.write_line(f"PostgreSQL {VERSION}, embedded; bus: {log}; Kafka: {kafka}")
    skipped = Counter(
        report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        for report in terminalreporter.stats.get("skipped", [])
    )
    for reason, count in skipped.items():
        terminalreporter.write_line(f"SKIPPED {count}: {reason}", yellow=True, bold=True)
