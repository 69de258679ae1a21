"""What follows from the facts: one statement for all households that a batch of events touched.

The result depends only on the facts and on what people decided, never on the order in which they
came: the stage falls back to draft when an employment has ended that nobody knew of when the need
was verified; the need is met while enough employments run that nobody has overruled; otherwise it
stands at its stage. People's decisions name the employments they knew, so that no two clocks are
compared and a corrected event is no news.
"""

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from sqlalchemy import ARRAY, ClauseElement, Text, Uuid, text

from libs.common import clock
from libs.common.db.base import type_of_instant
from libs.common.db.database import Connection
from libs.common.db.statement import param, statement

_SQL = Path(__file__).with_name("follow.sql")


@statement
def lock() -> ClauseElement:
    """The households' locks, in one order, so that two transactions never wait for each other."""
    return text(
        "SELECT pg_advisory_xact_lock(hashtextextended(household, 0))"
        " FROM unnest(:households) AS household ORDER BY household"
    ).bindparams(param("households", ARRAY(Text)))


@statement
def follow() -> ClauseElement:
    """Situations count running employments; job needs 就业需求 are met or return, with cause."""
    return text(_SQL.read_text("utf-8")).bindparams(
        param("households", ARRAY(Uuid)), param("at", type_of_instant)
    )


async def reconcile(db: Connection, households: Sequence[str]) -> None:
    await db.rows(lock, households=households)
    await db.rows(follow, households=[UUID(each) for each in households], at=clock.now())
