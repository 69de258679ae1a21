"""Which villages of an area a file may name: in force on the day, or led on by their successors."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, select

from libs.common.db.base import Code
from libs.common.db.database import Connection
from libs.common.db.statement import param, statement
from services.registry.codes import Level
from services.registry.models import division


class Place(NamedTuple):
    """What a code in a file stands for; `fault` is why it stands for nothing."""

    current: str | None
    fault: str | None = None


class _Row(NamedTuple):
    code: str
    since: date
    until: date | None
    successor: str | None


async def villages_of(connection: Connection, area: str, on: date) -> Mapping[str, Place]:
    """Every village-level code of the area, the closed ones too."""
    rows = {row["code"]: _Row(**row) for row in await connection.rows(_villages, area=area)}
    return {code: _place(code, rows, area, on) for code in rows}


def _place(code: str, rows: Mapping[str, _Row], area: str, on: date) -> Place:
    seen: set[str] = set()
    while (row := rows.get(code)) and row.until is not None and row.until <= on:
        seen.add(code)
        if row.successor is None or row.successor in seen:
            return Place(None, "village_closed")
        code = row.successor
    if row is None:
        return Place(None, "village_unknown" if code.startswith(area) else "outside_area")
    return Place(code) if row.since <= on else Place(None, "village_not_yet")


@statement
def _villages() -> Select[Any]:
    c, area = division.c, param("area", Code)
    within = and_(c.code >= area, c.code < area.op("||")(":"))
    return select(c.code, c.since, c.until, c.successor).where(c.level == Level.VILLAGE, within)
