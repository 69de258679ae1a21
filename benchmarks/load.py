"""A load generator light enough not to be what is measured: kept connections, little parsing."""

import asyncio
from collections.abc import Iterator
from itertools import cycle
from random import Random
from time import perf_counter
from typing import Any

CONNECTIONS = 16
_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class Load:
    """As many requests as a server on loopback answers in `seconds`, over kept connections."""

    def __init__(self, port: int, requests: list[bytes], *, seconds: float) -> None:
        self._port, self._requests, self._seconds = port, requests, seconds
        self._random = Random(1)

    async def work(self) -> float:
        """Answers per run; anything but a 200 ends the run."""
        deadline = perf_counter() + self._seconds
        clients = [self._client(deadline) for _ in range(CONNECTIONS)]
        return sum(await asyncio.gather(*clients))

    async def _client(self, deadline: float) -> int:
        start = self._random.randrange(len(self._requests))
        requests = cycle(self._requests[start:] + self._requests[:start])
        loop = asyncio.get_running_loop()
        transport, client = await loop.create_connection(
            lambda: _Client(requests, deadline), "127.0.0.1", self._port
        )
        try:
            return await client.done
        finally:
            transport.close()


class _Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer to the last is complete."""

    def __init__(self, requests: Iterator[bytes], deadline: float) -> None:
        self._requests, self._deadline = requests, deadline
        self._answers, self._missing, self._head = 0, 0, b""
        self.done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(next(self._requests))

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._missing -= len(data)
        else:
            self._head += data
            if (end := self._head.find(_END)) < 0:
                return
            self._missing = self._length(end) - (len(self._head) - end - len(_END))
            self._head = b""
        if not self._missing:
            self._answered()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(error or ConnectionError("the server closed the connection"))

    def _length(self, end: int) -> int:
        head = self._head[:end]
        if not head.startswith(b"HTTP/1.1 200"):
            self.done.set_exception(RuntimeError(head.partition(b"\r\n")[0].decode()))
            self._transport.close()
            return 0
        at = head.lower().index(_LENGTH) + len(_LENGTH)
        return int(head[at : at + 10].partition(b"\r\n")[0])

    def _answered(self) -> None:
        if self.done.done():
            return
        self._answers += 1
        if perf_counter() < self._deadline:
            self._transport.write(next(self._requests))
        else:
            self.done.set_result(self._answers)


def get(path: str, token: str = "") -> bytes:
    authorization = f"Authorization: Bearer {token}\r\n" if token else ""
    return f"GET {path} HTTP/1.1\r\nHost: bench\r\n{authorization}\r\n".encode()
