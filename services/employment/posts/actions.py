"""What the posts programme does: each function is one business transaction."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from asyncpg import ExclusionViolationError

from libs.common import clock
from libs.common.contracts import HouseholdFacts, VillageFacts
from libs.common.db.database import Connection
from libs.common.events.catalogue.employment import (
    Channel,
    HouseholdEmployed,
    HouseholdEmploymentEnded,
)
from libs.common.http.caller import Caller
from libs.common.http.idempotency import Done
from libs.common.http.problems import Problem
from libs.common.ids import new_id
from libs.common.policy.clauses import Clauses
from libs.common.policy.decisions import decide
from libs.common.policy.findings import Outcome
from libs.common.policy.refusals import refusal
from libs.common.policy.storing import keep
from services.employment.posts import queries
from services.employment.posts.cases import (
    AppointmentCase,
    Fund,
    Holdings,
    Nomination,
    OpeningCase,
    PostContext,
    PostCounts,
)
from services.employment.posts.rules import MAY_APPOINT, MAY_OPEN_POST, monthly_allowance
from services.employment.posts.schemas import AppointmentIn, EndIn, NominationIn, PostIn


async def open_post(
    db: Connection, *, caller: Caller, order: PostIn, village: VillageFacts, clauses: Clauses
) -> Done | Problem:
    """岗位设置: the counts are locked, so that two officers cannot both take a fund's last post."""
    post_id = new_id()
    context = await _context(db, order.division, order.fund)
    case = OpeningCase(on=order.on, village_class=village.village_class, post=context)
    decision = decide(MAY_OPEN_POST, case, clauses)
    decision_id = await keep(db, decision, subject=post_id, household_id=None, actor=caller.subject)
    if decision.outcome is not Outcome.ELIGIBLE:
        return refusal(decision, decision_id)
    await db.command(
        queries.open_post,
        trace=caller.trace("open_post", decision=str(decision_id)),
        id=post_id,
        division=order.division,
        fund=order.fund,
        category=order.category,
        decision_id=decision_id,
        actor=caller.subject,
        at=clock.now(),
    )
    return Done(post_id)


async def nominate(
    db: Connection, *, caller: Caller, post_id: UUID, order: NominationIn, facts: HouseholdFacts
) -> Done:
    """推荐: a member of a household of the area, who wished for it in their own name."""
    if await db.row(queries.post_by_id, id=post_id) is None:
        raise Problem("not_found")
    if facts.member(order.person_id) is None:
        raise Problem("not_a_member")
    nomination_id = new_id()
    await db.command(
        queries.nominate,
        trace=caller.trace("nominate", post=str(post_id)),
        id=nomination_id,
        post_id=post_id,
        household_id=order.household_id,
        person_id=order.person_id,
        division=facts.division,
        wish_on=order.wish.signed_on,
        consent_text=order.wish.text,
        circumstances=order.circumstances.model_dump(exclude_none=True),
        no_conflict=order.no_conflict_of_interest,
        actor=caller.subject,
        at=clock.now(),
    )
    return Done(nomination_id)


async def appoint(
    db: Connection,
    *,
    caller: Caller,
    nomination_id: UUID,
    order: AppointmentIn,
    facts: HouseholdFacts,
    clauses: Clauses,
) -> Done | Problem:
    """聘用: decided on registry's facts of the first day; the decision is kept whatever it is."""
    found = await db.row(queries.lock_nomination, id=nomination_id)
    if found is None:
        raise Problem("not_found")
    nominated = dict(found)
    if nominated["state"] != "open":
        raise Problem("illegal_transition", state=nominated["state"], verb="appoint", allowed=[])
    if order.until < order.since:
        raise Problem("ends_before_it_begins", since=order.since)
    if nominated["nominated_by"] == caller.subject:
        raise Problem("same_person")
    case = await _appointment_case(db, nominated, order, facts)
    decision = decide(MAY_APPOINT, case, clauses)
    household_id = nominated["household_id"]
    decision_id = await keep(
        db, decision, subject=nomination_id, household_id=household_id, actor=caller.subject
    )
    if decision.outcome is Outcome.ELIGIBLE:
        terms = {
            "decision_id": decision_id,
            "monthly_income_fen": monthly_allowance(clauses, case),
        }
        return await _employ(db, caller, nominated | terms, order)
    if decision.outcome is Outcome.NOT_ELIGIBLE:
        trace = caller.trace("refuse", decision=str(decision_id))
        await db.command(queries.refuse, trace=trace, nomination_id=nomination_id)
    return refusal(decision, decision_id)


async def _employ(
    db: Connection, caller: Caller, nominated: Mapping[str, Any], order: AppointmentIn
) -> Done:
    appointment_id = new_id()
    event = HouseholdEmployed(
        aggregate_id=appointment_id,
        version=1,
        household_id=nominated["household_id"],
        person_id=nominated["person_id"],
        channel=Channel.PUBLIC_POST,
        monthly_income_fen=nominated["monthly_income_fen"],
        since=order.since,
    )
    names = (
        *("post_id", "household_id", "person_id", "division", "nominated_by"),
        *("decision_id", "monthly_income_fen"),
    )
    try:
        await db.command(
            queries.appoint,
            trace=caller.trace("appoint", decision=str(nominated["decision_id"])),
            events=[event],
            id=appointment_id,
            nomination_id=nominated["id"],
            since=order.since,
            until=order.until,
            actor=caller.subject,
            at=clock.now(),
            **{name: nominated[name] for name in names},
        )
    except ExclusionViolationError:
        raise Problem("conflict", reason="post_held", subject=nominated["post_id"]) from None
    return Done(appointment_id, event.event_id)


async def end_appointment(
    db: Connection, *, caller: Caller, appointment_id: UUID, order: EndIn
) -> Done:
    """离岗: free for the holder at any time, so no reason is asked and none is kept."""
    found = await db.row(queries.appointment_by_id, id=appointment_id)
    if found is None:
        raise Problem("not_found")
    if order.ended_on < found["since"]:
        raise Problem("ends_before_it_begins", since=found["since"])
    event = HouseholdEmploymentEnded(
        aggregate_id=appointment_id,
        version=found["version"] + 1,
        household_id=found["household_id"],
        person_id=found["person_id"],
        channel=Channel.PUBLIC_POST,
        monthly_income_fen=found["monthly_income_fen"],
        since=found["since"],
        ended_on=order.ended_on,
    )
    changed = await db.command(
        queries.end_appointment,
        trace=caller.trace("end_appointment"),
        events=[event],
        id=appointment_id,
        ended_on=order.ended_on,
    )
    if changed is None:
        raise Problem("illegal_transition", state="ended", verb="end", allowed=[])
    return Done(appointment_id, event.event_id, status=200)


async def _context(db: Connection, division: str, fund: Fund, *, besides: int = 0) -> PostContext:
    """The other posts around one: `besides` is 1 when the one asked about is counted already."""
    rows = {row["fund"]: row for row in await db.rows(queries.counts, division=division)}

    def counts(name: str) -> PostCounts:
        found = {each: rows[each][name] - (besides if each == fund else 0) for each in Fund}
        return PostCounts(provincial=found[Fund.PROVINCIAL], city=found[Fund.CITY])

    return PostContext(
        division=division,
        fund=fund,
        in_village=counts("in_village"),
        in_prefecture=counts("opened"),
    )


async def _appointment_case(
    db: Connection, nominated: Mapping[str, Any], order: AppointmentIn, facts: HouseholdFacts
) -> AppointmentCase:
    held = await db.row(
        queries.holdings,
        post_id=nominated["post_id"],
        person_id=nominated["person_id"],
        household_id=nominated["household_id"],
        on=order.since,
    )
    return AppointmentCase(
        facts=facts,
        nomination=Nomination(
            person_id=nominated["person_id"],
            wish_on=nominated["wish_on"],
            circumstances=nominated["circumstances"],
        ),
        post=await _context(db, nominated["post_division"], nominated["fund"], besides=1),
        holdings=Holdings.model_validate(dict(held or {}) | {"others_offered": None}),
    )
