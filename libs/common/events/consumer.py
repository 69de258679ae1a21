"""The consumer: takes the records of a service's topics in, for as long as its process runs."""

import asyncio
import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ARRAY, ClauseElement, Integer, Text, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql import column
from sqlalchemy.types import TypeEngine

from libs.common import clock
from libs.common.db.base import type_of_instant
from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import param, statement
from libs.common.events import dead_letters
from libs.common.events.bus import Bus, Place, Subscription
from libs.common.events.intake import Arrived, Batch, Intake
from libs.common.events.reaction import Reaction
from libs.common.events.retry import NEVER, is_fault_of_event, rest, unless
from libs.common.events.tables import inbox, progress
from libs.common.telemetry import metrics

BATCH = 500
_WAIT = 0.25
_IDLE_NOTE = 1.0
_MEASURE_EVERY = 5.0
_PURGE_EVERY = 3600.0
_PATIENCE = 10
_INBOX_DAYS = 14
"""An older event that comes again is stopped by the version of its fact row."""

_log = structlog.get_logger()


@statement
def _note() -> ClauseElement:
    """Never backwards: two readers may note one place while it moves from one to the other."""
    columns: dict[str, TypeEngine[Any]] = {
        "topic": Text(),
        "partition": Integer(),
        "as_of": type_of_instant,
    }
    arrays = [param(name, ARRAY(type_)) for name, type_ in columns.items()]
    seen = func.unnest(*arrays).table_valued(
        *[column(name, type_) for name, type_ in columns.items()], name="seen"
    )
    rows = select(param("consumer", Text), *seen.render_derived().c)
    noted = insert(progress).from_select(["consumer", *columns], rows)
    return noted.on_conflict_do_update(
        index_elements=progress.primary_key.columns,
        set_={"as_of": noted.excluded.as_of},
        where=progress.c.as_of < noted.excluded.as_of,
    )


@statement
def _purge() -> ClauseElement:
    """By the database's clock, which wrote `seen_at`."""
    oldest = func.now() - literal(timedelta(days=_INBOX_DAYS))
    return delete(inbox).where(inbox.c.consumer == param("consumer"), inbox.c.seen_at < oldest)


class Consumer:
    """One service's reader of the bus; its group is the service's name."""

    def __init__(
        self, database: Database, bus: Bus, reaction: Reaction, *, batch: int = BATCH
    ) -> None:
        self.group = database.service
        self._database = database
        self._bus = bus
        self._limit = batch
        assert reaction.statements  # what cannot be compiled is found now, not by the first event
        self._topics = reaction.topics
        self._intake = Intake(self.group, reaction)
        self._running = self._draining = False
        self._failures = 0
        self._noted = self._measured = self._purged = NEVER

    async def run(self, stop: asyncio.Event) -> None:
        """Wait for this process's turn in the group, then take in what comes, until `stop`."""
        self._running = True
        try:
            await self._take_turns(stop)
        finally:
            self._running = False

    async def drain(self) -> None:
        """Return when all that is on the bus is in: take it, or wait for `run` if it runs here.

        Unlike `run` it gives up, with the error, when the same thing keeps failing.
        """
        if not self._running:
            self._draining = True
            try:
                return await self._take_turns(asyncio.Event())
            finally:
                self._draining = False
        while await self._behind():  # noqa: ASYNC110 - the bus knows
            await asyncio.sleep(0.01)

    async def _behind(self) -> int:
        return sum((await self._bus.lag(self.group, self._topics)).values())

    async def _take_turns(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                subscription = await unless(stop, self._bus.subscribe(self.group, self._topics))
                if subscription is None:
                    return
                try:
                    await self._follow(subscription, stop)
                finally:
                    await subscription.close()
            except Exception as error:
                await self._rest("subscription_lost", error, stop)

    async def _follow(self, subscription: Subscription, stop: asyncio.Event) -> None:
        while not stop.is_set():
            records = await subscription.fetch(self._limit, _WAIT)
            if records or time.monotonic() > self._noted + _IDLE_NOTE:
                batch = self._intake.read(records)
                ages = await subscription.ages()
                if await self._take(batch, _seen(ages, batch.events), stop):
                    await subscription.ack(records)
                    self._failures = 0
                    self._noted = NEVER if None in ages.values() else time.monotonic()
            await self._tend()
            if self._draining and not records and not await self._behind():
                stop.set()

    async def _take(
        self, batch: Batch, seen: Mapping[Place, datetime], stop: asyncio.Event
    ) -> bool:
        """The whole batch in one transaction, until it is in; False when `stop` came first."""
        poisoned = False
        while not stop.is_set():
            try:
                async with self._database.writing(Scope.worker()) as db:
                    new = await self._intake.store(db, batch, isolating=poisoned)
                    await self._note_seen(db, seen)
                self._count(batch, new)
                return True
            except Exception as error:
                if is_fault_of_event(error) and not poisoned:
                    poisoned = True
                else:
                    await self._rest("batch_failed", error, stop)
        return False

    async def _note_seen(self, db: Connection, seen: Mapping[Place, datetime]) -> None:
        if seen:
            topics, partitions = zip(*seen, strict=True)
            await db.rows(
                _note,
                consumer=self.group,
                topic=list(topics),
                partition=list(partitions),
                as_of=list(seen.values()),
            )

    def _count(self, batch: Batch, new: int) -> None:
        metrics.DUPLICATES.labels(self.group).inc(len(batch.events) - new)
        metrics.UNKNOWN_TYPES.labels(self.group).inc(batch.unknown)
        if batch.events:
            oldest = min(arrived.event.time for arrived in batch.events)
            metrics.EVENT_AGE.labels(self.group).observe((clock.now() - oldest).total_seconds())

    async def _tend(self) -> None:
        """Once in a while: what operators look at, and the inbox kept small."""
        now = time.monotonic()
        if now > self._measured + _MEASURE_EVERY:
            self._measured = now
            for topic, behind in (await self._bus.lag(self.group, self._topics)).items():
                metrics.CONSUMER_LAG.labels(self.group, topic).set(behind)
            waiting = await dead_letters.count(self._database, self.group)
            metrics.DEAD_LETTERS.labels(self.group).set(waiting)
        if now > self._purged + _PURGE_EVERY:
            self._purged = now
            async with self._database.reading(Scope.worker()) as db:
                await db.rows(_purge, consumer=self.group)

    async def _rest(self, what: str, error: Exception, stop: asyncio.Event) -> None:
        self._failures += 1
        _log.warning(what, group=self.group, error=repr(error))
        if self._draining and self._failures >= _PATIENCE:
            raise error
        await rest(stop, self._failures)


def _seen(
    ages: Mapping[Place, float | None], arrived: Iterable[Arrived]
) -> Mapping[Place, datetime]:
    """Up to which instant each place is in, once this batch is: now, or its newest event."""
    now = clock.now()
    seen = {place: now - timedelta(seconds=age) for place, age in ages.items() if age is not None}
    for record, event in arrived:
        if ages.get(record.place) is None:
            seen[record.place] = max(seen.get(record.place, event.time), event.time)
    return dict(sorted(seen.items()))
