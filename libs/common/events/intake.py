"""Taking records in: each batch in one transaction, what is at fault in it set aside.

What the database may get over (a lost connection, a deadlock, a missing grant) is tried again for
ever with the same batch. What is the event's own fault would fail the same way each time, so it is
not tried again: the batch is halved until that event is alone, it becomes a dead letter, and the
rest goes in.
"""

from collections.abc import Sequence
from typing import NamedTuple

import structlog

from libs.common.db.database import Connection
from libs.common.events import dead_letters, envelope
from libs.common.events.bus import Record
from libs.common.events.catalogue import EVENTS
from libs.common.events.event import Event
from libs.common.events.reaction import Reaction
from libs.common.events.retry import is_fault_of_event

_log = structlog.get_logger()


class Arrived(NamedTuple):
    record: Record
    event: Event


class Unreadable(NamedTuple):
    record: Record
    error: Exception


class Batch(NamedTuple):
    """Records as they were read: what a reaction hears of, and what nobody can read."""

    events: Sequence[Arrived]
    unreadable: Sequence[Unreadable]
    unknown: int


class Intake:
    """How one consumer takes records in."""

    def __init__(self, consumer: str, reaction: Reaction) -> None:
        self._consumer = consumer
        self._reaction = reaction
        self._not_ours = EVENTS.keys() - {event.type for event in reaction.handlers}

    def read(self, records: Sequence[Record]) -> Batch:
        events, unreadable, unknown = list[Arrived](), list[Unreadable](), 0
        for record in records:
            if record.headers.get("ce_type") in self._not_ours:
                continue
            try:
                events.append(Arrived(record, envelope.decode(record)))
            except envelope.UnknownType:
                unknown += 1
            except envelope.Unreadable as error:
                unreadable.append(Unreadable(record, error))
        return Batch(events, unreadable, unknown)

    async def store(self, db: Connection, batch: Batch, *, isolating: bool) -> int:
        """How many events were new. `isolating` after one of them was at fault."""
        if isolating:
            new = await self._isolate(db, batch.events)
        else:
            new = await self._take_in(db, batch.events)
        for unreadable in batch.unreadable:
            await dead_letters.keep(db, self._consumer, *unreadable)
        return new

    async def _take_in(self, db: Connection, arrived: Sequence[Arrived]) -> int:
        events = [each.event for each in arrived]
        return await self._reaction.take_in(db, self._consumer, events)

    async def _isolate(self, db: Connection, arrived: Sequence[Arrived]) -> int:
        """Halve what fails until the event at fault is alone."""
        try:
            async with db.transaction():
                return await self._take_in(db, arrived)
        except Exception as error:
            if not is_fault_of_event(error):
                raise
            if len(arrived) == 1:
                record, event = arrived[0]
                _log.error("dead_letter", event_id=str(event.event_id), error=repr(error))
                await dead_letters.keep(db, self._consumer, record, error)
                return 0
        middle = len(arrived) // 2
        return await self._isolate(db, arrived[:middle]) + await self._isolate(db, arrived[middle:])
