"""What migrations are written with: plain SQL scripts for one service's database."""

from alembic import context, op


def service() -> str:
    """The service whose database is migrated; its roles carry its name."""
    return str(context.config.attributes["service"])


def run(*scripts: str) -> None:
    """Each script is statements ended by `;` (the driver prepares one statement at a time)."""
    for script in scripts:
        for statement in script.split(";"):
            if statement.strip():
                op.execute(statement)
