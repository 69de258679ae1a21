"""What a route asks its process for, each as a FastAPI dependency."""

from collections.abc import Awaitable, Callable

from fastapi import Request

from libs.common.db.database import Database
from libs.common.http.client import Client
from libs.common.http.permissions import bearer
from libs.common.people.sealing import Sealer
from libs.common.policy.clauses import Clauses
from libs.common.records.access import AccessLog
from libs.common.runtime import Process


def _process(request: Request) -> Process:
    process: Process = request.app.state.process
    return process


def door(service: str) -> Callable[[Request], Awaitable[Database]]:
    """The database of a service."""

    async def database(request: Request) -> Database:
        return _process(request).databases[service]

    return database


def access_log(service: str) -> Callable[[Request], Awaitable[AccessLog]]:
    """Where a service notes masked readings."""

    async def log(request: Request) -> AccessLog:
        return _process(request).access_logs[service]

    return log


def clauses(service: str) -> Callable[[Request], Awaitable[Clauses]]:
    """The clauses 条款 of a service."""

    async def known(request: Request) -> Clauses:
        return _process(request).clauses[service]

    return known


def client(service: str) -> Callable[[Request], Awaitable[Client]]:
    """Another service, called with the token of the request, so that areas hold there too."""

    async def on_behalf(request: Request) -> Client:
        return _process(request).clients[service].on_behalf_of(bearer(request))

    return on_behalf


async def sealer(request: Request) -> Sealer:
    """What opens sealed values."""
    return _process(request).sealer
