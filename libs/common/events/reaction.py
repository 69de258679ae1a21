"""What a service does with events: facts are stored, then one reconciliation derives what follows.

There is no order across topics, and one batch may hold two facts of one household. So each fact
is a row of its aggregate, guarded by the aggregate's version, and what the facts mean together is
worked out afterwards, once for all keys they touched: any order and any repetition end in the
same state.
"""

import types
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache, cached_property
from operator import attrgetter
from typing import Annotated, Any, Union, get_args, get_origin
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import (
    ARRAY,
    CTE,
    BigInteger,
    Boolean,
    ClauseElement,
    ColumnElement,
    Date,
    Delete,
    FromClause,
    Insert,
    Table,
    Text,
    Update,
    Uuid,
    column,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB, distinct_on, insert
from sqlalchemy.types import TypeEngine

from libs.common.db.base import type_of_instant
from libs.common.db.database import Connection
from libs.common.db.statement import Sql, compile_once, param
from libs.common.events.catalogue import topics_of
from libs.common.events.event import Event
from libs.common.events.tables import inbox

Handler = Callable[[FromClause], Insert | Update | Delete]
"""Gets the new events of one class, a column per field, of each aggregate the newest version only;
returns the one statement that stores them."""

Reconcile = Callable[[Connection, Sequence[str]], Awaitable[None]]
"""Gets the keys (households, villages) whose facts may have changed, in the same transaction."""

_COLUMN_TYPES: Mapping[type, TypeEngine[Any]] = {
    UUID: Uuid(),
    str: Text(),
    bool: Boolean(),
    int: BigInteger(),
    datetime: type_of_instant,
    date: Date(),
}


def newest(table: Table, events: FromClause, values: Mapping[str, ColumnElement[Any]]) -> Insert:
    """Store events as fact rows, by the table's primary key: none is replaced by an older version.

    `values` are the table's columns beside `version`; they may come from parts of the events too.
    """
    given = {**values, "version": events.c.version}
    rows = select(*given.values()).select_from(events)
    stored = insert(table).from_select(list(given), rows)
    key = table.primary_key.columns
    return stored.on_conflict_do_update(
        index_elements=key,
        set_={name: stored.excluded[name] for name in given if name not in key},
        where=table.c.version < stored.excluded.version,
    )


@dataclass(frozen=True)
class Reaction:
    """Which events a service takes in, and how."""

    handlers: Mapping[type[Event], Handler]
    reconcile: Reconcile | None = None
    keyed_by: str = "household_id"
    """`reconcile` gets the keys of the events that are keyed by this field."""

    @property
    def topics(self) -> Sequence[str]:
        """Every topic on which somebody publishes what is taken in here."""
        return topics_of(self.handlers)

    @cached_property
    def statements(self) -> Mapping[type[Event], Sql]:
        return {
            event: compile_once(_intake(event, handler)) for event, handler in self.handlers.items()
        }

    @cached_property
    def facts(self) -> Mapping[Table, Sequence[str]]:
        """The tables that the handlers fill, and which columns of them."""
        filled: dict[Table, dict[str, None]] = {}
        for event, handler in self.handlers.items():
            stored: Any = handler(_arrived(event))
            columns = filled.setdefault(stored.table, {})
            columns.update(dict.fromkeys(stored._select_names))
        return {table: list(columns) for table, columns in filled.items()}

    async def take_in(self, db: Connection, consumer: str, events: Iterable[Event]) -> int:
        """Within the caller's transaction: facts, then reconciliation; how many events were new."""
        new, keys = 0, set[str]()
        for event, sql in self.statements.items():
            if not (arrived := [one for one in events if type(one) is event]):
                continue
            given = _columns(event, arrived) | {"consumer": consumer}
            fresh: int = await db.fetchval(sql.text, *sql.arrange(given))
            new += fresh
            if fresh and event.key_field == self.keyed_by:
                keys.update(one.key for one in arrived)
        if keys and self.reconcile:
            await self.reconcile(db, sorted(keys))
        return new


def _intake(event: type[Event], handler: Handler) -> ClauseElement:
    """Claim the events in the inbox, store those that are new: one statement per class."""
    arrived = _arrived(event)
    claimed = _claim(arrived)
    fresh = (
        select(*arrived.c)
        .join(claimed, claimed.c.event_id == arrived.c.event_id)
        .ext(distinct_on(arrived.c.aggregate_id))
        .order_by(arrived.c.aggregate_id, arrived.c.version.desc())
        .cte("fresh")
    )
    stored = handler(fresh).cte("stored")
    return select(func.count(claimed.c.event_id)).add_cte(stored)


def _arrived(event: type[Event]) -> CTE:
    """The events of one class as rows, a column per field."""
    types = {field.name: field.type for field in _fields(event)}
    arrays = [param(name, ARRAY(type_, dimensions=1)) for name, type_ in types.items()]
    columns = [column(name, type_) for name, type_ in types.items()]
    given = func.unnest(*arrays).table_valued(*columns, name="given").render_derived()
    return select(*given.c).cte("arrived")


def _claim(arrived: FromClause) -> FromClause:
    """What is not in the inbox yet, put there in the order of its ids: readers that overlap wait.

    Looked up first, because ON CONFLICT DO NOTHING writes twice for every row that is new. Who was
    overtaken between looking and writing gets a violation of `pk_inbox`, and looks again.
    """
    consumer, ids = param("consumer", Text), param("event_id", ARRAY(Uuid))
    known = select(inbox.c.event_id).where(
        inbox.c.consumer == consumer, inbox.c.event_id == func.any(ids)
    )
    new = (
        select(consumer, arrived.c.event_id)
        .where(arrived.c.event_id.not_in(known))
        .order_by(arrived.c.event_id)
        .distinct()
    )
    claim = insert(inbox).from_select([inbox.c.consumer, inbox.c.event_id], new)
    return claim.returning(inbox.c.event_id).cte("claimed")


@dataclass(frozen=True)
class _Field:
    name: str
    type: TypeEngine[Any]
    plain: Callable[[Any], Any] | None
    """How a value that no column type has becomes JSON."""


@cache
def _fields(event: type[Event]) -> tuple[_Field, ...]:
    return tuple(_field(name, field.annotation) for name, field in event.model_fields.items())


def _field(name: str, annotation: Any) -> _Field:
    if type_ := _COLUMN_TYPES.get(_bare(annotation)):
        return _Field(name, type_, None)
    adapter: TypeAdapter[Any] = TypeAdapter(annotation)
    return _Field(name, JSONB(), lambda value: adapter.dump_python(value, mode="json"))


def _bare(annotation: Any) -> Any:
    """`Annotated[int, …] | None` is an int that may be null."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        given = [option for option in get_args(annotation) if option is not type(None)]
        return _bare(given[0]) if len(given) == 1 else None
    return annotation


def _columns(event: type[Event], events: Sequence[Event]) -> dict[str, list[Any]]:
    """The events turned on their side: a list of values for each field."""
    columns = {}
    for field in _fields(event):
        values = map(attrgetter(field.name), events)
        columns[field.name] = list(map(field.plain, values) if field.plain else values)
    return columns
