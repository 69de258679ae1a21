"""The envelope: an event as a CloudEvents 1.0 Kafka record in binary mode, and back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, Protocol

import orjson
from asyncpg.pgproto.pgproto import UUID  # uuid.UUID, read and written by the driver in C
from pydantic import ValidationError

from libs.common.events.bus import Record
from libs.common.events.catalogue import EVENTS
from libs.common.events.event import Event

_JSON = "application/json"
_IN_ENVELOPE = ("specversion", "type", "id", "time")
_IN_HEADERS = tuple(f"ce_{name}" for name in _IN_ENVELOPE)
_NAMES = frozenset(event.name for event in EVENTS.values())


class Unreadable(Exception):
    """The record cannot be read as it is, and may hold a fact that is wanted: a dead letter."""


class UnknownType(Exception):
    """An event that this process has never heard of: passed over and counted."""


class OutboxRow(Protocol):
    """A row of the outbox, its columns by name."""

    def __getitem__(self, column: str, /) -> Any: ...


def to_record(row: OutboxRow) -> Record:
    """What the relay publishes for one row of the outbox."""
    topic, key, traceparent = row["topic"], row["key"], row["traceparent"]
    headers = {
        **_constant_headers(topic, row["type"]),
        "ce_id": str(row["event_id"]),
        "ce_time": row["time"].astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "ce_partitionkey": key,
    }
    if traceparent is not None:
        headers["ce_traceparent"] = traceparent
    return Record(topic=topic, key=key, headers=headers, value=row["data"])


@cache
def _constant_headers(topic: str, event_type: str) -> Mapping[str, str]:
    return {
        "content-type": _JSON,
        "ce_specversion": "1.0",
        "ce_source": f"/weiyuan/{topic.split('.')[1]}",
        "ce_type": event_type,
    }


def decode(record: Record) -> Event:
    """The event of a record in either mode; raises `UnknownType` or `Unreadable`."""
    content_type = record.headers.get("content-type", _JSON)
    if content_type != _JSON:
        if content_type.lower().startswith("application/cloudevents"):
            return _structured(record.value)
        if not content_type.lower().startswith(_JSON):
            raise Unreadable("content-type is neither JSON nor CloudEvents")
    return _read(record.headers, _IN_HEADERS, record.value)


def _structured(value: bytes | None) -> Event:
    try:
        envelope = orjson.loads(value or b"")
    except orjson.JSONDecodeError:
        raise Unreadable("the structured envelope is not JSON") from None
    if not isinstance(envelope, dict):
        raise Unreadable("the structured envelope is not one event")
    data = envelope.get("data")
    return _read(envelope, _IN_ENVELOPE, None if data is None else orjson.dumps(data))


def _read(attributes: Mapping[str, Any], names: Sequence[str], data: bytes | None) -> Event:
    try:
        version, event_type, event_id, time = [attributes[name] for name in names]
    except KeyError as missing:
        raise Unreadable(f"no CloudEvents attribute {missing}") from None
    if version != "1.0":
        raise Unreadable("not CloudEvents 1.0")
    event = EVENTS.get(str(event_type))
    if event is None:
        raise _not_in_catalogue(str(event_type))
    if data is None:
        raise Unreadable("no data")
    try:
        parsed_id, instant = UUID(str(event_id)), _instant(str(time))
    except ValueError:
        raise Unreadable("id is not a UUID, or time is not an RFC 3339 instant") from None
    try:
        return event.receive(data, event_id=parsed_id, time=instant)
    except ValidationError as refused:
        # Where and what kind of error, never the value: what was sent by mistake stays unseen.
        raise Unreadable(
            "; ".join(f"{_place(error['loc'])}: {error['type']}" for error in refused.errors())
        ) from None


def _not_in_catalogue(event_type: str) -> Exception:
    """A newer version of an event we know is a fact we would miss; any other type is not for us."""
    name, _, version = event_type.removeprefix("weiyuan.").rpartition(".")
    if name in _NAMES and version != "v1":
        return Unreadable(f"{name} {version} is newer than this process")
    return UnknownType(event_type)


def _instant(time: str) -> datetime:
    instant = datetime.fromisoformat(time)
    if instant.tzinfo is None:
        raise ValueError("an instant needs its offset")
    return instant


def _place(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "data"
