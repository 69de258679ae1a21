"""What a role may reach: its own service's database, and nothing that was not named."""

import subprocess

import asyncpg
import pytest

from libs.common.db.embedded import EmbeddedPostgres, programs
from libs.common.db.provision import provision, roles_of, script


@pytest.fixture(scope="module")
async def server(postgres: EmbeddedPostgres) -> EmbeddedPostgres:
    for service in ("first", "second", "bus"):
        await provision(service, postgres.admin_url)
    return postgres


def _url(server: EmbeddedPostgres, service: str, role: str, database: str) -> str:
    return server.url_template(service, database).replace("{role}", role)


@pytest.mark.parametrize("role", ["owner", "app", "self", "public", "worker"])
async def test_another_services_database_is_closed(server: EmbeddedPostgres, role: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(_url(server, "first", role, "second"))


async def test_only_the_bus_worker_reaches_the_bus(server: EmbeddedPostgres) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(_url(server, "first", "worker", "bus"))
    connection = await asyncpg.connect(_url(server, "bus", "worker", "bus"))
    await connection.close()


@pytest.mark.parametrize("statement", [
    "CREATE TABLE mine (n int)",
    "CREATE TEMP TABLE mine (n int)",
    "CREATE SCHEMA mine",
    "SET ROLE first_owner",
])  # fmt: skip
async def test_a_run_time_role_makes_nothing(server: EmbeddedPostgres, statement: str) -> None:
    connection = await asyncpg.connect(_url(server, "first", "app", "first"))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await connection.execute(statement)
    await connection.close()


async def test_no_role_is_more_than_its_grants(server: EmbeddedPostgres) -> None:
    connection = await asyncpg.connect(server.admin_url())
    names = [*roles_of("first"), *roles_of("bus")]
    assert await connection.fetchval(
        "SELECT count(*) FROM pg_roles WHERE rolname = ANY ($1) AND NOT (rolsuper OR rolbypassrls"
        " OR rolcreaterole OR rolcreatedb OR rolreplication)", names,
    ) == len(names)  # fmt: skip
    await connection.close()


async def test_provisioning_again_changes_nothing(server: EmbeddedPostgres) -> None:
    await provision("first", server.admin_url)


async def test_a_role_that_sees_past_row_level_security_is_refused(
    server: EmbeddedPostgres,
) -> None:
    connection = await asyncpg.connect(server.admin_url())
    await connection.execute("ALTER ROLE second_app BYPASSRLS")
    with pytest.raises(asyncpg.RaiseError, match="second_app would see past row-level security"):
        await provision("second", server.admin_url)
    await connection.execute("ALTER ROLE second_app NOBYPASSRLS")
    await connection.close()


def test_the_operators_script_runs_as_often_as_they_like(postgres: EmbeddedPostgres) -> None:
    psql = [str(programs() / "psql"), postgres.admin_url(), "--quiet", "-v", "ON_ERROR_STOP=1"]
    for _ in range(2):
        subprocess.run(psql, input=script("third").encode(), check=True, capture_output=True)
    listed = subprocess.run([*psql, "-Atc", "\\l third"], check=True, capture_output=True).stdout
    assert b"third|third_owner|UTF8|builtin|C|C|C.UTF-8" in listed
