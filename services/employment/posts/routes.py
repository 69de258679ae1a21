"""The HTTP edge of public-welfare posts."""

from functools import partial
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from starlette.responses import Response

from libs.common.db.database import Database
from libs.common.dependencies import clauses, client, door
from libs.common.facts import household_facts, village_facts
from libs.common.http.caller import Caller
from libs.common.http.client import Client
from libs.common.http.idempotency import OnceByKey
from libs.common.http.paging import AskedPage, Items
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.http.wire import Created, document
from libs.common.places import Area
from libs.common.policy.clauses import Clauses
from services.employment.posts import actions, queries
from services.employment.posts.schemas import (
    Appointment,
    AppointmentIn,
    EndIn,
    Nomination,
    NominationIn,
    Post,
    PostIn,
)

router = APIRouter(prefix="/employment/v1", tags=["public-welfare posts 乡村公益性岗位"])

Door = Annotated[Database, Depends(door("employment"))]
Registry = Annotated[Client, Depends(client("registry"))]
Policy = Annotated[Clauses, Depends(clauses("employment"))]


@router.post("/posts", status_code=201, response_model=Created)
async def open_post(
    door: Door,
    registry: Registry,
    policy: Policy,
    caller: Annotated[Caller, allowed("open_post")],
    once: OnceByKey,
    order: PostIn,
) -> Response:
    """岗位设置: one more post for a village, if PW-SCOPE-1 and PW-QTY-1…4 allow it."""
    if answer := await once.answered(door, caller):
        return answer
    village = await village_facts(registry, order.division, order.on)
    work = partial(actions.open_post, caller=caller, order=order, village=village, clauses=policy)
    return await once.run(door, caller, work)


@router.get("/posts", response_model=Items[Post])
async def read_posts(
    door: Door,
    caller: Annotated[Caller, allowed("read_posts")],
    page: AskedPage,
    division: Area = None,
) -> Response:
    """岗位列表, with who holds each now."""
    async with door.reading(caller.scope) as db:
        return await page.of(db, queries.posts, division=division)


@router.post("/posts/{post_id}/nominations", status_code=201, response_model=Created)
async def nominate(
    door: Door,
    registry: Registry,
    caller: Annotated[Caller, allowed("nominate")],
    once: OnceByKey,
    post_id: UUID,
    order: NominationIn,
) -> Response:
    """推荐: the village puts a person forward, with the person's own signed wish."""
    if answer := await once.answered(door, caller):
        return answer
    facts = await household_facts(registry, order.household_id, order.wish.signed_on)
    work = partial(actions.nominate, caller=caller, post_id=post_id, order=order, facts=facts)
    return await once.run(door, caller, work)


@router.get("/nominations/{nomination_id}", response_model=Nomination)
async def read_nomination(
    door: Door, caller: Annotated[Caller, allowed("read_posts")], nomination_id: UUID
) -> Response:
    """One nomination 推荐."""
    async with door.reading(caller.scope) as db:
        return document(await db.one(queries.nomination_json, id=nomination_id))


@router.post("/nominations/{nomination_id}/appoint", status_code=201, response_model=Created)
async def appoint(
    door: Door,
    registry: Registry,
    policy: Policy,
    caller: Annotated[Caller, allowed("appoint")],
    once: OnceByKey,
    nomination_id: UUID,
    order: AppointmentIn,
) -> Response:
    """聘用: decided under PW-SCOPE-1, PW-ELIG-1…6, PW-ONE-1, PW-QTY-4, and kept."""
    if answer := await once.answered(door, caller):
        return answer
    async with door.reading(caller.scope) as db:
        nominated = await db.row(queries.nomination_by_id, id=nomination_id)
    if nominated is None:
        raise Problem("not_found")
    facts = await household_facts(registry, nominated["household_id"], order.since)
    work = partial(
        actions.appoint,
        caller=caller,
        nomination_id=nomination_id,
        order=order,
        facts=facts,
        clauses=policy,
    )
    return await once.run(door, caller, work)


@router.get("/appointments/{appointment_id}", response_model=Appointment)
async def read_appointment(
    door: Door, caller: Annotated[Caller, allowed("read_posts")], appointment_id: UUID
) -> Response:
    """One appointment 聘用."""
    async with door.reading(caller.scope) as db:
        return document(await db.one(queries.appointment_json, id=appointment_id))


@router.post("/appointments/{appointment_id}/end", response_model=Created)
async def end_appointment(
    door: Door,
    caller: Annotated[Caller, allowed("end_appointment")],
    once: OnceByKey,
    appointment_id: UUID,
    order: EndIn,
) -> Response:
    """离岗: the holder leaves when they like."""
    work = partial(
        actions.end_appointment, caller=caller, appointment_id=appointment_id, order=order
    )
    return await once.run(door, caller, work)
