"""What solar does: each function is one business transaction."""

from uuid import UUID

from asyncpg import UniqueViolationError

from libs.common import clock
from libs.common.db.database import Connection
from libs.common.events.catalogue.solar import (
    PvRevenueSettled,
    PvStationConnected,
    StationKind,
    VillagePower,
    VillageShare,
)
from libs.common.http.caller import Caller
from libs.common.http.idempotency import Done
from libs.common.http.problems import Problem
from libs.common.ids import new_id
from services.solar import queries
from services.solar.schemas import SettlementIn, StationIn


async def register_station(db: Connection, *, caller: Caller, order: StationIn) -> Done:
    """电站登记: a station of one village, from the day it was connected."""
    station_id = new_id()
    kw = format(order.kw, "f")
    event = PvStationConnected(
        aggregate_id=station_id,
        version=1,
        station_id=station_id,
        division=order.division,
        kind=StationKind.VILLAGE,
        kw=kw,
        villages=(VillagePower(division=order.division, kw=kw),),
        since=order.connected_on,
    )
    await db.command(
        queries.register_station,
        trace=caller.trace("register_station"),
        events=[event],
        id=station_id,
        **order.model_dump(),
    )
    return Done(station_id, event.event_id)


async def enter_settlement(db: Connection, *, caller: Caller, order: SettlementIn) -> Done:
    """录入: what the slip says; nothing is settled before somebody else has confirmed it."""
    station = await db.row(queries.station_by_id, id=order.station_id)
    if station is None:
        raise Problem("not_found")
    if order.period < station["connected_on"].strftime("%Y-%m"):
        raise Problem("before_connection", connected_on=station["connected_on"])
    if order.period > clock.today().strftime("%Y-%m"):
        raise Problem("month_to_come", period=order.period)
    settlement_id = new_id()
    try:
        await db.command(
            queries.enter_settlement,
            trace=caller.trace("enter_settlement", period=order.period),
            id=settlement_id,
            division=station["division"],
            actor=caller.subject,
            at=clock.now(),
            **order.model_dump(),
        )
    except UniqueViolationError:
        raise Problem("settled_already", period=order.period) from None
    return Done(settlement_id)


async def confirm_settlement(db: Connection, *, caller: Caller, settlement_id: UUID) -> Done:
    """确认: by another officer; from then on the village's share is known to everybody."""
    found = await db.row(queries.settlement_by_id, id=settlement_id)
    if found is None:
        raise Problem("not_found")
    if found["state"] != "entered":
        raise Problem("illegal_transition", state=found["state"], verb="confirm", allowed=[])
    if found["entered_by"] == caller.subject:
        raise Problem("same_person")
    amounts = {"grid_fen": found["grid_fen"], "subsidy_fen": found["subsidy_fen"]}
    event = PvRevenueSettled(
        aggregate_id=settlement_id,
        version=found["version"] + 1,
        station_id=found["station_id"],
        period=found["period"],
        kwh=format(found["kwh"], "f"),
        shares=(VillageShare(division=found["division"], **amounts),),
        **amounts,
    )
    changed = await db.command(
        queries.confirm_settlement,
        trace=caller.trace("confirm_settlement", period=found["period"]),
        events=[event],
        id=settlement_id,
        actor=caller.subject,
        at=clock.now(),
    )
    if changed is None:
        raise Problem("stale_version", version=found["version"])
    return Done(settlement_id, event.event_id, status=200)
