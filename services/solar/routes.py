"""The HTTP edge of solar."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from libs.common import clock
from libs.common.db.database import Database
from libs.common.dependencies import client, door
from libs.common.facts import village_facts
from libs.common.http.caller import Caller
from libs.common.http.client import Client
from libs.common.http.idempotency import OnceByKey, OnceIfKeyed
from libs.common.http.paging import AskedPage, Items
from libs.common.http.permissions import allowed
from libs.common.http.wire import Created
from services.solar import actions, queries
from services.solar.schemas import Settlement, SettlementIn, Station, StationIn

router = APIRouter(prefix="/solar/v1", tags=["solar 光伏扶贫"])

Door = Annotated[Database, Depends(door("solar"))]
Registry = Annotated[Client, Depends(client("registry"))]


@router.post("/stations", status_code=201, response_model=Created)
async def register_station(
    door: Door,
    registry: Registry,
    caller: Annotated[Caller, allowed("register_station")],
    once: OnceIfKeyed,
    order: StationIn,
) -> Response:
    """电站登记: a village's own station, in a village that registry knows."""
    if answer := await once.answered(door, caller):
        return answer
    village = await village_facts(registry, order.division, clock.today())
    place = order.model_copy(update={"division": village.division})
    work = partial(actions.register_station, caller=caller, order=place)
    return await once.run(door, caller, work)


@router.get("/stations", response_model=Items[Station])
async def read_stations(
    door: Door, caller: Annotated[Caller, allowed("read_stations")], page: AskedPage
) -> Response:
    """电站列表 of the area."""
    async with door.reading(caller.scope) as db:
        return await page.of(db, queries.stations)


@router.post("/settlements", status_code=201, response_model=Created)
async def enter_settlement(
    door: Door,
    caller: Annotated[Caller, allowed("enter_settlement")],
    once: OnceByKey,
    order: SettlementIn,
) -> Response:
    """录入电费结算: a station's month in its two streams; another officer confirms it."""
    work = partial(actions.enter_settlement, caller=caller, order=order)
    return await once.run(door, caller, work)


@router.get("/settlements", response_model=Items[Settlement])
async def read_settlements(
    door: Door,
    caller: Annotated[Caller, allowed("read_stations")],
    page: AskedPage,
    station_id: UUID | None = None,
) -> Response:
    """结算列表 of the area, or of one station."""
    async with door.reading(caller.scope) as db:
        return await page.of(db, queries.settlements, station_id=station_id)


@router.post("/settlements/{settlement_id}/confirm", response_model=Created)
async def confirm_settlement(
    door: Door,
    caller: Annotated[Caller, allowed("confirm_settlement")],
    once: OnceByKey,
    settlement_id: UUID,
) -> Response:
    """确认电费结算: `pv_revenue_settled` tells every village's share."""
    work = partial(actions.confirm_settlement, caller=caller, settlement_id=settlement_id)
    return await once.run(door, caller, work)
