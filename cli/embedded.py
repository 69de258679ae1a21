"""The embedded system's one process: every API and all work in one loop."""

import asyncio
import socket
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import FastAPI
from httpx import ASGITransport

from cli.serving import Stop, answering
from cli.welcome import welcome_router
from libs.common.app import create_app
from libs.common.events.bus import Bus
from libs.common.http.client import Client
from libs.common.runtime import Process
from libs.common.worker import work


async def serve(
    process: Process,
    bus: Bus,
    listening: socket.socket,
    stop: Stop,
    *,
    beside: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """API and workers in one loop, until `stop`: the workers finish after the last answer.

    `beside` is begun when the API listens, and cancelled at the end.
    """
    finish = asyncio.Event()
    async with asyncio.TaskGroup() as parts:
        parts.create_task(work(process, bus, finish))
        async with answering(_embedded(process), listening, stop):
            accompanying = parts.create_task(beside())
            await stop.asked.wait()
            process.draining = True
        finish.set()
        accompanying.cancel()
    await process.clients["registry"].close()


def _embedded(process: Process) -> FastAPI:
    app = create_app(process)
    app.include_router(welcome_router(process))
    # Without a socket: while the API drains, its own requests still reach the registry.
    inside = Client.to("registry", process.settings.registry_url, transport=ASGITransport(app))
    process.clients = {"registry": inside}
    return app
