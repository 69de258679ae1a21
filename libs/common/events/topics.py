"""Kafka's topics as a file says they should be: made, brought forward, never repartitioned."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import for_code

from libs.common.events.bus import BusUnavailable
from libs.common.events.kafka_client import KafkaUrl, reaching

_THERE = 36  # TOPIC_ALREADY_EXISTS: somebody else was faster


class TopicsRefused(Exception):
    """What is asked would break what is there, or Kafka refuses it; the text says which topic."""


@dataclass(frozen=True)
class Topics:
    """`deploy/kafka/topics.toml`: all topics alike."""

    names: Sequence[str]
    partitions: int
    replication: int
    config: Mapping[str, str]

    @classmethod
    def read(cls, file: Path, *, replication: int | None = None) -> Self:
        """`replication` for a cluster with fewer brokers than the file asks for."""
        told = tomllib.loads(file.read_text("utf-8"))
        try:
            topics = cls(told["topics"], told["partitions"], told["replication"], told["config"])
        except KeyError as missing:
            raise TopicsRefused(f"{file} says nothing of {missing}") from None
        return replace(topics, replication=replication or topics.replication)


async def apply(url: str, topics: Topics) -> Mapping[str, str]:
    """What was done to each topic: `made`, `changed` or nothing; the same again does nothing."""
    with reaching():
        admin = AIOKafkaAdminClient(**KafkaUrl.parse(url).connection())
        try:
            await admin.start()
            return await _apply(admin, topics)
        finally:
            await admin.close()


async def _apply(admin: AIOKafkaAdminClient, topics: Topics) -> Mapping[str, str]:
    there = {each["topic"]: each for each in await admin.describe_topics(list(topics.names))}
    missing = [name for name in topics.names if there[name]["error_code"]]
    for name in topics.names:
        found = len(there[name]["partitions"])
        if name not in missing and found != topics.partitions:
            raise TopicsRefused(
                f"{name} has {found} partitions, the file says {topics.partitions}: keys would "
                "lose their order. Name a new version of the topic and replay into it"
            )
    done = dict.fromkeys(missing, "made")
    if missing:
        _check(await admin.create_topics([_new(name, topics) for name in missing]))
    changing = [
        ConfigResource(ConfigResourceType.TOPIC, name, dict(topics.config))
        for name in topics.names
        if name not in missing and await _config(admin, name, topics) != topics.config
    ]
    if changing:
        await admin.alter_configs(changing)
    return done | {each.name: "changed" for each in changing}


def _new(name: str, topics: Topics) -> NewTopic:
    return NewTopic(name, topics.partitions, topics.replication, topic_configs=dict(topics.config))


def _check(response: Any) -> None:
    for topic, code, message in response.topic_errors:
        if code not in (0, _THERE):
            raise TopicsRefused(f"{topic}: {message or for_code(code).__name__}")


async def _config(admin: AIOKafkaAdminClient, name: str, topics: Topics) -> dict[str, str]:
    asked = ConfigResource(ConfigResourceType.TOPIC, name, dict.fromkeys(topics.config))
    (answer,) = await admin.describe_configs([asked])
    ((code, message, _, _, entries),) = answer.resources
    if code:
        raise BusUnavailable(f"Kafka: {name}: {message}")
    return {entry[0]: entry[1] for entry in entries}
