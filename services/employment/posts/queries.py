"""Every statement of the posts programme."""

from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Select,
    Text,
    Uuid,
    and_,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.base import type_of_instant
from libs.common.db.recorded import recorded
from libs.common.db.statement import Given, param, row_json, statement
from libs.common.http.paging import paged
from libs.common.places import within
from services.employment.posts.models import appointment, nomination, post, post_fund

_AT = param("at", type_of_instant)
_ACTOR = param("actor", Text)
_ID = param("id", Uuid)


@statement
def counts() -> Select[Any]:
    """Posts of each fund in a village and in the prefecture; the lock makes openings take turns."""
    locked = select(post_fund).order_by(post_fund.c.fund).with_for_update().cte("locked")
    mine = and_(post.c.fund == locked.c.fund, post.c.division == param("division", Text))
    village = select(func.count()).select_from(post).where(mine).correlate(locked).scalar_subquery()
    return select(locked.c.fund, locked.c.opened, village.label("in_village"))


@statement
def open_post() -> Select[Any]:
    counted = (
        update(post_fund)
        .where(post_fund.c.fund == param("fund", Text))
        .values(opened=post_fund.c.opened + 1)
        .cte("counted")
    )
    given = {
        "id": _ID,
        "division": param("division", Text),
        "fund": param("fund", Text),
        "category": param("category", Text),
        "decision_id": param("decision_id", Uuid),
        "opened_by": _ACTOR,
        "opened_at": _AT,
        "version": literal(1),
    }
    changed = insert(post).values(given).returning(post.c.id.label("subject"), post.c.division)
    return recorded(changed.cte("changed")).add_cte(counted)


@statement
def post_by_id() -> Select[Any]:
    return select(post).where(post.c.id == _ID)


@paged(post.c.division, post.c.id)
def posts(given: Given) -> Select[Any]:
    """岗位列表, with the present holder's appointment."""
    held = (
        select(appointment.c.id)
        .where(appointment.c.post_id == post.c.id, appointment.c.ended_on.is_(None))
        .correlate(post)
        .scalar_subquery()
    )
    p = post.c
    page = select(p.id, p.division, p.fund, p.category, p.opened_at, held.label("appointment_id"))
    if "division" in given:
        page = page.where(within(p.division, "division"))
    return page


@statement
def nominate() -> Select[Any]:
    given = {
        "id": _ID,
        "post_id": param("post_id", Uuid),
        "household_id": param("household_id", Uuid),
        "person_id": param("person_id", Uuid),
        "division": param("division", Text),
        "wish_on": param("wish_on", Date),
        "consent_text": param("consent_text", Text),
        "circumstances": param("circumstances", JSONB),
        "no_conflict": param("no_conflict", Boolean),
        "state": literal("open"),
        "nominated_by": _ACTOR,
        "nominated_at": _AT,
        "version": literal(1),
    }
    changed = insert(nomination).values(given)
    answer = changed.returning(nomination.c.id.label("subject"), nomination.c.division)
    return recorded(answer.cte("changed"))


@statement
def nomination_by_id() -> Select[Any]:
    return select(nomination).where(nomination.c.id == _ID)


@statement
def lock_nomination() -> Select[Any]:
    """The nomination with its post, both held until the decision is stored."""
    return (
        select(nomination, post.c.fund, post.c.division.label("post_division"))
        .join(post, post.c.id == nomination.c.post_id)
        .where(nomination.c.id == _ID)
        .with_for_update()
    )


@statement
def holdings() -> Select[Any]:
    """Appointments that run on the day or later: of the post, of the person, of the household."""
    a = appointment.c
    of_post = a.post_id == param("post_id", Uuid)
    of_person = a.person_id == param("person_id", Uuid)
    of_household = a.household_id == param("household_id", Uuid)
    runs = or_(a.ended_on.is_(None), a.ended_on >= param("on", Date))
    columns: list[ColumnElement[Any]] = [
        func.count().filter(of_post).label("holders"),
        func.count().filter(of_person).label("person_posts"),
        func.count().filter(of_household).label("household_posts"),
    ]
    return select(*columns).where(runs, or_(of_post, of_person, of_household))


@statement
def appoint() -> Select[Any]:
    given = {
        "id": _ID,
        "nomination_id": param("nomination_id", Uuid),
        "post_id": param("post_id", Uuid),
        "household_id": param("household_id", Uuid),
        "person_id": param("person_id", Uuid),
        "division": param("division", Text),
        "since": param("since", Date),
        "until": param("until", Date),
        "monthly_income_fen": param("monthly_income_fen", BigInteger),
        "decision_id": param("decision_id", Uuid),
        "nominated_by": param("nominated_by", Text),
        "appointed_by": _ACTOR,
        "appointed_at": _AT,
        "version": literal(1),
    }
    changed = insert(appointment).values(given)
    answer = changed.returning(appointment.c.id.label("subject"), appointment.c.division)
    return recorded(answer.cte("changed")).add_cte(_settled("appointed"))


@statement
def refuse() -> Select[Any]:
    """A nomination that the clauses refuse; one that needs a ruling stays open."""
    changed = (
        update(nomination)
        .where(nomination.c.id == param("nomination_id", Uuid))
        .values(state="refused", version=nomination.c.version + 1)
        .returning(nomination.c.id.label("subject"), nomination.c.division)
    )
    return recorded(changed.cte("changed"))


def _settled(state: str) -> CTE:
    return (
        update(nomination)
        .where(nomination.c.id == param("nomination_id", Uuid))
        .values(state=state, version=nomination.c.version + 1)
        .cte("settled")
    )


@statement
def appointment_by_id() -> Select[Any]:
    return select(appointment).where(appointment.c.id == _ID)


@statement
def appointment_json() -> Select[Any]:
    return row_json(select(appointment).where(appointment.c.id == _ID))


@statement
def end_appointment() -> Select[Any]:
    """No row when it had ended already."""
    a = appointment.c
    changed = (
        update(appointment)
        .where(a.id == _ID, a.ended_on.is_(None))
        .values(ended_on=param("ended_on", Date), version=a.version + 1)
        .returning(a.id.label("subject"), a.division, a.version)
    )
    return recorded(changed.cte("changed"))


@statement
def nomination_json() -> Select[Any]:
    return row_json(select(nomination).where(nomination.c.id == _ID))
