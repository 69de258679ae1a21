"""A service is a value; a process is a list of services."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from sqlalchemy import MetaData

from libs.common.db.database import Database
from libs.common.events.consumer import Reaction
from libs.common.process.jobs import JobKind


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


def door(service: str) -> Callable[[Request], Awaitable[Database]]:
    """The dependency that hands a route the database of its service."""

    async def database(request: Request) -> Database:
        opened: Database = request.app.state.process.databases[service]
        return opened

    return database
