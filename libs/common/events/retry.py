"""How relay and consumer go on after a failure: which ones pass, how long to rest, when to stop."""

import asyncio
import random
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

import asyncpg

NEVER = float("-inf")
"""When something was last done that has not been done yet, by the monotonic clock."""

LOST = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # the driver, when the server hangs up between two statements
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
)
"""How a connection that is gone looks."""

_FIRST, _LONGEST = 0.1, 30.0

Result = TypeVar("Result")


async def rest(stop: asyncio.Event, failures: int) -> None:
    """Full jitter: up to 0.1 s after the first failure, doubling to 30 s; cut short by `stop`."""
    longest = min(_LONGEST, _FIRST * 2 ** min(failures - 1, 10))
    with suppress(TimeoutError):
        async with asyncio.timeout(random.uniform(0, longest)):
            await stop.wait()


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """What `work` returns, or None when `stop` comes first; the work is cancelled then."""
    tasks = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return tasks[0].result() if tasks[0].done() else None
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def is_fault_of_event(error: Exception) -> bool:
    """Whether the same event would fail again whatever is done about the database.

    Values the database cannot hold (22), constraints (23), what a trigger raises (P0), and errors
    of the handler's own code. Everything else passes or is mended by an operator: a lost
    connection, a deadlock, a full disk, a missing table or grant; the event waits for it, and
    those behind it.
    """
    if isinstance(error, asyncpg.UniqueViolationError) and error.constraint_name == "pk_inbox":
        return False  # another reader of the group was a moment faster
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in ("22", "23", "P0")
    return not isinstance(error, LOST)
