"""The wake-up call to the relay: one NOTIFY in ten milliseconds at most, never in a transaction.

A NOTIFY in each business transaction takes one global lock at commit and costs half the throughput;
a call that is lost costs one poll interval of the relay, nothing else.
"""

import asyncio
import contextlib

import asyncpg

CHANNEL = "outbox"
# A notification takes a transaction id, and its commit would wait for the disk.
_CALL = f"SELECT set_config('synchronous_commit', 'off', true), pg_notify('{CHANNEL}', '')"
_PAUSE = 0.01


class Wake:
    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._task: asyncio.Task[None] | None = None
        self._again = False

    def touch(self) -> None:
        """After a commit that wrote events; returns at once."""
        self._again = True
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._notify())

    async def _notify(self) -> None:
        while self._again:
            self._again = False
            with contextlib.suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._pool.execute(_CALL)
            await asyncio.sleep(_PAUSE)

    async def close(self) -> None:
        if self._task is not None:
            await self._task
