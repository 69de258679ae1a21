"""Decisions, as anybody who may see the case can read them."""

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends
from sqlalchemy import Select, Uuid, select
from starlette.responses import Response

from libs.common.db.database import Database
from libs.common.db.statement import param, statement
from libs.common.dependencies import door
from libs.common.http.caller import Caller
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.language import wanted
from libs.common.policy.decisions import Decision
from libs.common.policy.storing import decision, restored


@statement
def _by_id() -> Select[Any]:
    return select(decision).where(decision.c.id == param("id", Uuid))


class ReadDecision(Decision, frozen=True):
    """A decision as it is read: with its id, whom it is about, and its reasons in words."""

    id: UUID
    subject: UUID
    reasons: list[str]


def decisions_router(service: str) -> APIRouter:
    """`/{service}/v1/decisions/{id}`."""
    router = APIRouter(prefix=f"/{service}/v1", tags=["decisions 认定决定"])

    @router.get("/decisions/{decision_id}", response_model=ReadDecision)
    async def read_decision(
        database: Annotated[Database, Depends(door(service))],
        caller: Annotated[Caller, allowed("read_decision")],
        decision_id: UUID,
    ) -> Response:
        """认定决定: outcome, clauses, facts, and the reasons in the reader's language."""
        async with database.reading(caller.scope) as db:
            found = await db.row(_by_id, id=decision_id)
        if found is None:
            raise Problem("not_found")
        return _document(found["id"], found["subject"], restored(found))

    return router


def _document(decision_id: UUID, subject: UUID, taken: Decision) -> Response:
    reasons: Sequence[str] = taken.explain(wanted())
    about = {"id": str(decision_id), "subject": str(subject), "reasons": reasons}
    body = orjson.dumps(about | taken.model_dump(mode="json"))
    return Response(body, media_type="application/json")
