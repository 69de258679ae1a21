"""Every question asked of the registry: people leave here as JSON that is masked already."""

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
    and_,
    any_,
    case,
    cast,
    extract,
    func,
    literal,
    or_,
    select,
    true,
)

from libs.common.db.base import Code
from libs.common.db.statement import Given, param, row_json, rows_json, statement
from libs.common.http.paging import paged
from libs.common.people.masking import COMPOUND_SURNAMES
from libs.common.places import within
from libs.common.records.access import logged
from services.registry.models import division, household, person, village, village_class

_on = param("on", Date)


def _in_force(place: Any) -> ColumnElement[bool]:
    return and_(place.c.since <= _on, or_(place.c.until.is_(None), place.c.until > _on))


# Places


def _chain() -> CTE:
    """A code and, as far as they are closed, its successors; UNION ends a circle of them."""
    asked = select(division).where(division.c.code == param("code", Code))
    chain = asked.cte("chain", recursive=True)
    closed = and_(division.c.code == chain.c.successor, chain.c.until <= _on)
    return chain.union(select(division).join(chain, closed))


def _current(chain: CTE) -> Select[Any]:
    """Only the last of a chain can be in force: an open code is not followed further."""
    return select(chain).where(_in_force(chain))


@statement
def place() -> Select[Any]:
    """A division, and as `current` the one that stands for it on that day, if there is one."""
    chain = _chain()
    current = row_json(_current(chain)).label("current")
    return row_json(select(chain, current).where(chain.c.code == param("code", Code)))


@paged(division.c.code)
def places(given: Given) -> Select[Any]:
    """Divisions in force on a day, in the order of their codes."""
    page = select(division).where(_in_force(division))
    for column in (division.c.parent, division.c.level):
        if column.key in given:
            page = page.where(column == param(column.key, column.type))
    return page


def _class_on(code: Any) -> Select[Any]:
    """The class in force on the day: the newest that had begun."""
    return (
        select(village_class.c["class"], village_class.c.since)
        .where(village_class.c.division == code, village_class.c.since <= _on)
        .order_by(village_class.c.since.desc())
        .limit(1)
        .correlate(code.table)
    )


@statement
def village_history() -> Select[Any]:
    """A village, its class on the day and all it was given; an old code finds it too."""
    code = select(_current(_chain()).subquery().c.code).scalar_subquery()
    given = (
        select(village_class.c["class"], village_class.c.since, village_class.c.source)
        .where(village_class.c.division == village.c.division)
        .order_by(village_class.c.since)
        .correlate(village)
    )
    on_day = _class_on(village.c.division).lateral("on_day")
    shown = (
        select(
            village.c.division,
            village.c.id,
            division.c.name,
            on_day.c["class"],
            on_day.c.since,
            rows_json(given).label("classes"),
            village.c.version,
        )
        .join(division, division.c.code == village.c.division)
        .outerjoin(on_day, true())
        .where(village.c.division == code)
    )
    return row_json(shown)


@paged(village.c.division)
def villages(given: Given) -> Select[Any]:
    """Villages with the class in force on a day."""
    on_day = _class_on(village.c.division).lateral("on_day")
    page = (
        select(village.c.division, village.c.id, division.c.name, on_day.c["class"], on_day.c.since)
        .join(division, division.c.code == village.c.division)
        .outerjoin(on_day, true())
    )
    if "class_" in given:
        page = page.where(on_day.c["class"] == param("class_", Text))
    if "division" in given:
        page = page.where(within(village.c.division, "division"))
    return page


# Households and persons, masked: 姓+* for a name, an age for a birth date, no number, no phone


def _masked_name(name: ColumnElement[str]) -> ColumnElement[str]:
    """As `masking.masked_name` does it."""
    compound = cast(literal(f"{{{','.join(sorted(COMPOUND_SURNAMES))}}}"), ARRAY(Text))
    has_compound = and_(func.length(name) > 2, func.left(name, 2) == any_(compound))
    return func.left(name, case((has_compound, 2), else_=1)).op("||")("*")


def _age() -> ColumnElement[int]:
    return cast(extract("year", func.age(_on, person.c.birth_on)), Integer)


_HOUSEHOLD = (
    household.c.id,
    household.c.division,
    household.c.number,
    household.c.registered,
    household.c.registered_on,
    household.c.status,
    household.c.subsistence,
    household.c.members,
    household.c.workers,
    household.c.able,
    household.c.as_of,
    household.c.version,
)


def _persons() -> Select[Any]:
    return (
        select(
            person.c.id,
            person.c.number,
            _masked_name(person.c.name).label("name"),
            person.c.sex,
            _age().label("age"),
            person.c.relation,
            person.c.able,
            person.c.working,
            person.c.subsistence,
            person.c.cadre,
            person.c.cadre_family,
            person.c.identity_note,
            person.c.phone_index.is_not(None).label("has_phone"),
            person.c.as_of,
            person.c.version,
        )
        .where(person.c.household_id == household.c.id)
        .order_by(person.c.id)
        .correlate(household)
    )


def _asked_household(given: Given) -> ColumnElement[bool]:
    if "id" in given:
        return household.c.id == param("id", Uuid)
    return household.c.number == param("number", Text)


@statement
def household_masked(given: Given) -> Select[Any]:
    """One household with its members."""
    persons = rows_json(_persons()).label("persons")
    return row_json(select(*_HOUSEHOLD, persons).where(_asked_household(given)), "id", "division")


@paged(household.c.division, household.c.id)
def households(given: Given) -> Select[Any]:
    """Households in the order of their villages, each with the masked name of its head."""
    head = (
        select(_masked_name(person.c.name))
        .where(person.c.household_id == household.c.id, person.c.relation == "head")
        .scalar_subquery()
    )
    page = select(*_HOUSEHOLD, head.label("head"))
    if "division" in given:
        page = page.where(within(household.c.division, "division"))
    if "status" in given:
        page = page.where(household.c.status == param("status", Text))
    return page


# Facts on a day, and one person whole


def _if_known(row: Any, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """What a record of a later day says nothing about is unknown on this day, never guessed."""
    return [case((row.c.as_of <= _on, column)).label(column.key) for column in columns]


_REGISTERED = case(
    (and_(household.c.registered, household.c.registered_on <= _on), True),
    (and_(household.c.registered, household.c.registered_on > _on), False),
    (household.c.as_of <= _on, household.c.registered),
)


def _members_on_the_day() -> Select[Any]:
    p = person.c
    known = _if_known(person, p.able, p.working, p.subsistence, p.cadre, p.cadre_family)
    return (
        select(p.id.label("person_id"), *known, _age().label("age"))
        .where(p.household_id == household.c.id, func.coalesce(p.birth_on <= _on, True))
        .order_by(p.id)
        .correlate(household)
    )


@statement
def facts(given: Given) -> Select[Any]:
    """`HouseholdFacts` of one household on a day, as the record of `as_of` can tell."""
    on_day = _class_on(household.c.division).with_only_columns(village_class.c["class"])
    shown = select(
        household.c.id.label("household_id"),
        household.c.division,
        on_day.scalar_subquery().label("village_class"),
        _REGISTERED.label("registered"),
        household.c.as_of,
        _on.label("on"),
        *_if_known(
            household,
            household.c.workers.label("working"),
            (household.c.subsistence == "whole").label("subsistence"),
        ),
        rows_json(_members_on_the_day()).label("members"),
    ).where(_asked_household(given))
    return row_json(shown, "household_id", "division")


@statement
def person_unmasked() -> Select[Any]:
    """A person with identity and phone still sealed; the access row is written beside it."""
    p = person.c
    read = (
        select(
            p.id.label("person_id"),
            p.household_id,
            p.division,
            p.number,
            p.name,
            p.sex,
            p.birth_on,
            p.identity_sealed,
            p.identity_note,
            p.phone_sealed,
            p.relation,
            p.able,
            p.working,
            p.subsistence,
            p.cadre,
            p.cadre_family,
            p.as_of,
            p.version,
        )
        .where(p.id == param("id", Uuid))
        .cte("read")
    )
    return logged(read)


@statement
def household_of() -> Select[Any]:
    """The household of a person whom the caller may see."""
    return select(person.c.household_id).where(person.c.id == param("id", Uuid))
