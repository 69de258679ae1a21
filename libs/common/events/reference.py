"""What the catalogue says of itself: descriptions and schemas of events, and docs/events.md."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue

from libs.common.events.catalogue import EVENTS, PUBLISHERS, TOPICS, publishers_of, topic_of
from libs.common.events.event import Event, LocalEvent

_INTRODUCTION = """\
# Events

Generated from `libs/common/events/catalogue` by `python -m libs.common.events.asyncapi`; not to be
edited. The same catalogue as an AsyncAPI document: [api/asyncapi.yaml](api/asyncapi.yaml).

Every event is a CloudEvent 1.0 in Kafka binary mode: the fields below are the record's value; id,
time, type and source are headers. It holds ids, codes, counts and amounts; never a name, an
identifier, a contact or anything of health. It carries the state of its aggregate: a reader keeps
the highest `version` of each `aggregate_id`. Records of one key stay in order; across keys and
topics there is no order. Lists of codes are open: a reader takes codes that it does not know.
Fields are only ever added; what would break a reader is a new event, `.v2`.
"""


class _PlainSchema(GenerateJsonSchema):
    """Without the titles that only repeat a field's name."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 - pydantic's signature
        return False


@dataclass(frozen=True)
class About:
    """The docstring of an event: what happened, what it is about, what the need board does."""

    summary: str
    aggregate: str
    board: str


def about(event: type[Event]) -> About:
    lines = [line.strip() for line in (event.__doc__ or "").splitlines()]
    said = dict(
        line.split(": ", 1) for line in lines if line.startswith(("Aggregate: ", "Board: "))
    )
    return About(lines[0], said["Aggregate"], said["Board"])


def schema_of(event: type[Event]) -> JsonSchemaValue:
    """The JSON schema of an event's data; parts of it in `$defs`."""
    schema = event.model_json_schema(
        schema_generator=_PlainSchema,
        mode="serialization",
        ref_template="#/components/schemas/{model}",
    )
    return schema | {"title": event.__name__, "description": about(event).summary}


def key_of(event: type[Event]) -> str:
    if issubclass(event, LocalEvent):
        return "household_id, or division where that is null"
    return event.key_field


def markdown() -> str:
    parts = [_INTRODUCTION, _topics(), _overview(), *map(_section, EVENTS.values())]
    return "\n".join(parts)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _topics() -> str:
    rows = []
    for topic in TOPICS:
        events = [
            event
            for published in PUBLISHERS.values()
            for event, where in published.items()
            if where == topic
        ]
        rows.append([f"`{topic}`", _quoted(event.name for event in events)])
    return "## Topics\n\n" + _table(["topic", "events"], rows)


def _overview() -> str:
    rows = (
        [f"[`{event.name}`](#{event.name})", ", ".join(publishers_of(event)), about(event).board]
        for event in EVENTS.values()
    )
    return "## Catalogue\n\n" + _table(["event", "published by", "what the need board does"], rows)


def _section(event: type[Event]) -> str:
    said, schema = about(event), schema_of(event)
    topics = _quoted(topic_of(service, event) for service in publishers_of(event))
    facts = [
        f"- type: `{event.type}`",
        f"- topics: {topics}",
        f"- key: {key_of(event)}",
        f"- aggregate: {said.aggregate}",
        f"- need board: {said.board}",
    ]
    rows = _fields(schema, schema.get("$defs", {}))
    return "\n".join(
        [
            f"## {event.name}\n",
            f"{said.summary}\n",
            *facts,
            "",
            _table(["field", "unit", "meaning"], rows),
        ]
    )


def _fields(
    schema: JsonSchemaValue, parts: Mapping[str, JsonSchemaValue], prefix: str = ""
) -> list[list[str]]:
    rows = []
    for name, field in schema["properties"].items():
        field, nullable = _without_null(field)
        item = field.get("items", {})
        rows.append([f"`{prefix}{name}`", _unit(field) + nullable, _meaning(field)])
        if "$ref" in item:
            part = parts[item["$ref"].rsplit("/", 1)[1]]
            rows += _fields(part, parts, f"{prefix}{name}[].")
    return rows


def _without_null(field: JsonSchemaValue) -> tuple[JsonSchemaValue, str]:
    if "anyOf" not in field:
        return field, ""
    value = next(choice for choice in field["anyOf"] if choice != {"type": "null"})
    return value | {"description": field["description"]}, " or null"


def _unit(field: JsonSchemaValue) -> str:
    if field.get("type") == "array":
        item = field["items"]
        return "list of " + ("parts" if "$ref" in item else _unit(item) + "s")
    return str(field.get("x-unit") or {"uuid": "id", "date": "date"}[field["format"]])


def _meaning(field: JsonSchemaValue) -> str:
    codes = field.get("x-extensible-enum") or field.get("items", {}).get("x-extensible-enum")
    return str(field["description"]) + (f" {_quoted(codes)}" if codes else "")


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
