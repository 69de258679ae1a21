"""The bus: commands with events, relay, consumer, and how long a fact takes to be seen.

As the app and worker roles, row-level security on; the bare forms go round it.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from statistics import quantiles
from time import perf_counter
from uuid import UUID

import asyncpg
import uvloop
from aiokafka import AIOKafkaProducer

from benchmarks.bus_arms import (
    WRITERS,
    Commands,
    Facts,
    Ground,
    Relayed,
)
from benchmarks.homes import a_home
from benchmarks.measure import Arm, Row, measured
from libs.common.db.database import Database, DatabaseRole
from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.migrate import upgrade
from libs.common.db.provision import BUS, provision
from libs.common.events.bus import Record, Subscription, open_bus
from libs.common.events.consumer import Consumer
from libs.common.events.relay import Relay
from libs.common.ids import new_id
from services.matching.handlers import REACTION
from services.matching.main import service
from tests.databases import GROUND
from tests.faults import world
from tests.mock_kafka import mock_cluster
from tests.twice import Around

EMPLOYMENTS = 2_000
PACE, SECONDS = 200, 10
LEAST_ROUNDS = 15
BOARD_POOL: Mapping[DatabaseRole, int] = {"worker": 2}

CLAIMS = (
    Row("relay to the PostgreSQL log", "aiokafka produce", bar=0.60),
    Row("command, 1 writer", "three statements, 1 writer", bar=1.5),
    Row("command, 16 writers", "three statements, 16 writers", bar=1.5),
    Row("command, 16 writers", "command without wake-up", bar=0.95),
    Row("inbox and facts, 500", "upsert, 500", bar=0.65),
    Row("inbox and facts, 100", "upsert, 100", bar=0.50),
    Row("from the bus, 500", "upsert, 500"),
    Row("from the bus, 100", "upsert, 100"),
)


def arms(ground: Ground, producer: AIOKafkaProducer) -> Mapping[str, Arm]:
    commands, relayed, facts = Commands(ground), Relayed(ground, producer), Facts(ground)
    some: dict[str, Arm] = {
        "aiokafka produce": Arm(relayed.produce, relayed.ready),
        "relay to the PostgreSQL log": Arm(relayed.relay, relayed.fill),
        "command without wake-up": Arm(partial(commands.without_wake_up, WRITERS), commands.clear),
    }
    for writers, label in ((1, "1 writer"), (WRITERS, "16 writers")):
        bare = partial(commands.three_statements, writers)
        some[f"three statements, {label}"] = Arm(bare, commands.clear)
        some[f"command, {label}"] = Arm(partial(commands.one_statement, writers), commands.clear)
    for batch in (500, 100):
        some[f"upsert, {batch}"] = Arm(partial(facts.upsert, batch), facts.ready)
        some[f"inbox and facts, {batch}"] = Arm(partial(facts.take_in, batch), facts.ready)
        some[f"from the bus, {batch}"] = Arm(partial(facts.consume, batch), facts.published)
    return some


@asynccontextmanager
async def ground() -> AsyncIterator[Ground]:
    """A server of its own, with the databases of a publisher, of the board and of the bus."""
    home = a_home()
    server = EmbeddedPostgres.start(home)
    try:
        for name, migrations in ((GROUND, None), ("matching", service.migrations), (BUS, None)):
            await provision(name, server.admin_url)
            await upgrade(name, server.url_template(name), migrations)
        async with AsyncExitStack() as stack:
            yield await _opened(stack, server)
    finally:
        server.stop()
        shutil.rmtree(home)


async def _opened(stack: AsyncExitStack, server: EmbeddedPostgres) -> Ground:
    url = server.url_template(GROUND)
    employments = [new_id() for _ in range(EMPLOYMENTS)]
    await world.make_truth(url, employments)
    on = Ground(
        url=url,
        employment=await Database.open("employment", url, sizes={"app": WRITERS}),
        board=await Database.open("matching", server.url_template("matching"), sizes=BOARD_POOL),
        bus=await open_bus(server.url_template(BUS).format(role="worker")),
        bare=await asyncpg.create_pool(server.admin_url(GROUND), min_size=1, max_size=WRITERS),
        bare_board=await asyncpg.connect(server.admin_url("matching")),
        employments=employments,
    )
    relay = await asyncpg.connect(server.admin_url(GROUND))
    await relay.add_listener("outbox", lambda *_: None)  # in every arm somebody can be woken
    for opened in (on.employment, on.board, on.bus, on.bare, on.bare_board, relay):
        stack.push_async_callback(opened.close)
    await on.bare.execute("UPDATE employment SET id = household_id")
    return on


class Timed(Around):
    """Notes when the consumer acknowledges, which is right after its commit."""

    def __init__(self, inner: Ground) -> None:
        super().__init__(inner.bus)
        self.seen: dict[UUID, float] = {}

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        return _Noting(await self.bus.subscribe(group, topics), self.seen)


class _Noting:
    def __init__(self, inner: Subscription, seen: dict[UUID, float]) -> None:
        self._inner = inner
        self._seen = seen
        self.fetch, self.ages, self.close = inner.fetch, inner.ages, inner.close

    async def ack(self, records: Sequence[Record]) -> None:
        now = perf_counter()
        self._seen.update((UUID(record.headers["ce_id"]), now) for record in records)
        await self._inner.ack(records)


async def latency(on: Ground) -> list[float]:
    """Milliseconds from the commit of a command to the commit of what the board made of it."""
    timed, stop, commands = Timed(on), asyncio.Event(), Commands(on)
    await on.bare.execute("TRUNCATE outbox; UPDATE employment SET version = 0")
    running = [
        asyncio.create_task(Relay("employment", on.url, on.bus).run(stop)),
        asyncio.create_task(Consumer(on.board, timed, REACTION).run(stop)),
    ]
    committed: dict[UUID, float] = {}

    async def all_seen() -> None:
        while not committed.keys() <= timed.seen.keys():  # noqa: ASYNC110 - the consumer's doing
            await asyncio.sleep(0.05)

    await _raise(commands, on.employments[0], committed)  # until relay and consumer are there
    await all_seen()
    committed.clear()
    async with asyncio.TaskGroup() as writers:
        for number in range(PACE * SECONDS):
            writers.create_task(_raise(commands, on.employments[number % EMPLOYMENTS], committed))
            await asyncio.sleep(1 / PACE)
    await all_seen()
    stop.set()
    await asyncio.gather(*running)
    return [1000 * (timed.seen[event] - instant) for event, instant in committed.items()]


async def _raise(commands: Commands, employment: UUID, committed: dict[UUID, float]) -> None:
    event = await commands.raise_income(employment)
    committed[event] = perf_counter()


async def main() -> int:
    async with AsyncExitStack() as stack:
        on = await stack.enter_async_context(ground())
        brokers = stack.enter_context(mock_cluster())
        producer = AIOKafkaProducer(bootstrap_servers=brokers, acks="all", enable_idempotence=True)
        await producer.start()
        stack.push_async_callback(producer.stop)
        failed = await measured(arms(on, producer), CLAIMS, least=LEAST_ROUNDS)
        cuts = quantiles(await latency(on), n=20)
        print(f"commit to visible at {PACE}/s: p50 {cuts[9]:.1f} ms, p95 {cuts[18]:.1f} ms")
        return failed


if __name__ == "__main__":
    sys.exit(uvloop.run(main()))
