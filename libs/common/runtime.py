"""What a process has open: databases, bus, keys, clients; opened once, closed in reverse."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx

from libs.common import clock
from libs.common.db.database import Database, DatabaseRole
from libs.common.events.bus import Bus, open_bus
from libs.common.http.client import Client
from libs.common.http.issuer import Issuer
from libs.common.http.keys import Fetch, KeySet, published_at
from libs.common.http.tokens import Verifier
from libs.common.people.keys import KeyRing
from libs.common.people.sealing import Sealer
from libs.common.policy.clauses import Clauses
from libs.common.records.access import AccessLog
from libs.common.service import Service
from libs.common.settings import Settings

POOLS: Mapping[DatabaseRole, int] = {"app": 6, "self": 2, "public": 2, "worker": 4}
"""Connections per service and process; with relay and consumer 16, well below the server's 200."""


@dataclass
class Process:
    """One process: the services it runs and what it has open for them."""

    settings: Settings
    services: Sequence[Service]
    databases: Mapping[str, Database]
    bus: Bus
    verifier: Verifier
    sealer: Sealer
    clients: Mapping[str, Client]
    access_logs: Mapping[str, AccessLog]
    clauses: Mapping[str, Clauses]
    draining: bool = False


@asynccontextmanager
async def opened(settings: Settings, services: Sequence[Service]) -> AsyncIterator[Process]:
    """Everything that `settings` names, for these services."""
    clock.set_to(settings.clock)
    async with AsyncExitStack() as stack:
        databases = {
            service.name: await _database(stack, settings, service) for service in services
        }
        bus = await open_bus(settings.bus_url)
        stack.push_async_callback(bus.close)
        registry = Client.to("registry", settings.registry_url)
        stack.push_async_callback(registry.close)
        yield Process(
            settings=settings,
            services=services,
            databases=databases,
            bus=bus,
            verifier=await _verifier(stack, settings),
            sealer=Sealer(_keys(settings)),
            clients={"registry": registry},
            access_logs={
                name: await stack.enter_async_context(AccessLog(database))
                for name, database in databases.items()
            },
            clauses={service.name: Clauses.load(service.clauses) for service in services},
        )


async def _database(stack: AsyncExitStack, settings: Settings, service: Service) -> Database:
    url = settings.database_url(service.name)
    database = await Database.open(service.name, url, sizes=POOLS)
    stack.push_async_callback(database.close)
    return database


async def _verifier(stack: AsyncExitStack, settings: Settings) -> Verifier:
    return Verifier(
        KeySet(await _published_keys(stack, settings)),
        issuer=settings.issuer,
        audience=settings.audience,
        embedded=settings.embedded,
    )


async def _published_keys(stack: AsyncExitStack, settings: Settings) -> Fetch:
    if settings.jwks_url:
        http = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        return published_at(settings.jwks_url, http)
    return Issuer.of(settings.home, settings.audience).jwks


def _keys(settings: Settings) -> KeyRing:
    """The embedded system makes its own keys; a deployment brings them."""
    if settings.embedded and not settings.keys:
        return KeyRing.create(settings.key_folder, embedded=True)
    return KeyRing.load(settings.key_folder, embedded=settings.embedded)
