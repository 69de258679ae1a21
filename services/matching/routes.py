"""The need board's HTTP edge."""

from functools import partial
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from libs.common import clock
from libs.common.db.database import Database
from libs.common.dependencies import client, door
from libs.common.events.freshness import freshness, wait_for
from libs.common.facts import household_facts
from libs.common.http.caller import Caller
from libs.common.http.client import Client
from libs.common.http.idempotency import OnceIfKeyed
from libs.common.http.paging import AskedPage
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.http.wire import Created, IfMatch, document
from libs.common.places import Area, VillageCode
from services.matching import actions, queries
from services.matching.schemas import Card, Change, Need, NeedIn, Needs, NeedState, VillageCard

BOARD = "matching"
router = APIRouter(prefix="/matching/v1", tags=["need board 需求对接"])

Door = Annotated[Database, Depends(door(BOARD))]
Registry = Annotated[Client, Depends(client("registry"))]
After = Annotated[UUID | None, Query(description="Wait until the board has this event.")]


@router.post("/needs", status_code=201, response_model=Created)
async def capture_need(
    door: Door,
    registry: Registry,
    caller: Annotated[Caller, allowed("capture_need")],
    once: OnceIfKeyed,
    order: NeedIn,
) -> Response:
    """需求登记: capture a household's need as a draft."""
    if answer := await once.answered(door, caller):
        return answer
    facts = await household_facts(registry, order.household_id, clock.today())
    work = partial(actions.capture, caller=caller, order=order, facts=facts)
    return await once.run(door, caller, work)


@router.post("/needs/{need_id}/verify", response_model=Created)
async def verify_need(
    door: Door,
    caller: Annotated[Caller, allowed("verify_need")],
    once: OnceIfKeyed,
    need_id: UUID,
    version: IfMatch,
) -> Response:
    """核实: the village has seen that the need is real."""
    work = partial(actions.take, caller=caller, need_id=need_id, verb="verify", version=version)
    return await once.run(door, caller, work)


@router.post("/needs/{need_id}/publish", response_model=Created)
async def publish_need(
    door: Door,
    caller: Annotated[Caller, allowed("publish_need")],
    once: OnceIfKeyed,
    need_id: UUID,
    version: IfMatch,
) -> Response:
    """发布: the town shows the need to those who can help; not by who captured or verified it."""
    work = partial(actions.take, caller=caller, need_id=need_id, verb="publish", version=version)
    return await once.run(door, caller, work)


@router.post("/needs/{need_id}/overrule", response_model=Created)
async def overrule(
    door: Door,
    caller: Annotated[Caller, allowed("undo_automatic_change")],
    once: OnceIfKeyed,
    need_id: UUID,
    version: IfMatch,
) -> Response:
    """撤销自动变更: the need is not met after all; only later events count again."""
    work = partial(actions.take, caller=caller, need_id=need_id, verb="overrule", version=version)
    return await once.run(door, caller, work)


@router.post("/needs/{need_id}/withdraw", response_model=Created)
async def withdraw_need(
    door: Door,
    caller: Annotated[Caller, allowed("withdraw_need")],
    once: OnceIfKeyed,
    need_id: UUID,
) -> Response:
    """撤回: at any time and without a reason; consent is withdrawn with it."""
    work = partial(actions.take, caller=caller, need_id=need_id, verb="withdraw", version=None)
    return await once.run(door, caller, work)


@router.get("/needs", response_model=Needs)
async def read_needs(
    door: Door,
    caller: Annotated[Caller, allowed("read_needs")],
    page: AskedPage,
    category: Annotated[str | None, Query(max_length=32)] = None,
    state: NeedState | None = None,
    division: Area = None,
    household_id: UUID | None = None,
    after: After = None,
) -> Response:
    """需求列表: an official's area, a household's own, or the published cards for anybody."""
    filters: dict[str, Any] = {"category": category, "state": state, "division": division}
    if not caller.sees_only_published:
        filters["household_id"] = household_id
    async with door.reading(caller.scope) as db:
        await wait_for(db, BOARD, after)
        fresh = await freshness(db, BOARD)
        rows = queries.cards if caller.sees_only_published else queries.needs
        return await page.of(db, rows, beside=fresh, **filters)


@router.get("/needs/{need_id}", response_model=Need | Card)
async def read_need(
    door: Door,
    caller: Annotated[Caller, allowed("read_needs")],
    need_id: UUID,
    after: After = None,
) -> Response:
    """One need, as far as the caller may see it."""
    shown = queries.card_json if caller.sees_only_published else queries.need_json
    async with door.reading(caller.scope) as db:
        await wait_for(db, BOARD, after)
        return document(await db.one(shown, id=need_id))


@router.get("/needs/{need_id}/history", response_model=list[Change])
async def read_need_history(
    door: Door,
    caller: Annotated[Caller, allowed("read_need_history")],
    need_id: UUID,
    after: After = None,
) -> Response:
    """需求沿革: every change with the person or the event that caused it."""
    async with door.reading(caller.scope) as db:
        await wait_for(db, BOARD, after)
        found = await db.one(queries.history, need_id=need_id)
    if found == b"[]":  # every need has begun somehow: this one is not theirs to see
        raise Problem("not_found")
    return document(found)


@router.get("/villages/{code}", response_model=VillageCard)
async def read_village_card(
    door: Door,
    caller: Annotated[Caller, allowed("read_village_card")],
    code: VillageCode,
    after: After = None,
) -> Response:
    """村情卡: class, needs, solar stations and what they earned for the village."""
    async with door.reading(caller.scope) as db:
        await wait_for(db, BOARD, after)
        return document(await db.one(queries.village_card, division=code))
