"""Sending a file to be imported, and reading what was wrong with its rows."""

from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response, StreamingResponse

from libs.common import clock
from libs.common.bulk.formats import format_of
from libs.common.db.database import Database
from libs.common.dependencies import door, sealer
from libs.common.http.caller import Caller
from libs.common.http.malformed import at
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.http.wire import Day
from libs.common.language import Words
from libs.common.people.sealing import Sealer
from libs.common.process.routes import Accepted, accepted
from services.registry.imports import faults, received
from services.registry.imports.received import Asked

router = APIRouter(prefix="/registry/v1/imports", tags=["imports 导入"])

Door = Annotated[Database, Depends(door("registry"))]
Sealed = Annotated[Sealer, Depends(sealer)]
_FILE = {
    "requestBody": {
        "required": True,
        "description": "The file itself, as it is.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}


class ErrorsForm(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"


async def _query(
    filename: Annotated[
        str,
        Query(max_length=255, description="Its ending tells the form: .csv .ndjson .xlsx, or .gz."),
    ],
    on: Annotated[
        Day | None, Query(description="The day the data are of (数据截止日期); today by default.")
    ] = None,
    dry_run: Annotated[bool, Query(description="Report what is wrong and enter nothing.")] = False,
) -> dict[str, Any]:
    today = clock.today()
    if on and on > today:
        message: Words = {"zh": "不应晚于今天", "en": "should not be later than today"}
        raise at("query", "on", "future", message)
    return {"form": format_of(filename), "on": on or today, "dry_run": dry_run}


What = Annotated[dict[str, Any], Depends(_query)]


@router.post("/divisions", status_code=202, response_model=Accepted, openapi_extra=_FILE)
async def import_divisions(
    request: Request,
    database: Door,
    sealer: Sealed,
    caller: Annotated[Caller, allowed("import_divisions")],
    what: What,
) -> Response:
    """行政区划: code, parent, level, name; since, until and successor where known."""
    asked = Asked(kind="import_divisions", **what)
    return accepted(
        "registry", await received.receive(request.stream(), database, sealer, caller, asked)
    )


@router.post("/village-classes", status_code=202, response_model=Accepted, openapi_extra=_FILE)
async def import_village_classes(
    request: Request,
    database: Door,
    sealer: Sealed,
    caller: Annotated[Caller, allowed("import_village_classes")],
    what: What,
) -> Response:
    """四类村: village, class, since, source."""
    asked = Asked(kind="import_village_classes", **what)
    return accepted(
        "registry", await received.receive(request.stream(), database, sealer, caller, asked)
    )


@router.post("/roster", status_code=202, response_model=Accepted, openapi_extra=_FILE)
async def import_roster(
    request: Request,
    database: Door,
    sealer: Sealed,
    caller: Annotated[Caller, allowed("import_roster")],
    what: What,
) -> Response:
    """建档立卡名册: one row for each person, as the national system exports it."""
    asked = Asked(kind="import_roster", **what)
    return accepted(
        "registry", await received.receive(request.stream(), database, sealer, caller, asked)
    )


@router.get("/{job_id}/errors")
async def errors(
    database: Door,
    caller: Annotated[Caller, allowed("read_job")],
    job_id: UUID,
    form: Annotated[ErrorsForm, Query(alias="format")] = ErrorsForm.CSV,
) -> Response:
    """Each fault of each row: row, column, masked value, and the reason in both languages."""
    async with database.reading(caller.scope) as connection:
        if not await connection.one(faults.exists, job_id=job_id):
            raise Problem("not_found")
    kinds = {ErrorsForm.CSV: "text/csv; charset=utf-8", ErrorsForm.NDJSON: "application/x-ndjson"}
    name = f"errors-{job_id}.{form}"
    return StreamingResponse(
        faults.report(database, caller.scope, job_id, form),
        media_type=kinds[form],
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
