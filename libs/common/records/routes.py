"""A service's sealed records, for auditors."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends
from starlette.responses import Response, StreamingResponse

from libs.common import clock
from libs.common.db.database import Database
from libs.common.dependencies import door
from libs.common.http.caller import Caller
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.http.wire import Answer, Day
from libs.common.records.export import export
from libs.common.records.seal import roots

WIDEST = 4
"""Digits of a prefecture: a chain holds every area's rows; who may not see them cannot check it."""


class Root(Answer):
    day: date
    root: str


class Roots(Answer):
    items: list[Root]


async def _all(begun: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield begun
    async for text in rest:
        yield text


def records_router(service: str) -> APIRouter:
    """`/{service}/v1/records`: the export that `weiyuan verify` checks, and the daily roots."""
    router = APIRouter(prefix=f"/{service}/v1/records", tags=["records 审计记录"])
    door_of = Depends(door(service))

    @router.get("/export")
    async def export_records(
        database: Annotated[Database, door_of],
        caller: Annotated[Caller, allowed("export_audit")],
        since: Day | None = None,
        until: Day | None = None,
    ) -> Response:
        """What was sealed from day to day (Asia/Shanghai), as NDJSON; today by default."""
        if len(caller.division or "") > WIDEST:
            raise Problem("not_found")
        today = clock.today()
        lines = export(database, since or today, until or today, area=caller.division or "")
        begun = await anext(lines)  # refused, if at all, before anything is sent
        return StreamingResponse(_all(begun, lines), media_type="application/x-ndjson")

    @router.get("/roots", response_model=Roots)
    async def daily_roots(
        database: Annotated[Database, door_of],
        caller: Annotated[Caller, allowed("read_seals")],
        since: Day | None = None,
        until: Day | None = None,
    ) -> Response:
        """日根: the last chain value of each day, to be kept where nobody here can change it."""
        today = clock.today()
        async with database.reading(caller.scope) as db:
            found = await roots(db, since or today, until or today)
        body = {"items": [{"day": day, "root": root.hex()} for day, root in found.items()]}
        return Response(orjson.dumps(body), media_type="application/json")

    return router
