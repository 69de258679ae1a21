"""How fresh an answer built from events is, and waiting until it holds a given event."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ClauseElement, Text, Uuid, exists, func, select

from libs.common import clock
from libs.common.db.database import Connection
from libs.common.db.statement import param, statement
from libs.common.events.tables import inbox, progress
from libs.common.http.problems import Problem

PATIENCE = 2.0
_PAUSE = 0.02


@statement
def _as_of() -> ClauseElement:
    """As fresh as the place that is read least."""
    return select(func.min(progress.c.as_of)).where(progress.c.consumer == param("consumer", Text))


@statement
def _has() -> ClauseElement:
    mine = inbox.c.consumer == param("consumer", Text)
    return select(exists().where(mine, inbox.c.event_id == param("event_id", Uuid)))


async def freshness(db: Connection, consumer: str) -> dict[str, Any]:
    """`as_of`: every event on the bus by then is in the answer; `lag_ms`: how long ago that was."""
    as_of: datetime | None = await db.one(_as_of, consumer=consumer)
    if as_of is None:
        return {"as_of": None, "lag_ms": None}
    return {"as_of": as_of, "lag_ms": max(0, int((clock.now() - as_of).total_seconds() * 1000))}


async def wait_for(db: Connection, consumer: str, event_id: UUID | None) -> None:
    """Return when the consumer has the event; `not_yet` (409) after two seconds."""
    if event_id is None:
        return
    end = asyncio.get_running_loop().time() + PATIENCE
    while not await db.one(_has, consumer=consumer, event_id=event_id):
        if asyncio.get_running_loop().time() > end:
            raise Problem("not_yet", after=event_id, **await freshness(db, consumer))
        await asyncio.sleep(_PAUSE)
