"""Every statement of solar."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Date,
    Numeric,
    Select,
    Text,
    Uuid,
    cast,
    insert,
    literal,
    select,
    update,
)

from libs.common.db.base import type_of_instant
from libs.common.db.recorded import recorded
from libs.common.db.statement import Given, param, statement
from libs.common.http.paging import paged
from services.solar.models import settlement, station

_AT = param("at", type_of_instant)
_ACTOR = param("actor", Text)
_ID = param("id", Uuid)


@statement
def register_station() -> Select[Any]:
    given = {
        "id": _ID,
        "division": param("division", Text),
        "name": param("name", Text),
        "kw": param("kw", Numeric),
        "connected_on": param("connected_on", Date),
        "version": literal(1),
    }
    changed = insert(station).values(given)
    answer = changed.returning(station.c.id.label("subject"), station.c.division)
    return recorded(answer.cte("changed"))


@statement
def station_by_id() -> Select[Any]:
    return select(station).where(station.c.id == _ID)


@paged(station.c.division, station.c.id)
def stations(_: Given) -> Select[Any]:
    """电站列表."""
    s = station.c
    return select(s.id, s.division, s.name, cast(s.kw, Text).label("kw"), s.connected_on)


@statement
def enter_settlement() -> Select[Any]:
    given = {
        "id": _ID,
        "station_id": param("station_id", Uuid),
        "division": param("division", Text),
        "period": param("period", Text),
        "kwh": param("kwh", Numeric),
        "grid_fen": param("grid_fen", BigInteger),
        "subsidy_fen": param("subsidy_fen", BigInteger),
        "state": literal("entered"),
        "entered_by": _ACTOR,
        "entered_at": _AT,
        "version": literal(1),
    }
    changed = insert(settlement).values(given)
    answer = changed.returning(settlement.c.id.label("subject"), settlement.c.division)
    return recorded(answer.cte("changed"))


@statement
def settlement_by_id() -> Select[Any]:
    return select(settlement).where(settlement.c.id == _ID)


@paged(settlement.c.division, settlement.c.id)
def settlements(given: Given) -> Select[Any]:
    """结算列表."""
    s = settlement.c
    page = select(
        *(s.id, s.station_id, s.division, s.period, cast(s.kwh, Text).label("kwh")),
        *(s.grid_fen, s.subsidy_fen, s.state, s.entered_by, s.confirmed_by, s.version),
    )
    if "station_id" in given:
        page = page.where(s.station_id == param("station_id", Uuid))
    return page


@statement
def confirm_settlement() -> Select[Any]:
    """No row when somebody else confirmed it first."""
    changed = (
        update(settlement)
        .where(settlement.c.id == _ID, settlement.c.state == "entered")
        .values(
            state="confirmed",
            confirmed_by=_ACTOR,
            confirmed_at=_AT,
            version=settlement.c.version + 1,
        )
        .returning(settlement.c.id.label("subject"), settlement.c.division)
    )
    return recorded(changed.cte("changed"))
