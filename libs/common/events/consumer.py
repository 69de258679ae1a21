"""The consumer: takes the records of a service's topics in, each batch in one transaction.

What the database may get over (a lost connection, a deadlock, a missing grant) is tried again for
ever with the same batch. What is the event's own fault would fail the same way each time, so it is
not tried again: the batch is halved until that event is alone, it becomes a dead letter, and the
rest goes in.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from sqlalchemy import ClauseElement, Text, delete, func, literal
from sqlalchemy.dialects.postgresql import insert

from libs.common import clock
from libs.common.db.base import type_of_instant
from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import param, statement
from libs.common.events import dead_letters, envelope
from libs.common.events.bus import Bus, Record, Subscription
from libs.common.events.catalogue import EVENTS, topics_of
from libs.common.events.event import Event
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
    noted = insert(progress).values(
        consumer=param("consumer", Text),
        as_of=param("as_of", type_of_instant),
        event_time=param("event_time", type_of_instant),
    )
    newest_event = func.coalesce(noted.excluded.event_time, progress.c.event_time)
    return noted.on_conflict_do_update(
        index_elements=[progress.c.consumer],
        set_={"as_of": noted.excluded.as_of, "event_time": newest_event},
    )


@statement
def _purge() -> ClauseElement:
    """By the database's clock, which wrote `seen_at`."""
    oldest = func.now() - literal(timedelta(days=_INBOX_DAYS))
    return delete(inbox).where(inbox.c.consumer == param("consumer"), inbox.c.seen_at < oldest)


class _Arrived(NamedTuple):
    record: Record
    event: Event


class _Unreadable(NamedTuple):
    record: Record
    error: Exception


@dataclass
class _Batch:
    began: datetime
    full: bool
    events: list[_Arrived] = field(default_factory=list)
    unreadable: list[_Unreadable] = field(default_factory=list)
    unknown: int = 0

    @property
    def newest(self) -> datetime | None:
        return max((arrived.event.time for arrived in self.events), default=None)

    @property
    def as_of(self) -> datetime | None:
        """What was on the bus when the fetch began is in, unless the fetch was cut off."""
        return self.newest if self.full else self.began


class Consumer:
    """One service's reader of the bus; its group is the service's name."""

    def __init__(
        self, database: Database, bus: Bus, reaction: Reaction, *, batch: int = BATCH
    ) -> None:
        self.group = database.service
        self._database = database
        self._bus = bus
        self._reaction = reaction
        self._limit = batch
        # Compiled here: a handler that cannot be is found at the start, not with the first event.
        self._topics = topics_of(reaction.statements)
        self._not_ours = EVENTS.keys() - {event.type for event in reaction.handlers}
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
        while any((await self._bus.lag(self.group)).values()):  # noqa: ASYNC110 - the bus knows
            await asyncio.sleep(0.01)

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
            began = clock.now()
            records = await subscription.fetch(self._limit, 0 if self._draining else _WAIT)
            if records or time.monotonic() > self._noted + _IDLE_NOTE:
                batch = self._read(records, began)
                if await self._take(batch, stop):
                    await subscription.ack(records)
                    self._failures = 0
            await self._tend()
            if self._draining and not records:
                stop.set()

    def _read(self, records: Sequence[Record], began: datetime) -> _Batch:
        batch = _Batch(began, full=len(records) >= self._limit)
        for record in records:
            if record.headers.get("ce_type") in self._not_ours:
                continue
            try:
                event = envelope.decode(record)
            except envelope.UnknownType:
                batch.unknown += 1
            except envelope.Unreadable as error:
                batch.unreadable.append(_Unreadable(record, error))
            else:
                batch.events.append(_Arrived(record, event))
        return batch

    async def _take(self, batch: _Batch, stop: asyncio.Event) -> bool:
        """The whole batch in one transaction, until it is in; False when `stop` came first."""
        poisoned = False
        while not stop.is_set():
            try:
                async with self._database.writing(Scope.worker()) as db:
                    new = await self._store(db, batch, isolating=poisoned)
                self._count(batch, new)
                return True
            except Exception as error:
                if is_fault_of_event(error) and not poisoned:
                    poisoned = True
                else:
                    await self._rest("batch_failed", error, stop)
        return False

    async def _store(self, db: Connection, batch: _Batch, *, isolating: bool) -> int:
        if isolating:
            new = await self._isolate(db, batch.events)
        else:
            events = [arrived.event for arrived in batch.events]
            new = await self._reaction.take_in(db, self.group, events)
        for unreadable in batch.unreadable:
            await dead_letters.keep(db, self.group, *unreadable)
        if as_of := batch.as_of:
            await db.rows(_note, consumer=self.group, as_of=as_of, event_time=batch.newest)
        return new

    async def _isolate(self, db: Connection, arrived: Sequence[_Arrived]) -> int:
        """Halve what fails until the event at fault is alone."""
        try:
            async with db.transaction():
                events = [each.event for each in arrived]
                return await self._reaction.take_in(db, self.group, events)
        except Exception as error:
            if not is_fault_of_event(error):
                raise
            if len(arrived) == 1:
                _log.error(
                    "dead_letter", event_id=str(arrived[0].event.event_id), error=repr(error)
                )
                await dead_letters.keep(db, self.group, arrived[0].record, error)
                return 0
        middle = len(arrived) // 2
        return await self._isolate(db, arrived[:middle]) + await self._isolate(db, arrived[middle:])

    def _count(self, batch: _Batch, new: int) -> None:
        self._noted = NEVER if batch.full else time.monotonic()
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
            for topic, behind in (await self._bus.lag(self.group)).items():
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
