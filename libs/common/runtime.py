"""What a process has open: databases, keys, clients; opened once, closed in reverse."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

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
from libs.common.settings import EMBEDDED_ISSUER, Settings, SettingsError

POOLS: Mapping[DatabaseRole, int] = {"app": 6, "self": 2, "public": 2, "worker": 4}
"""Connections of an API to each service's database, 14; the embedded system works on them too."""

WORKING_POOLS: Mapping[DatabaseRole, int] = {"worker": 6}
"""Of a worker: two jobs in two strands each, consumer, sealer; relay and jobs have one beside."""


@dataclass
class Process:
    """One process: the services it runs and what it has open for them."""

    settings: Settings
    services: Sequence[Service]
    databases: Mapping[str, Database]
    sealer: Sealer
    clauses: Mapping[str, Clauses]
    verifier: Verifier | None = None
    """None where nobody asks; then there are no clients and access logs either."""
    clients: Mapping[str, Client] = field(default_factory=dict)
    access_logs: Mapping[str, AccessLog] = field(default_factory=dict)
    draining: bool = False


@asynccontextmanager
async def opened(settings: Settings, services: Sequence[Service]) -> AsyncIterator[Process]:
    """Everything that people may ask these services for; whatever the bus does."""
    async with AsyncExitStack() as stack:
        process = await _opened(stack, settings, services, POOLS)
        process.verifier = await _verifier(stack, settings)
        registry = Client.to("registry", settings.registry_url)
        stack.push_async_callback(registry.close)
        process.clients = {"registry": registry}
        process.access_logs = {
            name: await stack.enter_async_context(AccessLog(database))
            for name, database in process.databases.items()
        }
        yield process


@asynccontextmanager
async def opened_to_work(settings: Settings, services: Sequence[Service]) -> AsyncIterator[Process]:
    """What the services' work needs, and nothing that only people ask for."""
    async with AsyncExitStack() as stack:
        yield await _opened(stack, settings, services, WORKING_POOLS)


@asynccontextmanager
async def opened_bus(settings: Settings) -> AsyncIterator[Bus]:
    """For those who work on it: an API starts and takes commands while the bus is down."""
    bus = await open_bus(settings.bus)
    try:
        yield bus
    finally:
        await bus.close()


async def _opened(
    stack: AsyncExitStack,
    settings: Settings,
    services: Sequence[Service],
    pools: Mapping[DatabaseRole, int],
) -> Process:
    clock.set_to(settings.clock)
    databases = {}
    for service in services:
        url = settings.database_url(service.name)
        databases[service.name] = database = await Database.open(service.name, url, sizes=pools)
        stack.push_async_callback(database.close)
    return Process(
        settings=settings,
        services=services,
        databases=databases,
        sealer=Sealer(_keys(settings)),
        clauses={service.name: Clauses.load(service.clauses) for service in services},
    )


async def _verifier(stack: AsyncExitStack, settings: Settings) -> Verifier:
    if settings.issuer == EMBEDDED_ISSUER and not settings.embedded:
        raise SettingsError("WEIYUAN_ISSUER: who issues the tokens, https://…")
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
    if not settings.embedded:
        raise SettingsError("WEIYUAN_JWKS_URL: where the issuer publishes its keys, https://…")
    return Issuer.of(settings.home, settings.audience).jwks


def _keys(settings: Settings) -> KeyRing:
    """The embedded system makes its own keys; a deployment brings them."""
    if settings.embedded and not settings.keys:
        return KeyRing.create(settings.key_folder, embedded=True)
    return KeyRing.load(settings.key_folder, embedded=settings.embedded)
