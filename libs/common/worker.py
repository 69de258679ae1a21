"""What runs beside the API: relay, consumer, sealer and jobs of each service."""

import asyncio
from contextlib import suppress

from libs.common.events.bus import Bus
from libs.common.events.consumer import Consumer
from libs.common.events.relay import Relay
from libs.common.process.jobs import run_jobs
from libs.common.records.seal import keep_sealed
from libs.common.runtime import Process
from libs.common.telemetry.probes import watch_loop


async def work(process: Process, bus: Bus, stop: asyncio.Event) -> None:
    """Until `stop`: then each part finishes the batch it is at."""
    endless = [asyncio.create_task(watch_loop())]
    async with asyncio.TaskGroup() as parts:
        for service in process.services:
            database = process.databases[service.name]
            url = process.settings.database_url(service.name)
            parts.create_task(Relay(service.name, url, bus).run(stop))
            if service.reaction:
                parts.create_task(Consumer(database, bus, service.reaction).run(stop))
            if service.jobs:
                parts.create_task(run_jobs(process, service, stop))
            endless.append(asyncio.create_task(keep_sealed(database)))
    for task in endless:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
