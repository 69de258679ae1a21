"""A change with its events and its audit row as one statement: all of it happens, or none."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    LargeBinary,
    Select,
    Text,
    Uuid,
    func,
    insert,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql import column
from sqlalchemy.types import TypeEngine

from libs.common import clock, context
from libs.common.db.base import type_of_instant
from libs.common.db.statement import param
from libs.common.events.catalogue import topic_of
from libs.common.events.event import Event
from libs.common.events.tables import outbox
from libs.common.ids import new_id
from libs.common.records.audit import Trace, audit

_MESSAGE: Mapping[str, TypeEngine[Any]] = {
    "event_id": Uuid(),
    "topic": Text(),
    "key": Text(),
    "type": Text(),
    "time": type_of_instant,
    "traceparent": Text(),
    "data": LargeBinary(),
}


def recorded(changed: CTE) -> Select[Any]:
    """Answer with `changed`, and write its outbox rows and its audit row beside it.

    `changed` returns `subject` (uuid) and `division` besides what the caller wants back. Its row
    lock comes before the outbox takes an id, because the outbox reads from it: that keeps the order
    of each key.
    """
    return select(changed).add_cte(_outbox(changed), _audit(changed))


def _outbox(changed: CTE) -> CTE:
    columns: list[ColumnElement[Any]] = [column(name, type_) for name, type_ in _MESSAGE.items()]
    arrays = [param(f"event_{name}", ARRAY(type_)) for name, type_ in _MESSAGE.items()]
    message = func.unnest(*arrays).table_valued(*columns, name="message").render_derived()
    return (
        insert(outbox)
        .from_select(list(_MESSAGE), select(*message.c).select_from(changed.join(message, true())))
        .cte("emitted")
    )


def _audit(changed: CTE) -> CTE:
    given = {
        "id": param("trace_id", Uuid),
        "at": param("trace_at", type_of_instant),
        "actor": param("trace_actor", Text),
        "role": param("trace_role", Text),
        "action": param("trace_action", Text),
        "purpose": param("trace_purpose", Text),
        "subject": changed.c.subject,
        "division": changed.c.division,
        "request_id": param("trace_request_id", Text),
        "detail": param("trace_detail", JSONB),
    }
    return insert(audit).from_select(list(given), select(*given.values())).cte("traced")


def records(service: str, trace: Trace, events: Sequence[Event]) -> dict[str, Any]:
    """The arguments that a `recorded` statement takes beside its own."""
    trace_context = context.traceparent()
    messages: dict[str, list[Any]] = {
        "event_id": [event.event_id for event in events],
        "topic": [topic_of(service, type(event)) for event in events],
        "key": [event.key for event in events],
        "type": [event.type for event in events],
        "time": [event.time for event in events],
        "traceparent": [trace_context] * len(events),
        "data": [event.data() for event in events],
    }
    return {f"event_{name}": values for name, values in messages.items()} | {
        "trace_id": new_id(),
        "trace_at": clock.now(),
        "trace_actor": trace.actor,
        "trace_role": trace.role,
        "trace_action": trace.action,
        "trace_purpose": trace.purpose,
        "trace_request_id": trace.request_id or context.request_id(),
        "trace_detail": dict(trace.detail),
    }
