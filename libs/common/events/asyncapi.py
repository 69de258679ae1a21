"""The AsyncAPI 3.0 document of the catalogue, and the command that writes the generated pages."""

import argparse
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from libs.common.events.catalogue import EVENTS, PUBLISHERS, TOPICS, publishers_of, topic_of
from libs.common.events.event import Event
from libs.common.events.reference import about, key_of, markdown, schema_of

Node = dict[str, Any]
Consumers = Mapping[str, Iterable[type[Event]]]

DOCS = Path(__file__).parents[3] / "docs"

_HEADERS: Node = {
    "content-type": {"type": "string", "const": "application/json"},
    "ce_specversion": {"type": "string", "const": "1.0"},
    "ce_id": {"type": "string", "format": "uuid", "description": "A reader takes each id once."},
    "ce_source": {"type": "string", "description": "/weiyuan/ and the publisher."},
    "ce_type": {"type": "string"},
    "ce_time": {
        "type": "string",
        "format": "date-time",
        "description": "When it happened, in UTC.",
    },
    "ce_partitionkey": {"type": "string", "description": "The record's key."},
    "ce_traceparent": {
        "type": "string",
        "description": "W3C trace context of its cause, if known.",
    },
}
_TRAIT: Node = {
    "contentType": "application/json",
    "headers": {
        "type": "object",
        "required": [name for name in _HEADERS if name != "ce_traceparent"],
        "properties": _HEADERS,
    },
}


def document(consumers: Consumers | None = None) -> Node:
    """The whole catalogue; `consumers` names the events that each service listens to."""
    messages = {event.name: _message(event) for event in EVENTS.values()}
    parts = {
        name: part
        for message in messages.values()
        for name, part in message["payload"].pop("$defs", {}).items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Weiyuan 渭源 events",
            "version": "1",
            "description": "Facts that the services of Weiyuan tell each other: CloudEvents 1.0 "
            "in Kafka binary mode. Generated from the catalogue; do not edit.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic: _channel(topic) for topic in TOPICS},
        "operations": _sends() | _receives(consumers or {}),
        "components": {
            "messages": messages,
            "messageTraits": {"cloudevent": _TRAIT},
            "schemas": parts,
        },
    }


def _message(event: type[Event]) -> Node:
    said = about(event)
    key = {"type": "string", "description": key_of(event)}
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": said.summary,
        "description": f"Aggregate: {said.aggregate} Need board: {said.board}",
        "traits": [_ref("components", "messageTraits", "cloudevent")],
        "headers": {"type": "object", "properties": {"ce_type": {"const": event.type}}},
        "payload": schema_of(event),
        "bindings": {"kafka": {"key": key, "bindingVersion": "0.5.0"}},
    }


def _channel(topic: str) -> Node:
    events = [
        event
        for event in EVENTS.values()
        for s in publishers_of(event)
        if topic_of(s, event) == topic
    ]
    return {
        "address": topic,
        "messages": {event.name: _ref("components", "messages", event.name) for event in events},
        "bindings": {
            "kafka": {
                "topicConfiguration": {"cleanup.policy": ["delete"], "retention.ms": -1},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _sends() -> Node:
    return {
        f"{service}.sends.{topic}": _operation("send", service, topic, events)
        for service, published in PUBLISHERS.items()
        for topic, events in _by_topic([service], published).items()
    }


def _receives(consumers: Consumers) -> Node:
    return {
        f"{service}.receives.{topic}": _operation("receive", service, topic, events)
        for service, wanted in consumers.items()
        for topic, events in _by_topic(PUBLISHERS, wanted).items()
    }


def _by_topic(publishers: Iterable[str], events: Iterable[type[Event]]) -> dict[str, list[str]]:
    topics: dict[str, list[str]] = {}
    for event in events:
        for service in filter(publishers_of(event).__contains__, publishers):
            topics.setdefault(topic_of(service, event), []).append(event.name)
    return topics


def _operation(action: str, service: str, topic: str, events: Iterable[str]) -> Node:
    return {
        "action": action,
        "channel": _ref("channels", topic),
        "tags": [{"name": service}],
        "messages": [_ref("channels", topic, "messages", name) for name in events],
    }


def _ref(*path: str) -> Node:
    return {"$ref": "#/" + "/".join(path)}


class _Dumper(yaml.SafeDumper):
    """Writes repeated values out in full: people read the page."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - yaml's signature
        return True


def pages() -> dict[Path, str]:
    """The generated pages and what they should say."""
    text = yaml.dump(document(), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return {DOCS / "api" / "asyncapi.yaml": text, DOCS / "events.md": markdown()}


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m libs.common.events.asyncapi")
    parser.add_argument("--check", action="store_true", help="fail if a page is out of date")
    check = parser.parse_args(arguments).check
    stale = [
        page
        for page, text in pages().items()
        if not page.exists() or page.read_text("utf-8") != text
    ]
    if check and stale:
        names = ", ".join(str(page.relative_to(DOCS.parent)) for page in stale)
        sys.exit(f"out of date: {names}; run python -m libs.common.events.asyncapi")
    for page in stale:
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(pages()[page], "utf-8")


if __name__ == "__main__":
    main()
