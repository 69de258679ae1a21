"""A worker of the registry in a process of its own, to be killed; its batches are small."""

import asyncio
import sys
from pathlib import Path

from libs.common.process.jobs import run_jobs
from libs.common.runtime import opened
from libs.common.settings import Settings
from services.registry.imports import roster
from services.registry.main import service


async def main(home: str, bus_url: str, database_url: str, batch: str) -> None:
    roster.BATCH = int(batch)
    settings = Settings(
        home=Path(home), embedded=True, bus_url=bus_url, registry_database_url=database_url
    )
    async with opened(settings, [service]) as process:
        await run_jobs(process, service, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
