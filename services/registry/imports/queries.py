"""The statements of a roster import: each works on a batch of whole households."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ARRAY,
    Date,
    Integer,
    LargeBinary,
    Select,
    Text,
    TextClause,
    Uuid,
    delete,
    exists,
    func,
    or_,
    select,
    text,
)

from libs.common.db.base import Code, type_of_instant
from libs.common.db.statement import param, statement
from services.registry.imports.models import import_person
from services.registry.models import person

FIRST, LAST = "", "~"
"""Before and behind every household number."""

SETTINGS = """
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true),
        set_config('work_mem', '64MB', true)
"""
"""A plan made while the tables were empty would scan them whole for every batch to come."""

_TYPES: dict[str, Any] = {
    "job_id": Uuid,
    "load": Integer,
    "division": Code,
    "after": Text,
    "upto": Text,
    "as_of": Date,
    "at": type_of_instant,
    "given": ARRAY(Text),
    "topic": Text,
    "registered_type": Text,
    "updated_type": Text,
}


def _file(name: str) -> TextClause:
    written = Path(__file__).with_name(f"{name}.sql").read_text("utf-8")
    named = {each for each in _TYPES if re.search(rf"(?<!:):{each}\b", written)}
    return text(written).bindparams(*(param(each, _TYPES[each]) for each in sorted(named)))


@statement
def twice() -> TextClause:
    """Refuse the rows that the file has again; how many they are."""
    return _file("twice")


@statement
def judge() -> TextClause:
    """Refuse the rows that their household or the register speaks against; how many they are."""
    return _file("judge")


@statement
def households() -> TextClause:
    """Enter and change the households, with their events."""
    return _file("households")


@statement
def persons() -> TextClause:
    """Enter and change the persons, after their households."""
    return _file("persons")


def _of_job() -> tuple[Any, ...]:
    c = import_person.c
    return c.job_id == param("job_id", Uuid), c.load == param("load", Integer)


@statement
def index_is_rotating() -> Select[Any]:
    """Whether anybody is found by an index of another key: they would be entered again."""
    index = person.c.identity_index
    other = or_(index < param("first", LargeBinary), index >= param("behind", LargeBinary))
    return select(exists(select(person.c.id).where(other)))


@statement
def staged() -> Select[Any]:
    """Rows that are there: fewer than were staged after a crash, which empties the table."""
    return select(func.count()).select_from(import_person).where(*_of_job())


@statement
def bound() -> Select[Any]:
    """The household that ends a batch of about so many rows."""
    number = import_person.c.household_number
    return (
        select(number)
        .where(*_of_job(), number > param("after", Text))
        .order_by(number)
        .offset(param("size", Integer))
        .limit(1)
    )


@statement
def clear() -> Any:
    """What all runs of a job staged."""
    return delete(import_person).where(import_person.c.job_id == param("job_id", Uuid))
