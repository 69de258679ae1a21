"""Hearing the bus again: replay for what a handler stored too little of, rebuild for all facts.

Neither moves the consumer's place, and it may run meanwhile. What people decided is not the bus's,
and stays.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

import stamina
from sqlalchemy import ClauseElement, Table, delete

from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import any_of, param, statement
from libs.common.events.bus import Bus, History
from libs.common.events.intake import Intake
from libs.common.events.reaction import Reaction
from libs.common.events.retry import is_fault_of_event
from libs.common.events.tables import dead_letter, inbox

_PAGE = 500
_KEYS = 1_000


class Heard(NamedTuple):
    records: int
    events: int
    """Of those, the ones that the reaction took in."""


@statement
def _forget() -> ClauseElement:
    return delete(inbox).where(
        inbox.c.consumer == param("consumer"), any_of(inbox.c.event_id, "events")
    )


async def replay(
    database: Database,
    bus: Bus,
    reaction: Reaction,
    *,
    topics: Sequence[str] = (),
    since: datetime | None = None,
) -> Heard:
    """Take in what the topics hold (all that the reaction reads, by default) as if it were new.

    Fact rows keep their newest version. An event at fault becomes a dead letter, as it did.
    """
    history = await bus.history(topics or reaction.topics, since)
    intake, heard = Intake(database.service, reaction), Heard(0, 0)
    try:
        while records := await history.fetch(_PAGE):
            batch = intake.read(records)
            ids = [arrived.event.event_id for arrived in batch.events]
            # The consumer may be at the same event just now: whoever comes second tries again.
            async for attempt in stamina.retry_context(on=_passes, attempts=10):
                with attempt:
                    async with database.writing(Scope.worker()) as db:
                        await db.rows(_forget, consumer=database.service, events=ids)
                        new = await intake.store(db, batch, isolating=True)
            heard = Heard(heard.records + len(records), heard.events + new)
    finally:
        await history.close()
    return heard


def _passes(error: Exception) -> bool:
    return not is_fault_of_event(error)


async def rebuild(database: Database, bus: Bus, reaction: Reaction) -> Heard:
    """Make the tables of facts anew from all that the bus holds, beside the live ones.

    `database` is opened for this alone, with one worker's connection: the new tables are temporary
    ones of its session and stand in front of the live ones. When they have caught up, the live ones
    are locked for writing, what arrived meanwhile is read, and the difference goes in at once:
    readers see the old facts or the new. Then what follows from them is derived, key by key. After
    a crash in the middle, the same again does it.
    """
    beside = replace(reaction, reconcile=None)
    history = await bus.history(reaction.topics)
    try:
        async with database.reading(Scope.worker()) as db:
            for table in _shadowed(reaction):
                await db.execute(f"CREATE TEMP TABLE {table} (LIKE public.{table} INCLUDING ALL)")
            early = await _fill(db, database.service, beside, history)
            async with db.transaction():
                live = ", ".join(f"public.{table}" for table in reaction.facts)
                await db.execute(f"LOCK TABLE {live} IN SHARE ROW EXCLUSIVE MODE")
                late = await _fill(db, database.service, beside, history)
                for table, columns in reaction.facts.items():
                    await _merge(db, table, columns)
                await db.execute(_REMEMBER)
                await db.execute(f"DROP TABLE {', '.join(map(str, _shadowed(reaction)))}")
            await _derive(db, reaction)
    finally:
        await history.close()
    return Heard(early.records + late.records, early.events + late.events)


_REMEMBER = "INSERT INTO public.inbox SELECT * FROM inbox ON CONFLICT DO NOTHING"


def _shadowed(reaction: Reaction) -> Sequence[Table]:
    """The inbox too, so that everything counts as new; dead letters keep what people decided."""
    return [*reaction.facts, inbox, dead_letter]


async def _fill(db: Connection, consumer: str, reaction: Reaction, history: History) -> Heard:
    """Into the tables that this session sees first."""
    intake, heard = Intake(consumer, reaction), Heard(0, 0)
    while records := await history.fetch(_PAGE):
        async with db.transaction():
            new = await intake.store(db, intake.read(records), isolating=True)
        heard = Heard(heard.records + len(records), heard.events + new)
    return heard


async def _merge(db: Connection, table: Table, columns: Sequence[str]) -> None:
    """What differs is written, what the bus never told is deleted.

    Columns that the reconciliation fills stay, and its stubs of what was not heard of yet.
    """
    key = [column.name for column in table.primary_key.columns]
    rest = [name for name in columns if name not in key]
    listed, same = ", ".join(columns), " AND ".join(f"live.{name} = told.{name}" for name in key)
    mine, given = (", ".join(f"{of}.{name}" for name in rest) for of in ("live", "excluded"))
    changes = ", ".join(f"{name} = excluded.{name}" for name in rest)
    await db.execute(
        f"INSERT INTO public.{table} AS live ({listed}) SELECT {listed} FROM {table}"
        f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changes}"
        f" WHERE ({mine}) IS DISTINCT FROM ({given})"
    )
    await db.execute(
        f"DELETE FROM public.{table} AS live WHERE version > 0"
        f" AND NOT EXISTS (SELECT FROM {table} AS told WHERE {same})"
    )


async def _derive(db: Connection, reaction: Reaction) -> None:
    if reaction.reconcile is None:
        return
    keyed = [table for table in reaction.facts if reaction.keyed_by in table.c]
    each = " UNION ".join(f"SELECT {reaction.keyed_by}::text AS key FROM {it}" for it in keyed)
    keys = [row["key"] for row in await db.fetch(f"{each} ORDER BY key")]
    for start in range(0, len(keys), _KEYS):
        async with db.transaction():
            await reaction.reconcile(db, keys[start : start + _KEYS])
