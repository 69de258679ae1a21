"""The whole house in one process: every service on its own database, one bus, any caller."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from fastapi import FastAPI

from libs.common.app import create_app
from libs.common.events.bus import Bus
from libs.common.events.catalogue import publishers_of, topic_of
from libs.common.events.consumer import Consumer
from libs.common.events.envelope import to_record
from libs.common.events.event import Event
from libs.common.events.relay import Relay
from libs.common.http.client import Client
from libs.common.http.issuer import Issuer
from libs.common.http.roles import Role
from libs.common.runtime import Process, opened, opened_bus
from libs.common.settings import Settings
from services.employment.main import service as employment
from services.matching.main import service as matching
from services.registry.main import service as registry
from services.solar.main import service as solar
from tests.answers import Promises
from tests.databases import UrlOf

SERVICES = (registry, employment, solar, matching)


@cache
def _promises() -> Promises:
    return Promises(SERVICES)


@dataclass(frozen=True)
class Caller:
    """Somebody with a token of one role, and no other; every answer is as its document says."""

    http: httpx.AsyncClient
    token: str | None

    async def get(self, path: str, status: int = 200, **query: Any) -> Any:
        return self._read(await self.http.get(path, params=query, headers=self._headers()), status)

    async def post(
        self,
        path: str,
        body: Any = None,
        *,
        status: int,
        version: int | None = None,
        key: str | None = None,
        language: str = "en",
    ) -> Any:
        """With a fresh Idempotency-Key unless one is given."""
        headers = self._headers() | {
            "idempotency-key": key or uuid4().hex,
            "accept-language": language,
        }
        if version is not None:
            headers["if-match"] = f'"{version}"'
        return self._read(await self.http.post(path, json=body, headers=headers), status)

    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}"} if self.token else {}

    def _read(self, response: httpx.Response, status: int) -> Any:
        assert response.status_code == status, (response.status_code, response.text)
        body = response.json()
        request = response.request
        _promises().check(request.method, request.url.path, status, body)
        return body


@dataclass(frozen=True)
class House:
    process: Process
    bus: Bus
    app: FastAPI
    http: httpx.AsyncClient
    issuer: Issuer

    def caller(self, role: Role, division: str | None = None, **claims: Any) -> Caller:
        """A caller of one role; `subject` tells two of the same role apart."""
        return Caller(self.http, self.issuer.issue(role, division=division, **claims))

    def anybody(self) -> Caller:
        return Caller(self.http, None)

    def household(self, household: UUID) -> Caller:
        return self.caller(Role.HOUSEHOLD, household=household)

    async def drain(self) -> None:
        """Until every event written so far is on the bus and taken in."""
        await self.relay()
        for service in self.process.services:
            if service.reaction:
                database = self.process.databases[service.name]
                await Consumer(database, self.bus, service.reaction).drain()

    async def relay(self) -> None:
        """Outboxes to the bus, and no further."""
        for service in self.process.services:
            url = self.process.settings.database_url(service.name)
            await Relay(service.name, url, self.bus).drain()

    async def hear(self, *events: Event) -> None:
        """Events reach the bus in this order, as their first publisher would send them."""
        await self.tell(*events)
        await self.drain()

    async def tell(self, *events: Event) -> None:
        """The same, and nobody takes them in yet."""
        await self.bus.publish([to_record(outgoing(event)) for event in events])

    def on(self, bus: Bus) -> "House":
        """The same house on another bus (around its own)."""
        return replace(self, bus=bus)


def outgoing(event: Event) -> dict[str, Any]:
    """The row of the outbox that its first publisher would write."""
    return {
        "topic": topic_of(publishers_of(type(event))[0], type(event)),
        "key": event.key,
        "type": event.type,
        "event_id": event.event_id,
        "time": event.time,
        "traceparent": None,
        "data": event.data(),
    }


@asynccontextmanager
async def house_at(home: Path, url_of: UrlOf, **settings: Any) -> AsyncIterator[House]:
    """A house whose databases are the module's own; services reach each other without a socket."""
    given = await _settings(home, url_of, settings)
    async with opened(given, SERVICES) as process, opened_bus(given) as bus:
        app = create_app(process)
        transport = httpx.ASGITransport(app)
        asking = Client.to("registry", "http://registry", transport=transport)
        process = replace(process, clients={"registry": asking})
        app.state.process = process
        async with httpx.AsyncClient(transport=transport, base_url="http://weiyuan") as http:
            yield House(process, bus, app, http, Issuer.of(home, process.settings.audience))
        await asking.close()


async def _settings(home: Path, url_of: UrlOf, given: Mapping[str, Any]) -> Settings:
    urls = {f"{each.name}_database_url": await url_of(each.name) for each in SERVICES}
    bus = (await url_of("bus")).replace("{role}", "worker")
    own = {"home": home, "embedded": True, "bus_url": bus, "registry_url": "http://registry"}
    return Settings(**{**own, **urls, **given})
