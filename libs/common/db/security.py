"""Row-level security: the policies a table can have, as SQL for migrations.

The app role sees its area by a range of division codes, households and persons see their own rows,
the public sees what is published, the worker what its service owns. Nobody bypasses a policy, and
nobody is granted TRUNCATE, which would.
"""

from collections.abc import Sequence

FUNCTIONS = """
CREATE FUNCTION scope_lo() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.scope', true), '');
CREATE FUNCTION scope_hi() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(current_setting('app.scope', true), '') || ':';
CREATE FUNCTION scope_household() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(split_part(current_setting('app.scope', true), '/', 1), '')::uuid;
CREATE FUNCTION scope_person() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
    RETURN nullif(split_part(current_setting('app.scope', true), '/', 2), '')::uuid;
"""
"""`:` follows `9`, so `prefix || ':'` bounds the codes of the prefix; an empty setting is NULL."""

IN_AREA = "division >= scope_lo() AND division < scope_hi()"


def enclose(table: str) -> str:
    """No row without a policy, not even for the owner."""
    return (
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;"
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY;"
    )


def policy(service: str, table: str, role: str, using: str, *, grant: str) -> str:
    """`using` for what the role sees and writes; `grant` names the privileges, never ALL."""
    return (
        f"CREATE POLICY {role} ON {table} TO {service}_{role} USING ({using});"
        f"GRANT {grant} ON {table} TO {service}_{role};"
    )


def begin(service: str, table: str, condition: str) -> str:
    """Officials enter rows at the beginning of their flow; other hands take the later steps."""
    return (
        f"CREATE POLICY beginning ON {table} AS RESTRICTIVE FOR INSERT TO {service}_app"
        f" WITH CHECK ({condition});"
    )


def protect(
    service: str,
    table: str,
    *,
    app: str = "SELECT, INSERT, UPDATE",
    worker: str | None = None,
    own: str | None = None,
    public: str | None = None,
) -> Sequence[str]:
    """The policies of a table with a division column.

    `app` and `worker` are privileges; `own` and `public` are conditions under which a household or
    person, or anybody, may SELECT.
    """
    statements = [enclose(table), policy(service, table, "app", IN_AREA, grant=app)]
    if worker:
        statements.append(policy(service, table, "worker", "true", grant=worker))
    if own:
        statements.append(policy(service, table, "self", own, grant="SELECT"))
    if public:
        statements.append(policy(service, table, "public", public, grant="SELECT"))
    return statements
