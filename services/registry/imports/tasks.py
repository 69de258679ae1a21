"""Work side by side, in as many strands as a small machine has cores."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

STRANDS = 2


@asynccontextmanager
async def side_by_side() -> AsyncIterator[asyncio.TaskGroup]:
    """All end together; the first error ends the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            yield group
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
