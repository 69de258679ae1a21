"""Limits: how often somebody may ask, and how much they may send at once."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.http.problems import Problem

_PROBES = frozenset({"/livez", "/readyz", "/metrics"})
_MOST = 10_000
_REFUSED_COST = 5


@dataclass(frozen=True)
class Limits:
    """Per process. `larger` gives single paths (by their beginning) more room for a body."""

    rate: float = 200.0
    burst: int = 1000
    body: int = 1 << 20
    larger: Mapping[str, int] = field(default_factory=dict)


class Buckets:
    """Token buckets as one number each: the time at which a caller's bucket is full again.

    At most ten thousand are remembered; who has not asked for longest is forgotten first.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._interval, self._room = 1 / rate, burst / rate
        self._full_at: dict[int, float] = {}

    def wait(self, key: int, now: float) -> float:
        """Seconds until one request is possible; 0 when it is now."""
        full_in = self._full_at.get(key, now) + self._interval - now
        return max(0.0, round(full_in - self._room, 6))

    def take(self, key: int, now: float, cost: int = 1) -> None:
        full_at = max(self._full_at.pop(key, now), now) + cost * self._interval
        self._full_at[key] = min(full_at, now + self._room)
        if len(self._full_at) > _MOST:
            del self._full_at[next(iter(self._full_at))]

    def left(self, key: int, now: float) -> tuple[int, int]:
        """Requests that are possible at once, and seconds until the bucket is full."""
        missing = max(0.0, self._full_at.get(key, now) - now)
        return int((self._room - missing) / self._interval), int(missing + 0.999)


class RateLimit:
    """A bucket for each token, and one for each address: requests without a token and those refused
    with 401 count against the address, so that guessing tokens is no way around."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._buckets = Buckets(limits.rate, limits.burst)
        window = max(1, round(limits.burst / limits.rate))
        self._policy = f'"default";q={limits.burst};w={window}'.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _PROBES:
            await self._app(scope, receive, send)
            return
        now = time.monotonic()
        address, key = _keys(scope)
        if wait := max(self._buckets.wait(key, now), self._buckets.wait(address, now)):
            problem = Problem("rate_limited", retry_after=int(wait) + 1)
            await problem.response()(scope, receive, self._telling(send, address, key))
            return
        self._buckets.take(key, now)
        await self._app(scope, receive, self._telling(send, address, key))

    def _telling(self, send: Send, address: int, key: int) -> Send:
        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                now = time.monotonic()
                if message["status"] == 401:
                    self._buckets.take(address, now, _REFUSED_COST)
                left, full_in = self._buckets.left(key, now)
                state = b'"default";r=%d;t=%d' % (left, full_in)
                policy = (b"ratelimit-policy", self._policy)
                message["headers"] = [*message["headers"], policy, (b"ratelimit", state)]
            await send(message)

        return telling


def _keys(scope: Scope) -> tuple[int, int]:
    """Hashes of the address and of the token: to share a bucket by chance harms nobody."""
    client = scope.get("client")
    address = hash(client[0] if client else None)
    for name, value in scope["headers"]:
        if name == b"authorization":
            return address, hash(value)
    return address, address


class BodyLimit:
    """413 for a body that is too large, announced or counted."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app, self._limits = app, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limit(scope["path"])
        if _announced(scope) > limit:
            await Problem("payload_too_large", limit=limit).response()(scope, receive, send)
            return
        await self._app(scope, _counted(receive, limit), send)

    def _limit(self, path: str) -> int:
        larger = (size for start, size in self._limits.larger.items() if path.startswith(start))
        return max(larger, default=self._limits.body)


def _announced(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _counted(receive: Receive, limit: int) -> Receive:
    read = 0

    async def counted() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > limit:
            # FastAPI turns any other exception while it reads a body into a 400.
            raise HTTPException(413)
        return message

    return counted
