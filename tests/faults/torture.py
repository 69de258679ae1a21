"""The torture: many writers, relay and consumers killed at random; nothing is lost or doubled.

On Kafka the broker is killed and paused too, and connections are cut. `make torture` does both, or
with another seed `python -m tests.faults.torture --transactions 50000 --seed 2 [--kafka]`.
"""

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg

from libs.common.db.database import Database, Scope
from libs.common.events.bus import Bus, BusUnavailable, open_bus
from libs.common.events.event import Event
from libs.common.ids import new_id
from libs.common.records.audit import Trace
from tests.databases import OwnRun, Run
from tests.faults import workers, world
from tests.faults.places import Places, kafka_places, log_places

WRITERS, HOUSEHOLDS = 16, 20
TRACE = Trace(actor="torture", role="county_officer", action="torture")
AREA = Scope.area("621123")
_SETTLED_WITHIN = 180.0


@dataclass(frozen=True)
class Plan:
    transactions: int
    seed: int
    pause: float = 0.0
    """Of a writer between two transactions, at most."""
    calm: float = 0.5
    """Between two kills, at most."""


def long_plan(*, kafka: bool, transactions: int = 50_000, seed: int = 1) -> Plan:
    """On Kafka a trouble lasts for seconds, so the writers take their time."""
    if kafka:
        return Plan(transactions, seed, pause=0.06, calm=2.0)
    return Plan(transactions, seed)


@dataclass
class Report:
    """What happened; `faults` is empty when the board is right."""

    bus: str
    troubles: Counter[str] = field(default_factory=Counter)
    conflicts: int = 0
    emitted: set[UUID] = field(default_factory=set)
    writing: float = 0.0
    settling: float = 0.0
    on_bus_twice: int = 0
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        done = len(self.emitted)
        told = ", ".join(f"{name} {count}" for name, count in sorted(self.troubles.items()))
        return "\n".join(
            [
                f"{self.bus}: {done:,} transactions, {WRITERS} writers, {HOUSEHOLDS} households",
                f"{self.writing:.1f} s, {done / self.writing:,.0f}/s; {self.conflicts:,} conflicts",
                f"killed or troubled: {told or 'nothing'}",
                f"on the bus twice: {self.on_bus_twice:,} records",
                f"board settled {self.settling:.1f} s after the last write",
                "; ".join(self.faults) or "0 lost, 0 doubled, the board equals the facts",
            ]
        )


async def torture(plan: Plan, places: Places) -> Report:
    report = Report(places.name)
    households = [new_id() for _ in range(HOUSEHOLDS)]
    await world.make_truth(places.employment, households)
    await world.make_board(places.matching)
    employment = await asyncpg.connect(places.employment.replace("{role}", "worker"))
    matching = await asyncpg.connect(places.matching.replace("{role}", "worker"))
    storm = asyncio.create_task(_storm(plan, places, report))
    began = time.monotonic()
    await _write(plan, places, households, report)
    report.writing = time.monotonic() - began
    await _settled(employment, places)
    report.settling = time.monotonic() - began - report.writing
    storm.cancel()
    await asyncio.gather(storm, return_exceptions=True)
    await _judge(employment, matching, places, report)
    await employment.close()
    await matching.close()
    return report


async def _storm(plan: Plan, places: Places, report: Report) -> None:
    """Keep relay and readers alive; kill them and trouble the bus, all in turn, in any order."""
    chance = random.Random(plan.seed)
    mains = {"relay": (workers.relay, places.employment)}
    mains |= {f"reader {n}": (workers.consume, places.matching) for n in range(places.readers)}
    alive = {name: workers.start(*main, places.bus) for name, main in mains.items()}
    everything, coming = [*mains, *places.troubles], list[str]()
    try:
        while True:
            await asyncio.sleep(chance.uniform(0, plan.calm))
            coming = coming or chance.sample(everything, len(everything))
            name = coming.pop()
            report.troubles[name.split()[0] if name in mains else name] += 1
            if name in places.troubles:
                await places.troubles[name]()
                continue
            alive[name].kill()
            alive[name].join()
            alive[name] = workers.start(*mains[name], places.bus)
    finally:
        for process in alive.values():
            process.kill()
            process.join()


async def _write(plan: Plan, places: Places, households: list[UUID], report: Report) -> None:
    database = await Database.open("employment", places.employment, sizes={"app": WRITERS})
    todo = iter(range(plan.transactions))

    async def writer(seed: int) -> None:
        chance = random.Random(seed)
        for _ in todo:
            household = chance.choice(households)
            if chance.random() < 0.4:
                await _pay(database, household, chance.randint(1, 10**6), report)
            else:
                await _raise(database, household, chance.randint(1, 10**6), report)
            await asyncio.sleep(chance.uniform(0, plan.pause))

    await asyncio.gather(*(writer(plan.seed * WRITERS + number) for number in range(WRITERS)))
    await database.close()


async def _pay(database: Database, household: UUID, fen: int, report: Report) -> None:
    event = world.wage(household, fen)
    paid = await database.command(
        AREA,
        world.pay,
        trace=TRACE,
        events=[event],
        id=event.aggregate_id,
        household_id=household,
        division=world.VILLAGE,
        amount_fen=fen,
    )
    assert paid is not None
    report.emitted.add(event.event_id)


async def _raise(database: Database, household: UUID, fen: int, report: Report) -> None:
    while True:
        async with database.reading(AREA) as db:
            row = await db.row(world.current, household_id=household)
        assert row is not None
        event: Event = world.employed(dict(row), household, fen)
        raised = await database.command(
            AREA,
            world.raise_income,
            trace=TRACE,
            events=[event],
            id=row["id"],
            if_version=row["version"],
            monthly_income_fen=fen,
        )
        if raised is not None:
            report.emitted.add(event.event_id)
            return
        report.conflicts += 1


async def _settled(employment: asyncpg.Connection, places: Places) -> None:
    bus = await open_bus(places.bus)

    async def behind() -> int:
        pending: int = await employment.fetchval("SELECT count(*) FROM outbox")
        try:
            return pending + sum((await bus.lag("matching", world.BOARD.topics)).values())
        except BusUnavailable:
            return 1

    async with asyncio.timeout(_SETTLED_WITHIN):
        while await behind():  # noqa: ASYNC110 - it is other processes that work
            await asyncio.sleep(0.05)
    await bus.close()


async def _on_bus(bus: Bus) -> int:
    history, count = await bus.history(world.BOARD.topics), 0
    while records := await history.fetch(5_000):
        count += len(records)
    await history.close()
    return count


async def _judge(
    employment: asyncpg.Connection, matching: asyncpg.Connection, places: Places, report: Report
) -> None:
    bus = await open_bus(places.bus)
    report.on_bus_twice = await _on_bus(bus) - len(report.emitted)
    await bus.close()
    taken_in = {row["event_id"] for row in await matching.fetch("SELECT event_id FROM inbox")}
    truth = [tuple(row) for row in await employment.fetch(world.TRUTH)]
    shown = [tuple(row) for row in await matching.fetch(world.SHOWN)]
    letters = await matching.fetchval("SELECT count(*) FROM dead_letter")
    audited = await employment.fetchval("SELECT count(*) FROM audit")
    checks = {
        f"{len(report.emitted - taken_in)} lost": report.emitted <= taken_in,
        f"{len(taken_in - report.emitted)} from nowhere": taken_in <= report.emitted,
        f"the board differs: {[*zip(truth, shown, strict=False)]}": truth == shown,
        f"{letters} dead letters": letters == 0,
        f"{audited} audit rows": audited == len(report.emitted),
    }
    report.faults = [fault for fault, holds in checks.items() if not holds]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--transactions", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kafka", action="store_true", help="on a real broker")
    options = parser.parse_args()
    own = OwnRun.begin()
    try:
        plan = long_plan(**vars(options))
        report = asyncio.run(_whole(own.run, plan, kafka=options.kafka))
    finally:
        own.end()
    sys.stdout.write(f"{report}\n")
    return 1 if report.faults else 0


async def _whole(run: Run, plan: Plan, *, kafka: bool) -> Report:
    if not kafka:
        return await torture(plan, await log_places(run))
    async with kafka_places(run) as places:
        return await torture(plan, places)


if __name__ == "__main__":
    sys.exit(main())
