"""Every event there is, who publishes it and on which topic: one module per publisher."""

from collections.abc import Iterable, Mapping

from libs.common.events.catalogue import commerce, employment, matching, registry, solar
from libs.common.events.event import Event

PUBLISHERS: Mapping[str, Mapping[type[Event], str]] = {
    "registry": registry.PUBLISHED,
    "employment": employment.PUBLISHED,
    "solar": solar.PUBLISHED,
    "commerce": commerce.PUBLISHED,
    "matching": matching.PUBLISHED,
}

EVENTS: Mapping[str, type[Event]] = {
    event.type: event for published in PUBLISHERS.values() for event in published
}
"""By CloudEvents type."""

TOPICS: tuple[str, ...] = tuple(
    dict.fromkeys(topic for published in PUBLISHERS.values() for topic in published.values())
)


def topic_of(service: str, event: type[Event]) -> str:
    """Where this service publishes the event."""
    try:
        return PUBLISHERS[service][event]
    except KeyError:
        raise LookupError(f"{service} does not publish {event.name}") from None


def publishers_of(event: type[Event]) -> tuple[str, ...]:
    return tuple(service for service, published in PUBLISHERS.items() if event in published)


def topics_of(events: Iterable[type[Event]]) -> tuple[str, ...]:
    """Where to listen for these events: every topic on which somebody publishes one of them."""
    wanted = set(events)
    return tuple(
        dict.fromkeys(
            topic
            for published in PUBLISHERS.values()
            for event, topic in published.items()
            if event in wanted
        )
    )
