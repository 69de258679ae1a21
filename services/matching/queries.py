"""The need board's statements: pages and cards as JSON, commands with their history."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Date,
    Integer,
    Select,
    Text,
    Uuid,
    cast,
    func,
    insert,
    literal,
    select,
    update,
)

from libs.common.db.base import type_of_instant
from libs.common.db.recorded import recorded
from libs.common.db.statement import Given, Statement, param, row_json, rows_json, statement
from libs.common.http.paging import paged
from libs.common.places import within
from services.matching import flow
from services.matching.models import need, need_history, revenue, situation, station, village

PUBLIC_COLUMNS = ("id", "division", "category", "quantity", "state", "published_at", "version")
OFFICIAL_COLUMNS = (
    *PUBLIC_COLUMNS,
    *("household_id", "stage", "captured_by", "captured_at", "verified_by", "verified_at"),
    *("published_by", "consent_on"),
)


def _filtered(given: Given, columns: tuple[str, ...]) -> Select[Any]:
    page = select(*(need.c[name] for name in columns))
    for name in ("category", "state", "household_id"):
        if name in given:
            page = page.where(need.c[name] == param(name, need.c[name].type))
    if "division" in given:
        page = page.where(within(need.c.division, "division"))
    return page


@paged(need.c.captured_at, need.c.id)
def needs(given: Given) -> Select[Any]:
    """需求列表: what an official sees of their area, or a household of itself, oldest first."""
    return _filtered(given, OFFICIAL_COLUMNS)


@paged(need.c.published_at, need.c.id)
def cards(given: Given) -> Select[Any]:
    """需求卡片: what anybody sees: no household, no officer; oldest first."""
    return _filtered(given, PUBLIC_COLUMNS)


@statement
def need_by_id() -> Select[Any]:
    return select(need).where(need.c.id == param("id", Uuid))


@statement
def need_json() -> Select[Any]:
    return _one_json(OFFICIAL_COLUMNS)


@statement
def card_json() -> Select[Any]:
    return _one_json(PUBLIC_COLUMNS)


def _one_json(columns: tuple[str, ...]) -> Select[Any]:
    found = select(*(need.c[name] for name in columns)).where(need.c.id == param("id", Uuid))
    return row_json(found)


@statement
def history() -> Select[Any]:
    """需求沿革: oldest first, each change with who or what caused it."""
    h = need_history.c
    found = (
        select(h.at, h.was, h.became, h.verb, h.actor, h.cause_id, h.cause_type)
        .where(h.need_id == param("need_id", Uuid))
        .order_by(h.id)
    )
    return rows_json(found)


@statement
def village_card() -> Select[Any]:
    """村情卡: class, needs by state, solar stations and their settled revenue by month."""
    code = param("division", Text)
    months = (
        select(
            revenue.c.month,
            revenue.c.station_id,
            cast(revenue.c.kwh, Text).label("kwh"),
            revenue.c.grid_fen,
            revenue.c.subsidy_fen,
        )
        .where(revenue.c.division == village.c.division)
        .order_by(revenue.c.month.desc(), revenue.c.station_id)
        .correlate(village)
    )
    stations = (
        select(station.c.station_id, cast(station.c.kw, Text).label("kw"), station.c.since)
        .where(station.c.division == village.c.division)
        .order_by(station.c.since, station.c.station_id)
        .correlate(village)
    )
    counted = (
        select(need.c.state, func.count().label("count"))
        .where(need.c.division == village.c.division)
        .group_by(need.c.state)
        .order_by(need.c.state)
        .correlate(village)
    )
    card = select(
        village.c.division,
        village.c["class"],
        village.c.since.label("class_since"),
        rows_json(counted).label("needs"),
        rows_json(stations).label("solar_stations"),
        rows_json(months).label("solar_revenue"),
    ).where(village.c.division == code)
    return row_json(card)


@statement
def working() -> Select[Any]:
    """How many running employments the board knows of."""
    return select(func.cardinality(situation.c.running)).where(
        situation.c.household_id == param("household_id", Uuid)
    )


@statement
def lock_household() -> Select[Any]:
    """Commands on a household's needs and the reconciliation of its facts take turns."""
    return select(_household_lock(param("household_id", Text)))


@statement
def lock_need() -> Select[Any]:
    """The same lock, found by a need of the household."""
    household = select(cast(need.c.household_id, Text)).where(need.c.id == param("id", Uuid))
    return select(_household_lock(household.scalar_subquery()))


def _household_lock(household: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.pg_advisory_xact_lock(func.hashtextextended(household, 0))


def _with_history(changed: CTE, verb: str, was: ColumnElement[Any]) -> Select[Any]:
    row: Mapping[str, ColumnElement[Any]] = {
        "id": param("history_id", Uuid),
        "need_id": changed.c.subject,
        "division": changed.c.division,
        "at": param("at", type_of_instant),
        "was": was,
        "became": changed.c.state,
        "verb": literal(verb),
        "actor": param("actor", Text),
    }
    told = insert(need_history).from_select(list(row), select(*row.values())).cte("told")
    return recorded(changed).add_cte(told)


_CHANGED = (need.c.id.label("subject"), need.c.division, need.c.state, need.c.version)


_NO_JOBS = cast(literal("{}", Text), ARRAY(Uuid))


def _known(which: str, household: ColumnElement[Any]) -> ColumnElement[Any]:
    """The running or the ended employments of a household, as far as the board has heard."""
    jobs = select(situation.c[which]).where(situation.c.household_id == household)
    return func.coalesce(jobs.scalar_subquery(), _NO_JOBS)


@statement
def capture() -> Select[Any]:
    """A draft for a household of the area."""
    given = {
        "id": param("id", Uuid),
        "household_id": param("household_id", Uuid),
        "division": param("division", Text),
        "category": param("category", Text),
        "quantity": param("quantity", Integer),
        "stage": literal("draft"),
        "state": literal("draft"),
        "acknowledged": _known("ended", param("household_id", Uuid)),
        "overruled": _NO_JOBS,
        "consent_person_id": param("consent_person_id", Uuid),
        "consent_text": param("consent_text", Text),
        "consent_on": param("consent_on", Date),
        "captured_by": param("actor", Text),
        "captured_at": param("at", type_of_instant),
        "version": literal(1),
    }
    changed = insert(need).values(given).returning(*_CHANGED).cte("changed")
    return _with_history(changed, "capture", literal(None, Text))


def _step(verb: str, **values: Any) -> Statement:
    reached = flow.next_of(verb)
    moved = {"state": need.c.stage} if reached is None else {"stage": reached, "state": reached}

    def build() -> Select[Any]:
        changed = (
            update(need)
            .where(need.c.id == param("id", Uuid), need.c.version == param("if_version", Integer))
            .values(version=need.c.version + 1, **moved, **values)
            .returning(*_CHANGED)
            .cte("changed")
        )
        return _with_history(changed, verb, param("was", Text))

    build.__name__ = verb
    return Statement(build)


_ACTOR = param("actor", Text)
_AT = param("at", type_of_instant)
# Of a need that has returned: whoever published it may verify it now.
_UNPUBLISHED = {"published_by": None, "published_at": None}
STEPS: Mapping[str, Statement] = {
    "verify": _step(
        "verify",
        verified_by=_ACTOR,
        verified_at=_AT,
        acknowledged=_known("ended", need.c.household_id),
        **_UNPUBLISHED,
    ),
    "publish": _step("publish", published_by=_ACTOR, published_at=_AT),
    "withdraw": _step("withdraw"),
    "overrule": _step("overrule", overruled=_known("running", need.c.household_id)),
}
"""The steps of the flow; no row when the need has moved on since the version that was seen."""
