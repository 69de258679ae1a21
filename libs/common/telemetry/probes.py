"""What measures a process from the inside: its requests, and the lag of its event loop."""

import asyncio
from time import perf_counter

from prometheus_client import Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.common.telemetry.metrics import HTTP_REQUESTS, LOOP_LAG

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MeasureRequests:
    """Time each request until its answer is sent, by route template: no path becomes a label."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._series: dict[tuple[str, str, int], Histogram] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        status = 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = perf_counter()
        try:
            await self._app(scope, receive, sending)
        finally:
            self._of(scope, status).observe(perf_counter() - began)

    def _of(self, scope: Scope, status: int) -> Histogram:
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        key = (method, route_template(scope), status)
        if (series := self._series.get(key)) is None:
            series = self._series[key] = HTTP_REQUESTS.labels(*key)
        return series


def route_template(scope: Scope) -> str:
    """`/registry/v1/households/{id}`; what no route matched is one value."""
    # FastAPI's own key: `scope["route"]` has the template without the prefixes around it.
    included = scope.get("fastapi", {}).get("effective_route_context")
    route = included or scope.get("route")
    return getattr(route, "path_format", None) or "unmatched"


async def watch_loop(every: float = 0.25) -> None:
    """Until cancelled: how late the event loop runs what is due."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + every
        await asyncio.sleep(every)
        LOOP_LAG.observe(max(0.0, loop.time() - due))
