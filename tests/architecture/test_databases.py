"""What the catalog of every migrated database must say about rows, roles and rights."""

from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.provision import BUS, roles_of
from tests.architecture.services import WITH_DATABASE
from tests.databases import GROUND, UrlOf

SECURITY_DEFINERS: frozenset[str] = frozenset()
"""The functions that see past row-level security, each argued for in a decision record."""

WITH_DIVISION = """
    SELECT c.oid, c.relname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
      AND a.attname = 'division' AND NOT a.attisdropped
"""


@pytest_asyncio.fixture(scope="module", params=[GROUND, BUS, *WITH_DATABASE])
async def service(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest_asyncio.fixture(scope="module")
async def catalog(
    service: str, url_of: UrlOf, postgres: EmbeddedPostgres
) -> AsyncIterator[asyncpg.Connection]:
    database = urlsplit(await url_of(service)).path[1:]
    connection = await asyncpg.connect(postgres.admin_url(database))
    yield connection
    await connection.close()


async def _names(catalog: asyncpg.Connection, query: str, *values: object) -> list[str]:
    return sorted(row["name"] for row in await catalog.fetch(query, *values))


async def test_every_table_with_a_division_is_enclosed(catalog: asyncpg.Connection) -> None:
    assert (
        await _names(
            catalog,
            f"""SELECT d.name FROM ({WITH_DIVISION}) d JOIN pg_class c ON c.oid = d.oid
                WHERE NOT (c.relrowsecurity AND c.relforcerowsecurity)
                   OR NOT EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)""",
        )
        == []
    )


async def test_an_official_sees_a_range_of_divisions_and_no_more(
    service: str, catalog: asyncpg.Connection
) -> None:
    """INSERT alone may be wider: an audit row has the division of what was acted on."""
    query = f"""
        SELECT d.name || '.' || p.polname AS name FROM ({WITH_DIVISION}) d
        JOIN pg_policy p ON p.polrelid = d.oid JOIN pg_roles r ON r.oid = ANY (p.polroles)
        WHERE r.rolname = $1 AND p.polcmd <> 'a' AND p.polpermissive
          AND pg_get_expr(p.polqual, p.polrelid)
              NOT SIMILAR TO '%division >= scope\\_lo\\(\\)%division < scope\\_hi\\(\\)%'"""
    assert await _names(catalog, query, f"{service}_app") == []


async def test_no_policy_lets_everybody_in(catalog: asyncpg.Connection) -> None:
    query = "SELECT polname AS name FROM pg_policy WHERE polpermissive AND 0 = ANY (polroles)"
    assert await _names(catalog, query) == []


async def test_divisions_compare_by_code_point(catalog: asyncpg.Connection) -> None:
    query = f"""SELECT d.name FROM ({WITH_DIVISION}) d
        JOIN pg_attribute a ON a.attrelid = d.oid AND a.attname = 'division'
        JOIN pg_collation c ON c.oid = a.attcollation WHERE c.collname <> 'C'"""
    assert await _names(catalog, query) == []


async def test_the_owner_owns_everything(service: str, catalog: asyncpg.Connection) -> None:
    query = """SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace
        AND relowner <> $1::regrole"""
    assert await _names(catalog, query, f"{service}_owner") == []


async def test_rights_are_granted_by_name_and_truncate_to_nobody(
    service: str, catalog: asyncpg.Connection
) -> None:
    """TRUNCATE, REFERENCES and TRIGGER do not ask row-level security; 0 is PUBLIC."""
    query = """
        SELECT c.relname || ': ' || a.privilege_type || ' to ' || a.grantee::regrole AS name
        FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.relnamespace = 'public'::regnamespace AND a.grantee <> c.relowner
          AND (a.privilege_type NOT IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'USAGE')
               OR a.is_grantable OR NOT a.grantee = ANY ($1::regrole[]::oid[]))"""
    assert await _names(catalog, query, list(roles_of(service))) == []


async def test_no_role_sees_past_row_level_security(
    service: str, catalog: asyncpg.Connection
) -> None:
    query = """SELECT rolname AS name FROM pg_roles WHERE rolname = ANY ($1)
        AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)"""
    assert await _names(catalog, query, list(roles_of(service))) == []


async def test_views_ask_as_their_caller(catalog: asyncpg.Connection) -> None:
    """A materialised view cannot."""
    query = """SELECT relname AS name FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND (relkind = 'm' OR (relkind = 'v'
          AND NOT coalesce(reloptions @> '{security_invoker=true}', false)))"""
    assert await _names(catalog, query) == []


async def test_only_named_functions_are_security_definer(catalog: asyncpg.Connection) -> None:
    query = """SELECT proname AS name FROM pg_proc
        WHERE pronamespace = 'public'::regnamespace AND prosecdef"""
    assert set(await _names(catalog, query)) <= SECURITY_DEFINERS


async def test_there_are_no_enums_and_no_extensions(catalog: asyncpg.Connection) -> None:
    """Enums cost a lookup per connection; extensions are not to be had on every server."""
    query = """SELECT typname AS name FROM pg_type WHERE typtype = 'e'
        UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'"""
    assert await _names(catalog, query) == []


async def test_every_foreign_key_has_an_index_to_delete_by(catalog: asyncpg.Connection) -> None:
    query = """SELECT f.conrelid::regclass || '.' || f.conname AS name FROM pg_constraint f
        WHERE f.contype = 'f' AND f.connamespace = 'public'::regnamespace
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = f.conrelid
              AND i.indkey[0] = f.conkey[1])"""
    assert await _names(catalog, query) == []
