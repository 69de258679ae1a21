"""What each database role sees and may do, asked in SQL past every line of Python.

The tables are found in the catalog, so a new one is asked about from its first migration on.
"""

import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.database import SET_SCOPE, Scope
from tests.architecture.services import WITH_DATABASE
from tests.leaks.seed import Seeded

UNENCLOSED = {
    "alembic_version",
    "division",
    "idempotency",
    "inbox",
    "post_fund",
    "progress",
    "seal",
}
"""Readable by a caller's role without a policy: nothing in them is of a person or an area."""
TO_EVERYBODY = {"village", "station", "revenue"}
"""On the need board: what a village card shows to anybody."""
CARD = {"id", "division", "category", "quantity", "state", "published_at", "version"}
CALLERS = ("app", "self", "public")
APPEND_ONLY = ("audit", "access", "decision")


class Sql:
    """Connections to one service's database as any of its roles."""

    def __init__(self, seeded: Seeded, service: str) -> None:
        self._url = seeded.house.process.settings.database_url(service)
        self.service = service
        self._opened: dict[str, asyncpg.Connection] = {}

    async def as_(self, scope: Scope | None, role: str = "app") -> asyncpg.Connection:
        """In a scope, or after RESET ALL, as a pooled connection would come back."""
        name = scope.role if scope else role
        if name not in self._opened:
            url = self._url.replace("{role}", name)
            self._opened[name] = await asyncpg.connect(url)
        connection = self._opened[name]
        await connection.execute("RESET ALL")
        if scope:
            await connection.execute(SET_SCOPE, scope.setting)
        return connection

    async def readable(self, role: str, *, enclosed: bool) -> set[str]:
        """The tables that the role may SELECT from, every column."""
        connection = await self.as_(None, role)
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
            " AND relkind = 'r' AND relrowsecurity = $1 AND has_table_privilege(oid, 'SELECT')",
            enclosed,
        )
        return {row["relname"] for row in rows}

    async def rows(self, scope: Scope | None, table: str, role: str = "app") -> list[Any]:
        return await (await self.as_(scope, role)).fetch(f"SELECT * FROM {table}")

    async def close(self) -> None:
        for connection in self._opened.values():
            await connection.close()


@pytest_asyncio.fixture(params=WITH_DATABASE)
async def sql(request: pytest.FixtureRequest, seeded: Seeded) -> AsyncIterator[Sql]:
    opened = Sql(seeded, request.param)
    yield opened
    await opened.close()


async def test_the_seed_leaves_rows_to_hide(sql: Sql, seeded: Seeded) -> None:
    """Of the tables with a division that officials read, few may be empty here."""
    prefecture = Scope.area(seeded.places.village[:4])
    tables = await sql.readable("app", enclosed=True)
    empty = {table for table in tables if not await sql.rows(prefecture, table)}
    assert empty <= {"job", "access", "decision", "audit"}


@pytest.mark.parametrize("where", ["village", "town", "county", "far", "no such"])
async def test_an_official_sees_rows_of_the_area_only(sql: Sql, seeded: Seeded, where: str) -> None:
    places = seeded.places
    codes = {"far": places.far_village[:6], "no such": "621124"}
    code = codes.get(where) or getattr(places, where)
    for table in await sql.readable("app", enclosed=True):
        divisions = {row["division"] for row in await sql.rows(Scope.area(code), table)}
        assert all(each.startswith(code) for each in divisions), table
        assert not (divisions and where == "no such")


@pytest.mark.parametrize("role", CALLERS)
async def test_without_a_scope_there_is_nothing(sql: Sql, role: str) -> None:
    """After RESET ALL, on a connection that nobody gave a scope."""
    for table in await sql.readable(role, enclosed=True) - TO_EVERYBODY:
        assert await sql.rows(None, table, role) == [], table
    assert await sql.rows(None, "progress", role) is not None


@pytest.mark.parametrize("setting", ["", "/", "%", "6_", "62112", ":", "~", "0", "null"])
async def test_a_scope_that_is_no_code_shows_no_more(sql: Sql, setting: str) -> None:
    """Nothing is a pattern; a part of a code is a prefix and nothing else."""
    for table in await sql.readable("app", enclosed=True):
        for row in await sql.rows(Scope("app", setting), table):
            assert setting, table
            assert row["division"].startswith(setting), table


@pytest.mark.parametrize("member", [None, 0, 1], ids=["household", "head", "other member"])
async def test_a_family_sees_rows_of_its_own_only(
    sql: Sql, seeded: Seeded, member: int | None
) -> None:
    family = seeded.family
    person = None if member is None else family.members[member].id
    scope = Scope.own(household=family.id, person=person)
    own = {family.id}
    if sql.service == "matching":
        own |= {row["id"] for row in await sql.rows(scope, "need")}
    if sql.service == "employment":
        own |= {row["post_id"] for row in await sql.rows(scope, "nomination")}
    for table in await sql.readable("self", enclosed=True) - TO_EVERYBODY:
        for row in await sql.rows(scope, table):
            assert _is_of(own, table, dict(row)), (table, dict(row))
            if person and table == "person":
                assert row["id"] == person
            if table == "access" and row["person_id"]:
                assert row["person_id"] == person


def _is_of(own: set[Any], table: str, row: dict[str, Any]) -> bool:
    column = {"household": "id", "need_history": "need_id", "post": "id"}.get(table, "household_id")
    return row[column] in own


@pytest.mark.parametrize("role", CALLERS)
async def test_what_has_no_policy_tells_of_nobody(sql: Sql, role: str) -> None:
    assert await sql.readable(role, enclosed=False) <= UNENCLOSED


async def test_the_public_reads_cards(sql: Sql, seeded: Seeded) -> None:
    """By column: the household, the officers and the consent of a need are not even selectable."""
    board = sql.service == "matching"
    assert await sql.readable("public", enclosed=True) == (TO_EVERYBODY if board else set())
    if board:
        public = await sql.as_(Scope.public())
        columns = await public.fetch(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'need'::regclass AND attnum > 0"
            " AND has_column_privilege(attrelid, attnum, 'SELECT')"
        )
        assert {row["attname"] for row in columns} == CARD
        shown = {str(row["id"]) for row in await public.fetch("SELECT id FROM need")}
        assert (
            shown & set(seeded.needs.values())
            == {seeded.needs[name] for name in ("published", "leaving", "neighbour", "met", "far")}
            & shown
        )
        assert not shown & {seeded.needs[name] for name in ("draft", "verified", "withdrawn")}
        for asked in ("household_id", "captured_by", "consent_person_id", "*"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await public.fetch(f"SELECT {asked} FROM need")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await public.fetch("SELECT id FROM need WHERE household_id = $1", seeded.family.id)


@pytest.mark.parametrize("role", [*CALLERS, "worker"])
async def test_what_is_on_record_stays(sql: Sql, role: str) -> None:
    connection = await sql.as_(None, role)
    for table in APPEND_ONLY:
        for statement in (
            f"TRUNCATE {table}",
            f"DELETE FROM {table}",
            f"UPDATE {table} SET actor = 'nobody'",
            f"UPDATE {table} SET division = '621199'",
            f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
            f"DROP TABLE {table}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


@pytest.mark.parametrize("role", [*CALLERS, "worker"])
async def test_no_role_becomes_another(sql: Sql, role: str) -> None:
    connection = await sql.as_(None, role)
    roles = {f"{name}_{kind}" for name in WITH_DATABASE for kind in (*CALLERS, "worker", "owner")}
    for other in {*roles, "postgres", "bus_worker"} - {f"{sql.service}_{role}"}:
        for statement in (f"SET ROLE {other}", f"SET SESSION AUTHORIZATION {other}"):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError)):
                await connection.execute(statement)
    for statement in ("SET row_security = off; SELECT * FROM audit", "CREATE TABLE mine (id int)"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


@pytest.mark.parametrize("role", CALLERS)
async def test_no_role_connects_to_another_service(sql: Sql, seeded: Seeded, role: str) -> None:
    settings = seeded.house.process.settings
    others = [settings.database_url(name) for name in WITH_DATABASE if name != sql.service]
    for url in [*others, settings.bus_url]:
        theirs = re.sub(r"//[^@]*@", f"//{sql.service}_{role}@", url)
        assert urlsplit(theirs).username == f"{sql.service}_{role}"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(theirs)


async def test_no_row_leaves_the_area_or_comes_into_another(sql: Sql, seeded: Seeded) -> None:
    """Neither does an UPDATE move one, nor an INSERT put one elsewhere, nor does one find it."""
    app = await sql.as_(Scope.area(seeded.places.county))
    far = seeded.places.far_village
    for table in await sql.readable("app", enclosed=True):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(f"UPDATE {table} SET division = $1", far)
        if table in ("audit", "access"):
            continue  # a record has the division of what was acted on, wherever it is
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(f"INSERT INTO {table} (division) VALUES ($1)", far)
