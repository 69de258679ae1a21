"""Where Kafka is and how to reach it, all in `WEIYUAN_BUS_URL`; what its clients have in common.

    kafka://broker-0:9092,broker-1:9092
    kafka+ssl://broker-0:9093?ca=ca.crt&cert=user.crt&key=user.key

`ca` is who vouches for the brokers, `cert` and `key` are who this process is; all three are files.
`session_ms` is after how long a reader that has gone silent loses its partitions.
"""

import asyncio
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, Self
from urllib.parse import parse_qsl, urlsplit

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from libs.common.events.bus import BusUnavailable

_TLS = frozenset({"ca", "cert", "key"})
_SESSION_MS = "10000"
_STOP_SECONDS = 3.0


class KafkaUrl(NamedTuple):
    brokers: list[str]
    session_ms: int
    tls: dict[str, str] | None

    @classmethod
    def parse(cls, url: str) -> Self:
        parts = urlsplit(url)
        brokers = [each for each in parts.netloc.split(",") if each]
        given = dict(parse_qsl(parts.query, strict_parsing=bool(parts.query)))
        tls = parts.scheme == "kafka+ssl"
        if unknown := given.keys() - {"session_ms"} - (_TLS if tls else set()):
            raise ValueError(f"WEIYUAN_BUS_URL: {parts.scheme}:// has no {', '.join(unknown)}")
        if not brokers or "@" in parts.netloc:
            raise ValueError("WEIYUAN_BUS_URL: kafka://host:port[,host:port…], and nobody before @")
        session = given.pop("session_ms", _SESSION_MS)
        if not session.isdecimal():
            raise ValueError("WEIYUAN_BUS_URL: session_ms is a number of milliseconds")
        return cls(brokers, int(session), given if tls else None)

    def connection(self) -> dict[str, Any]:
        """How each client of aiokafka connects; certificates are read anew, they are renewed."""
        if self.tls is None:
            return {"bootstrap_servers": self.brokers}
        context = ssl.create_default_context(cafile=self.tls.get("ca"))
        if "cert" in self.tls:
            context.load_cert_chain(self.tls["cert"], self.tls.get("key"))
        return {
            "bootstrap_servers": self.brokers,
            "security_protocol": "SSL",
            "ssl_context": context,
        }


@contextmanager
def reaching() -> Iterator[None]:
    """What aiokafka raises when Kafka is not as it should be; mended by time or by an operator."""
    try:
        yield
    except (KafkaError, OSError, TimeoutError) as error:
        raise BusUnavailable(f"Kafka: {error!r}") from error


async def started(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Or stopped: a client that could not start has tasks and sockets all the same."""
    try:
        await client.start()
    except BaseException:
        await stopped(client)
        raise


async def stopped(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Nothing of it is left, whether brokers answer or not.

    A producer is not asked to finish: what it was given is there already, or comes again. Its own
    `stop` waits for brokers that are away, for ever.
    """
    client._closed = True
    if isinstance(client, AIOKafkaProducer):
        parts: list[Any] = [client._sender, client.client]
    else:
        parts = [client._coordinator, client._fetcher, client._client]
    for part in filter(None, parts):
        closing = asyncio.ensure_future(part.close())  # its tasks' ends are not this one's
        await asyncio.wait([closing], timeout=_STOP_SECONDS)
        closing.cancel()
        await asyncio.gather(closing, return_exceptions=True)


async def places_of(consumer: AIOKafkaConsumer, topics: Sequence[str]) -> list[TopicPartition]:
    """Every partition of the topics, which have to be there: nothing here makes them."""
    await consumer._client.set_topics(topics)  # its own way to ask for them without subscribing
    places = []
    for topic in topics:
        partitions = consumer.partitions_for_topic(topic)
        if not partitions:
            raise BusUnavailable(f"Kafka has no topic {topic}: weiyuan topics apply makes it")
        places += [TopicPartition(topic, each) for each in sorted(partitions)]
    return places
