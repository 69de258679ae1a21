"""The metrics of a process, in one registry; each label has a small fixed set of values."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from starlette.requests import Request
from starlette.responses import Response

REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_AGE = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0)


def _gauge(name: str, says: str, *labels: str) -> Gauge:
    return Gauge(f"weiyuan_{name}", says, labels, registry=REGISTRY)


def _counter(name: str, says: str, *labels: str) -> Counter:
    return Counter(f"weiyuan_{name}", says, labels, registry=REGISTRY)


def _histogram(name: str, says: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(f"weiyuan_{name}", says, labels, registry=REGISTRY, buckets=buckets)


OUTBOX_PENDING = _gauge("outbox_pending", "Events not yet on the bus", "service")
OUTBOX_OLDEST_AGE = _gauge(
    "outbox_oldest_age_seconds", "Age of the oldest event not yet on the bus", "service"
)
OUTBOX_PARKED = _gauge("outbox_parked", "Events the bus refused for good", "service")
RELAY_LEADER = _gauge("relay_leader", "1 where this process relays the outbox", "service")
RELAY_PUBLISHED = _counter("relay_published_total", "Events put on the bus", "service")
RELAY_ERRORS = _counter("relay_errors_total", "Pages that failed and are retried", "service")

CONSUMER_LAG = _gauge("consumer_lag", "Records not yet consumed", "group", "topic")
EVENT_AGE = _histogram(
    "consumer_event_age_seconds", "From the commit of a fact to its effect", "group", buckets=_AGE
)
DUPLICATES = _counter("consumer_duplicates_total", "Events seen before", "group")
UNKNOWN_TYPES = _counter("consumer_unknown_type_total", "Events of no known type", "group")
DEAD_LETTERS = _gauge("dead_letter_open", "Records waiting for a person", "consumer")

SEAL_LAG = _gauge("seal_lag_seconds", "Age of the oldest record not yet sealed", "service")
SEALED = _counter("sealed_rows_total", "Records sealed", "service")
ACCESS_LOST = _counter("access_rows_lost_total", "Masked reads that went unlogged", "service")

LOOP_LAG = _histogram("event_loop_lag_seconds", "Delay of a due task", buckets=_FAST)
HTTP_REQUESTS = _histogram(
    "http_request_seconds", "Requests by route", "method", "route", "status", buckets=_FAST
)


async def metrics(_: Request) -> Response:
    """The endpoint of `/metrics`, a path that nothing outside is routed to."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
