"""Being the only one: a name in a database, owned by a connection for as long as it lives."""

import asyncio
from contextlib import suppress

import asyncpg

from libs.common.events.retry import LOST

SESSION = {
    # The server drops a peer that went without a word in half a minute, and what it held with it.
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # Such a session only says what is done already: a crash that forgets it repeats a page.
    "synchronous_commit": "off",
}

_SHORTEST, _LONGEST = 0.01, 0.25


async def hold(connection: asyncpg.Connection, name: str) -> None:
    """Wait until the name is this connection's.

    A waiting `pg_advisory_lock` would keep its snapshot, for hours, and vacuum from its work.
    """
    pause = _SHORTEST  # whoever let go a moment ago may not be gone yet
    while not await try_hold(connection, name):
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST)


async def try_hold(connection: asyncpg.Connection, name: str) -> bool:
    taken: bool = await connection.fetchval(
        "SELECT pg_try_advisory_lock(hashtextextended($1, 0))", name
    )
    return taken


async def let_go(connection: asyncpg.Connection) -> None:
    """Close the connection, whatever state it is in."""
    with suppress(*LOST, asyncpg.PostgresError):
        await connection.close(timeout=5)
