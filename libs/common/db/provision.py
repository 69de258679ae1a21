"""Databases and roles: a database per service, roles that own nothing in it, nothing for PUBLIC.

`<service>_owner` logs in for migrations only and owns the tables; `_app`, `_self`, `_public` and
`_worker` are what processes log in as, and hold what a migration grants them by name. Roles belong
to the cluster, so copies of a database share them. Passwords are the operator's to give.
"""

from collections.abc import Callable, Mapping, Sequence

import asyncpg

BUS = "bus"

# The same order of Chinese text on every machine: code points, whatever its C library.
_LOCALE = "ENCODING 'UTF8' LOCALE 'C' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8'"
_ATTRIBUTES = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"


def roles_of(service: str) -> Sequence[str]:
    """The bus is published to and read by workers only."""
    kinds = ("owner", "worker") if service == BUS else ("owner", "app", "self", "public", "worker")
    return [f"{service}_{kind}" for kind in kinds]


def script(service: str) -> str:
    """All of it for `psql`, to be read and run by an operator, as often as they like."""
    create = create_database(service).replace("'", "''")
    return (
        f"{create_roles(service)}\n"
        f"SELECT '{create}' WHERE NOT EXISTS ({_database_exists(service)}) \\gexec\n"
        f"{grant_database(service)}\n"
        f"\\connect {service}\n"
        f"{grant_schema(service)}\n"
    )


async def provision(service: str, admin_url: Callable[[str], str]) -> None:
    """The same, run as an administrator whose URL for a database `admin_url` tells."""
    connection = await asyncpg.connect(admin_url("postgres"))
    try:
        await connection.execute(create_roles(service))
        if not await connection.fetchval(_database_exists(service)):
            await connection.execute(create_database(service))
        await connection.execute(grant_database(service))
    finally:
        await connection.close()
    connection = await asyncpg.connect(admin_url(service))
    try:
        await connection.execute(grant_schema(service))
    finally:
        await connection.close()


async def set_passwords(verifiers: Mapping[str, str], admin_url: str) -> None:
    """As the same administrator: each role's password, as `scram.verifier` makes it."""
    connection = await asyncpg.connect(admin_url)
    try:
        for role, value in verifiers.items():
            await connection.execute(f"ALTER ROLE {role} PASSWORD '{value}'")
    finally:
        await connection.close()


def create_roles(service: str) -> str:
    checks = [_role(name) for name in roles_of(service)]
    # An administrator who is no superuser creates a database only for a role they are in.
    return "\n".join([*checks, f"GRANT {service}_owner TO CURRENT_USER;"])


def _role(name: str) -> str:
    return f"""DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
        CREATE ROLE {name} {_ATTRIBUTES};
    ELSIF EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}' AND (rolsuper OR rolbypassrls)) THEN
        RAISE EXCEPTION 'role {name} would see past row-level security';
    END IF;
END $$;"""


def create_database(service: str, database: str | None = None, template: str = "template0") -> str:
    """From a template of its own, the locale is the template's."""
    locale = f" {_LOCALE}" if template == "template0" else ""
    return (
        f"CREATE DATABASE {database or service} OWNER {service}_owner TEMPLATE {template}{locale}"
    )


def _database_exists(database: str) -> str:
    return f"SELECT 1 FROM pg_database WHERE datname = '{database}'"


def grant_database(service: str, database: str | None = None) -> str:
    """Not copied with a template, so each copy needs it."""
    name, roles = database or service, ", ".join(roles_of(service))
    return (
        f"REVOKE ALL ON DATABASE {name} FROM PUBLIC;\n"
        f"GRANT CONNECT ON DATABASE {name} TO {roles};\n"
        f"GRANT TEMPORARY ON DATABASE {name} TO {service}_worker;"  # rebuilds stand there
    )


def grant_schema(service: str) -> str:
    return (
        "REVOKE ALL ON SCHEMA public FROM PUBLIC;\n"
        f"GRANT USAGE ON SCHEMA public TO {', '.join(roles_of(service))};"
    )
