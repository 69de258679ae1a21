"""Watching a job: how far it is, what came of it, where its files are."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import asyncpg
import orjson
from fastapi import APIRouter, Depends
from sqlalchemy import Select, Uuid, select
from starlette.responses import JSONResponse, Response

from libs.common.db.database import Database
from libs.common.db.statement import param, statement
from libs.common.dependencies import door
from libs.common.http.caller import Caller
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.http.wire import Answer, ProblemAnswer
from libs.common.language import localise, wanted
from libs.common.process.jobs import JobKind
from libs.common.process.storing import State, job


class Progress(Answer):
    """How far the work came; `total` is null while it cannot be told."""

    phase: str
    done: int
    total: int | None


class JobAnswer(Answer):
    """后台任务."""

    id: UUID
    kind: str
    state: State
    division: str | None
    created_at: datetime
    updated_at: datetime
    progress: Progress
    result: dict[str, Any] | None
    error: ProblemAnswer | None
    links: dict[str, str]


class Accepted(Answer):
    """Long work has been queued; its address is in the Location header too."""

    id: UUID
    href: str


@statement
def _by_id() -> Select[Any]:
    return select(job).where(job.c.id == param("id", Uuid))


def jobs_router(service: str, kinds: Sequence[JobKind]) -> APIRouter:
    """`/{service}/v1/jobs/{id}`, for whoever may see the division that asked for it."""
    router = APIRouter(prefix=f"/{service}/v1", tags=["jobs 后台任务"])
    files = {kind.name: kind.files for kind in kinds}

    @router.get("/jobs/{job_id}", response_model=JobAnswer)
    async def read_job(
        database: Annotated[Database, Depends(door(service))],
        caller: Annotated[Caller, allowed("read_job")],
        job_id: UUID,
    ) -> Response:
        """State and progress; at the end the result, or the problem that ended it."""
        async with database.reading(caller.scope) as connection:
            found = await connection.row(_by_id, id=job_id)
        if found is None:
            raise Problem("not_found")
        links = {
            name: place.format(id=job_id) for name, place in files.get(found["kind"], {}).items()
        }
        return Response(_document(found, links), media_type="application/json")

    return router


def accepted(service: str, job_id: UUID) -> Response:
    href = f"/{service}/v1/jobs/{job_id}"
    return JSONResponse({"id": str(job_id), "href": href}, 202, headers={"Location": href})


def _document(found: asyncpg.Record, links: dict[str, str]) -> bytes:
    language = wanted()
    named = ("id", "kind", "state", "division", "created_at", "updated_at")
    progress = {name: found["progress"].get(name) for name in ("phase", "done", "total")}
    error = None
    if found["error"]:
        said = orjson.loads(found["error"])
        error = Problem(said["code"], **said["params"]).body(language)
    shown = {
        **{name: found[name] for name in named},
        "progress": progress,
        "result": localise(found["result"], language),
        "error": error,
        "links": links,
    }
    return orjson.dumps(shown, default=str)
