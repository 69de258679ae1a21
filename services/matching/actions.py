"""What people do on the need board: each function is one business transaction."""

from uuid import UUID

from libs.common import clock
from libs.common.contracts import HouseholdFacts
from libs.common.db.database import Connection
from libs.common.events.catalogue.matching import NeedPublished, NeedWithdrawn, Unit
from libs.common.events.event import Event
from libs.common.http.caller import Caller
from libs.common.http.idempotency import Done
from libs.common.http.problems import Problem
from libs.common.ids import new_id
from services.matching import flow, queries
from services.matching.schemas import NeedIn

ADULT = 18


async def capture(db: Connection, *, caller: Caller, order: NeedIn, facts: HouseholdFacts) -> Done:
    """A draft; an adult member consents, and the household does not have work already."""
    _check_consent(order, facts)
    await db.one(queries.lock_household, household_id=str(order.household_id))
    working = await db.one(queries.working, household_id=order.household_id) or 0
    if working >= order.quantity:
        raise Problem("need_already_met", working=working)
    need_id = new_id()
    await db.command(
        queries.capture,
        trace=caller.trace("capture_need", category=order.category),
        id=need_id,
        history_id=new_id(),
        at=clock.now(),
        actor=caller.subject,
        household_id=order.household_id,
        division=facts.division,
        category=order.category,
        quantity=order.quantity,
        consent_person_id=order.consent.person_id,
        consent_text=order.consent.text,
        consent_on=order.consent.given_on,
    )
    return Done(need_id)


def _check_consent(order: NeedIn, facts: HouseholdFacts) -> None:
    member = facts.member(order.consent.person_id)
    if member is None:
        raise Problem("consent_not_theirs")
    if member.age is not None and member.age < ADULT:
        raise Problem("consent_of_minor", adult=ADULT)
    if order.consent.given_on > facts.on:
        raise Problem("consent_in_future")


async def take(
    db: Connection, *, caller: Caller, need_id: UUID, verb: str, version: int | None
) -> Done:
    """One step of the flow, from the version that the caller saw (None: whichever it is)."""
    await db.rows(queries.lock_need, id=need_id)
    need = await db.row(queries.need_by_id, id=need_id)
    if need is None:
        raise Problem("not_found")
    if version not in (None, need["version"]):
        raise Problem("stale_version", version=need["version"])
    step = flow.step(verb, need["state"])
    if step is None:
        raise Problem(
            "illegal_transition", state=need["state"], verb=verb, allowed=flow.verbs(need["state"])
        )
    if step.checker and caller.subject in (need["captured_by"], need["verified_by"]):
        raise Problem("same_person")
    events = _events(verb, dict(need))
    changed = await db.command(
        queries.STEPS[verb],
        trace=caller.trace(step.action),
        events=events,
        id=need_id,
        if_version=need["version"],
        was=need["state"],
        history_id=new_id(),
        at=clock.now(),
        actor=caller.subject,
    )
    if changed is None:
        raise Problem("stale_version", version=need["version"])
    return Done(need_id, events[0].event_id if events else None, status=200)


def _events(verb: str, need: dict[str, object]) -> list[Event]:
    """What others hear: a need that was never published is nobody's business."""
    about = {
        "aggregate_id": need["id"],
        "version": int(str(need["version"])) + 1,
        "need_id": need["id"],
        "household_id": need["household_id"],
        "division": need["division"],
        "category": need["category"],
        "quantity": need["quantity"],
        "unit": Unit.PLACE,
    }
    if verb == "publish":
        return [NeedPublished.model_validate(about)]
    if verb == "withdraw" and need["stage"] == "published":
        return [NeedWithdrawn.model_validate(about | {"ended_on": clock.today()})]
    return []
