"""Serving until a signal, and the order in which what was begun ends."""

import asyncio
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress

import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cli.say import fail

_LONGEST_REQUEST = 30
_LAST_WORDS = 1.0
_KEPT_ALIVE = 75
"""Longer than gateways keep an idle connection, so that it is never we who hang up on a request."""


class Stop:
    """Ctrl-C or SIGTERM: the first lets everything finish, the second waits for no request."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.at_once = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._ask)

    def _ask(self) -> None:
        (self.at_once if self.asked.is_set() else self.asked).set()

    async def rest(self, seconds: float) -> None:
        """Cut short by the second signal."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.at_once.wait()


def bound(host: str, port: int, *, remedy: str) -> socket.socket:
    """Taken before anything is started, so that a second system ends where it began."""
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except (OSError, OverflowError) as error:
        listening.close()
        fail(
            f"端口 {port} 无法使用（{error}）：请用 {remedy} 指定其他端口。",
            f"Port {port} cannot be used ({error}): name another with {remedy}.",
        )
    return listening


@asynccontextmanager
async def answering(
    app: FastAPI, listening: socket.socket, stop: Stop, *, proxies: str = ""
) -> AsyncIterator[None]:
    """The app listens; on leaving, what was taken in is answered, and then nobody listens."""
    server = _Server(_LastAnswer(app, stop.asked), proxies)
    async with asyncio.TaskGroup() as parts:
        serving = parts.create_task(server.serve([listening]))
        hurrying = parts.create_task(_hurry(server, stop))
        await server.listens.wait()
        try:
            yield
        finally:
            server.should_exit = True
            await serving
            hurrying.cancel()


class _LastAnswer:
    """Once the end is near, each answer is its connection's last: the next request goes elsewhere.

    An idle connection that is closed under a client may meet the client's next request on the way.
    """

    def __init__(self, app: ASGIApp, ending: asyncio.Event) -> None:
        self._app, self._ending = app, ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and self._ending.is_set():
                message["headers"] = [*message["headers"], (b"connection", b"close")]
            await send(message)

        await self._app(scope, receive, sending)


class _Server(uvicorn.Server):
    """Leaves the signals to `Stop`, and tells when it listens."""

    def __init__(self, app: ASGIApp, proxies: str) -> None:
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_keep_alive=_KEPT_ALIVE,
            timeout_graceful_shutdown=_LONGEST_REQUEST,
        )
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Whoever got through to us is let in, and has a moment to say what they came for."""
        let_in = [each for listening in sockets or [] for each in _waiting(listening)]
        for server in self.servers:
            server.close()
        for connection in let_in:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS):
                while self.server_state.connections and not self.force_exit:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _waiting(listening: socket.socket) -> Iterator[socket.socket]:
    """Connections that the kernel has made for us; the closed listener would reset them."""
    with suppress(BlockingIOError):
        while True:
            connection, _ = listening.accept()
            connection.setblocking(False)
            yield connection


async def _hurry(server: uvicorn.Server, stop: Stop) -> None:
    """Nobody is waited for: requests are cancelled, so that what they hold is given back."""
    await stop.at_once.wait()
    server.force_exit = True
    for task in server.server_state.tasks:
        task.cancel()
