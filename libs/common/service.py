"""A service is a value; a process is a list of services."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from sqlalchemy import MetaData

from libs.common.db.database import Database
from libs.common.events.consumer import Reaction
from libs.common.http.client import Client
from libs.common.http.permissions import bearer
from libs.common.people.sealing import Sealer
from libs.common.policy.clauses import Clauses
from libs.common.policy.decisions import ClauseSet
from libs.common.process.jobs import JobKind
from libs.common.records.access import AccessLog


@dataclass(frozen=True)
class Service:
    """What a service brings to a process; what it does not have stays empty."""

    name: str
    router: APIRouter
    models: MetaData
    migrations: Path
    reaction: Reaction | None = None
    jobs: Sequence[JobKind] = ()
    clauses: Sequence[Path] = ()
    clause_sets: Mapping[str, ClauseSet[Any]] = field(default_factory=dict)


def door(service: str) -> Callable[[Request], Awaitable[Database]]:
    """The dependency that hands a route the database of its service."""

    async def database(request: Request) -> Database:
        opened: Database = request.app.state.process.databases[service]
        return opened

    return database


def access_log(service: str) -> Callable[[Request], Awaitable[AccessLog]]:
    """The dependency that notes the masked readings of a service."""

    async def log(request: Request) -> AccessLog:
        opened: AccessLog = request.app.state.process.access_logs[service]
        return opened

    return log


async def sealer(request: Request) -> Sealer:
    """The dependency that opens what is sealed."""
    opened: Sealer = request.app.state.process.sealer
    return opened


def client(service: str) -> Callable[[Request], Awaitable[Client]]:
    """The dependency that calls another service with the token of the request."""

    async def opened_client(request: Request) -> Client:
        opened: Client = request.app.state.process.clients[service]
        return opened.on_behalf_of(bearer(request))

    return opened_client


def clauses(service: str) -> Callable[[Request], Awaitable[Clauses]]:
    """The dependency that knows the service's clauses 条款."""

    async def known(request: Request) -> Clauses:
        loaded: Clauses = request.app.state.process.clauses[service]
        return loaded

    return known
