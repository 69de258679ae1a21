"""One sample of each event, as it was first published: every later version reads it."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from libs.common.events.bus import Record
from libs.common.events.catalogue import EVENTS, publishers_of, topic_of
from libs.common.events.catalogue.employment import Channel, HouseholdEmployed
from libs.common.events.envelope import to_record
from libs.common.events.event import Event
from libs.common.events.reference import schema_of
from libs.common.ids import new_id

FOLDER = Path(__file__).parent / "events"

_TIME = datetime(2019, 6, 17, 0, 30, tzinfo=UTC)
_DATES = {"since": "2019-03-01", "until": "2020-02-29"}


def a_record(event: Event, topic: str, traceparent: str | None = None) -> Record:
    return to_record(
        {
            "topic": topic,
            "key": event.key,
            "type": event.type,
            "event_id": event.event_id,
            "time": event.time,
            "traceparent": traceparent,
            "data": event.data(),
        }
    )


def an_employment() -> HouseholdEmployed:
    return HouseholdEmployed(
        aggregate_id=new_id(),
        version=1,
        household_id=new_id(),
        person_id=new_id(),
        channel=Channel.PUBLIC_POST,
        monthly_income_fen=50_000,
        since=date(2019, 3, 1),
    )


def path_of(event: type[Event]) -> Path:
    return FOLDER / f"{event.name}.json"


def read(path: Path) -> Record:
    sample = json.loads(path.read_text("utf-8"))
    value = json.dumps(sample.pop("value"), ensure_ascii=False).encode()
    return Record(value=value, **sample)


def write_missing() -> None:
    """A new event gets its sample; what is there is on somebody's bus already, and stays."""
    for event in EVENTS.values():
        if not path_of(event).exists():
            path_of(event).write_text(_sample(event), "utf-8")


def _sample(event: type[Event]) -> str:
    schema = schema_of(event)
    fields = {name: _example(name, field, schema) for name, field in schema["properties"].items()}
    made = event.receive(json.dumps(fields).encode(), event_id=_id(event.name), time=_TIME)
    topic = topic_of(publishers_of(event)[0], event)
    record = a_record(made, topic, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    message = {
        "topic": record.topic,
        "key": record.key,
        "headers": record.headers,
        "value": json.loads(made.data()),
    }
    return json.dumps(message, ensure_ascii=False, indent=2) + "\n"


def _example(name: str, field: dict[str, Any], schema: dict[str, Any]) -> Any:
    if "anyOf" in field:
        return _example(name, field["anyOf"][0], schema)
    if "$ref" in field:
        part = schema["$defs"][field["$ref"].rsplit("/", 1)[1]]
        return {inner: _example(inner, of, schema) for inner, of in part["properties"].items()}
    if field.get("type") == "array":
        return [_example(name, field["items"], schema)]
    if field.get("format") == "uuid":
        return str(_id(name))
    if field.get("format") == "date":
        return _DATES.get(name, "2019-06-30")
    return field["examples"][0]


def _id(name: str) -> UUID:
    return uuid5(NAMESPACE_URL, f"urn:weiyuan:sample:{name}")


if __name__ == "__main__":
    write_missing()
