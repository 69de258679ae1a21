"""`weiyuan serve SERVICE migrate`: once or often, one at a time, and never half."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.migrate import REVISIONS, heads
from libs.common.db.provision import BUS, create_database, provision
from tests.cli.served import weiyuan
from tests.databases import migrations_of

Empty = Callable[[str], Awaitable[dict[str, str]]]


@pytest_asyncio.fixture
async def empty(postgres: EmbeddedPostgres) -> AsyncIterator[Empty]:
    """`await empty("solar")`: the environment of a database that nothing was done to yet."""
    administrator = await asyncpg.connect(postgres.admin_url())

    async def made(service: str) -> dict[str, str]:
        await provision(service, postgres.admin_url)
        name = f"{service}_{uuid4().hex[:12]}"
        await administrator.execute(create_database(service, name))
        variable = "BUS_URL" if service == BUS else f"{service.upper()}_DATABASE_URL"
        return {f"WEIYUAN_{variable}": postgres.url_template(service, name)}

    yield made
    await administrator.close()


@pytest.mark.parametrize("service", ["solar", BUS])
async def test_again_changes_nothing_and_roles_reach_what_was_made(
    empty: Empty, service: str
) -> None:
    env = await empty(service)
    for _ in range(2):
        done = migrated(env, service)
        assert (done.returncode, done.stderr) == (0, "")
        assert await revisions(env) == heads(service, migrations_of(service))


async def test_three_at_once_wait_for_each_other(empty: Empty) -> None:
    env = await empty("solar")
    told = await asyncio.gather(*(asyncio.to_thread(migrated, env) for _ in range(3)))
    assert [done.returncode for done in told] == [0, 0, 0], told
    assert await revisions(env) == heads("solar", migrations_of("solar"))


async def test_a_database_that_a_later_version_wrote_is_left_alone(empty: Empty) -> None:
    env = await empty("solar")
    migrated(env)
    [url] = env.values()
    owner = await asyncpg.connect(url.replace("{role}", "owner"))
    await owner.execute("DELETE FROM alembic_version")
    await owner.execute("INSERT INTO alembic_version VALUES ('later')")
    await owner.close()
    done = migrated(env)
    assert done.returncode == 1
    assert "later" in done.stderr


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        pytest.param("postgresql://solar_{role}@127.0.0.1:1/solar", "Connect", id="nobody there"),
        pytest.param(
            "postgresql://solar_{role}@/solar?host=/nowhere", "FileNotFound", id="no socket"
        ),
    ],
)
def test_a_database_that_does_not_answer_is_told_and_not_waited_for(url: str, reason: str) -> None:
    done = migrated({"WEIYUAN_SOLAR_DATABASE_URL": url})
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert reason in line


def migrated(env: dict[str, str], service: str = "solar") -> subprocess.CompletedProcess[str]:
    return weiyuan("serve", service, "migrate", env=env)


async def revisions(env: dict[str, str]) -> frozenset[str]:
    """As a worker sees them."""
    [url] = env.values()
    connection = await asyncpg.connect(url.replace("{role}", "worker"))
    try:
        return frozenset(row["version_num"] for row in await connection.fetch(REVISIONS))
    finally:
        await connection.close()
