"""API and workers in one loop, and the order in which they end."""

import asyncio
import signal
import socket
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from httpx import ASGITransport

from cli.welcome import welcome_router
from libs.common.app import create_app
from libs.common.http.client import Client
from libs.common.runtime import Process
from libs.common.worker import work

_LONGEST_REQUEST = 30


class Stop:
    """Ctrl-C or SIGTERM: the first lets everything finish, the second waits for no request."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        (self.at_once if self.asked.is_set() else self.asked).set()


class _Server(uvicorn.Server):
    """Leaves the signals to `Stop`, and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()


async def serve(
    process: Process,
    listening: socket.socket,
    stop: Stop,
    *,
    beside: Callable[[], Coroutine[Any, Any, None]],
) -> None:
    """Until `stop`: the API then answers what it has taken in, after it the workers finish.

    `beside` is begun when the API listens, and cancelled at the end.
    """
    server = _server(process)
    finish = asyncio.Event()
    async with asyncio.TaskGroup() as parts:
        parts.create_task(work(process, finish))
        serving = parts.create_task(server.serve([listening]))
        await server.listens.wait()
        accompanying = [parts.create_task(beside()), parts.create_task(_hurry(server, stop))]
        await stop.asked.wait()
        process.draining = True
        server.should_exit = True
        await serving
        finish.set()
        for task in accompanying:
            task.cancel()
    await process.clients["registry"].close()


def _server(process: Process) -> _Server:
    app = create_app(process)
    app.include_router(welcome_router(process))
    # Without a socket: while the API drains, its own requests still reach the registry.
    inside = Client.to("registry", process.settings.registry_url, transport=ASGITransport(app))
    process.clients = {"registry": inside}
    return _Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_LONGEST_REQUEST,
        )
    )


async def _hurry(server: uvicorn.Server, stop: Stop) -> None:
    await stop.at_once.wait()
    server.force_exit = True
