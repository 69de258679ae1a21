"""Probes: `/livez` says that the loop turns, `/readyz` that requests can be served."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import asyncpg
import orjson
from fastapi import APIRouter
from starlette.responses import Response

from libs.common.db.database import Database, Scope
from libs.common.db.migrate import REVISIONS, Schema
from libs.common.http.errors import UNAVAILABLE

_PATIENCE = 2.0
_NOT_READY: tuple[type[Exception], ...] = (*UNAVAILABLE, asyncpg.PostgresError)


def health_router(
    databases: Mapping[str, Database],
    schemas: Mapping[str, Schema],
    *,
    scope: Scope,
    draining: Callable[[], bool],
) -> APIRouter:
    """`schemas` is what each service's code expects; `scope` is one that the process has."""
    router = APIRouter(include_in_schema=False)

    @router.get("/livez")
    async def livez() -> Response:
        return Response(b'{"alive":true}', media_type="application/json")

    @router.get("/readyz")
    async def readyz() -> Response:
        """Without a reason why not; the reasons are words for operators, not data."""
        reasons = [reason async for reason in _reasons()]
        body = orjson.dumps({"ready": not reasons, "reasons": reasons})
        return Response(body, 503 if reasons else 200, media_type="application/json")

    async def _reasons() -> AsyncIterator[str]:
        if draining():
            yield "draining"
        for service, database in databases.items():
            try:
                at = await asyncio.wait_for(_revisions(database, scope), _PATIENCE)
            except _NOT_READY:
                yield f"{service}: the database does not answer"
                continue
            if schemas[service].lacks(at):
                yield f"{service}: the schema is not at the revision that the code expects"

    return router


async def _revisions(database: Database, scope: Scope) -> frozenset[str]:
    async with database.reading(scope) as connection:
        return frozenset(row["version_num"] for row in await connection.fetch(REVISIONS))
