"""The statements of a roster import: each works on a batch of whole households."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    Date,
    Delete,
    Integer,
    LargeBinary,
    Select,
    Text,
    TextClause,
    Update,
    Uuid,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from libs.common.db.base import Code, type_of_instant
from libs.common.db.recorded import recorded
from libs.common.db.statement import any_of, param, statement
from services.registry.imports.models import import_lane, import_person
from services.registry.models import person

FIRST, LAST = "", "~"
"""Before and behind every household number."""

ROOM = "SELECT set_config('work_mem', '64MB', true)"
"""For the one statement that looks at the whole file."""

BY_INDEX = """
    SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config(name, 'off', true)
    FROM unnest(ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) AS name
"""
"""For batches: each row is looked up. A plan that reads the whole register, as it is cheaper while
that is small or its statistics are old, would make each batch dearer than the one before."""

_TYPES: dict[str, Any] = {
    "job_id": Uuid,
    "load": BigInteger,
    "division": Code,
    "after": Text,
    "upto": Text,
    "as_of": Date,
    "at": type_of_instant,
    "given": ARRAY(Text),
    "known": Boolean,
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
def suspect() -> TextClause:
    """Whether anything speaks against a row of the batch, as far as indexes cannot tell."""
    return _file("suspect")


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


@statement
def index_is_rotating() -> Select[Any]:
    """Whether anybody is found by an index of another key: they would be entered again."""
    index = person.c.identity_index
    other = or_(index < param("first", LargeBinary), index >= param("behind", LargeBinary))
    return select(exists(select(person.c.id).where(other)))


@statement
def next_load() -> Select[Any]:
    return select(func.nextval("import_load"))


def _of_load() -> ColumnElement[bool]:
    return import_person.c.load == param("load", BigInteger)


@statement
def staged() -> Select[Any]:
    """Rows that are there: fewer than were staged after a crash, which empties the table."""
    return select(func.count()).select_from(import_person).where(_of_load())


@statement
def bound() -> Select[Any]:
    """The household that ends a batch of about so many rows."""
    number = import_person.c.household_number
    return (
        select(number)
        .where(_of_load(), number > param("after", Text))
        .order_by(number)
        .offset(param("size", Integer))
        .limit(1)
    )


def _of_job() -> ColumnElement[bool]:
    return import_lane.c.job_id == param("job_id", Uuid)


@statement
def open_lane() -> Any:
    """Where it was opened by an earlier run, it stays as far as it came."""
    names = ("job_id", "no", "after", "upto", "counts")
    given = {name: param(name, import_lane.c[name].type) for name in names}
    return insert(import_lane).values(given).on_conflict_do_nothing()


@statement
def lanes() -> Select[Any]:
    return select(import_lane).where(_of_job()).order_by(import_lane.c.no)


def _passed() -> Update:
    """Nothing, if the lane is no longer where the batch began: another worker did it."""
    c = import_lane.c
    values = {"after": param("upto", Text), "counts": param("counts", JSONB)}
    here = c.no == param("no", Integer), c.after == param("after", Text)
    return update(import_lane).where(_of_job(), *here).values(values)


@statement
def pass_batch() -> Any:
    """A batch in which nothing was entered."""
    return _passed().returning(import_lane.c.job_id)


@statement
def pass_batch_recorded() -> Select[Any]:
    """A batch, with its audit row."""
    division = param("division", Code).label("division")
    passed = _passed().returning(import_lane.c.job_id.label("subject"), division)
    return recorded(passed.cte("passed"))


@statement
def clear_staged() -> Delete:
    """What all runs of a job staged."""
    return delete(import_person).where(any_of(import_person.c.load, "loads"))


@statement
def clear_lanes() -> Delete:
    return delete(import_lane).where(_of_job())
