"""Where the torture takes place: two services' databases, a bus, and what can befall it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import uuid4

from tests.databases import GROUND, Run
from tests.faults import world
from tests.faults.proxy import a_proxy
from tests.kafka import Broker, version

Trouble = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Places:
    """Two services' databases with `{role}` open, the bus, and what can befall it."""

    employment: str
    matching: str
    bus: str
    readers: int = 1
    """Of the board, at once."""
    troubles: Mapping[str, Trouble] = field(default_factory=dict)
    name: str = "the PostgreSQL log"


async def log_places(run: Run) -> Places:
    bus = (await run.copy_of("bus")).replace("{role}", "worker")
    return Places(await run.copy_of(GROUND), await run.copy_of(GROUND), bus)


@asynccontextmanager
async def kafka_places(run: Run) -> AsyncIterator[Places]:
    """A real broker behind a proxy, and two readers that share its partitions."""
    async with a_proxy() as proxy:
        home = run.home / f"kafka-{uuid4().hex[:12]}"
        broker = Broker.create(home, advertised=proxy.port)
        proxy.target = broker.port
        broker.start()
        try:
            await broker.make(world.BOARD.topics, partitions=4)
            yield Places(
                await run.copy_of(GROUND),
                await run.copy_of(GROUND),
                f"kafka://127.0.0.1:{proxy.port}?session_ms=2000",
                readers=2,
                troubles={
                    "broker killed": lambda: asyncio.to_thread(_killed, broker),
                    "broker paused": lambda: _paused(broker),
                    "connections cut": lambda: asyncio.to_thread(proxy.cut),
                },
                name=f"Apache Kafka {version()}",
            )
        finally:
            broker.go_on()
            broker.kill()


def _killed(broker: Broker) -> None:
    broker.kill()
    broker.start()


async def _paused(broker: Broker) -> None:
    broker.pause()
    await asyncio.sleep(1)
    broker.go_on()
