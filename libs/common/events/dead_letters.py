"""死信, dead letters: records that could not be taken in, until a person retries or drops them."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import (
    BigInteger,
    ClauseElement,
    Integer,
    LargeBinary,
    Text,
    Uuid,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert

from libs.common.db.database import Connection, Database, Scope
from libs.common.db.statement import param, statement
from libs.common.events import envelope
from libs.common.events.bus import Record
from libs.common.events.reaction import Reaction
from libs.common.events.retry import is_fault_of_event
from libs.common.events.tables import dead_letter

_PLACE = ("consumer", "topic", "partition", "offset")
_LISTED = ("id", "topic", "offset", "type", "key", "error", "attempts", "failed_at", "state")


@statement
def _keep() -> ClauseElement:
    """A record that fails again at the same place is the same dead letter, open again."""
    given = {
        "consumer": param("consumer", Text),
        "topic": param("topic", Text),
        "partition": param("partition", Integer),
        "offset": param("offset", BigInteger),
        "event_id": param("event_id", Uuid),
        "type": param("type", Text),
        "key": param("key", Text),
        "headers": param("headers", JSONB),
        "value": param("value", LargeBinary),
        "error": param("error", Text),
    }
    kept = insert(dead_letter).values(**given, attempts=1)
    return kept.on_conflict_do_update(
        index_elements=[dead_letter.c[name] for name in _PLACE],
        set_={
            **{name: kept.excluded[name] for name in given if name not in _PLACE},
            "attempts": dead_letter.c.attempts + 1,
            "failed_at": func.now(),
            "state": "open",
        },
    )


@statement
def _open() -> ClauseElement:
    columns = [dead_letter.c[name] for name in _LISTED]
    still = dead_letter.c.state == "open"
    return select(*columns).where(dead_letter.c.consumer == param("consumer"), still).order_by("id")


@statement
def _one() -> ClauseElement:
    return select(dead_letter).where(dead_letter.c.id == param("id"))


@statement
def _claim() -> ClauseElement:
    """Open and not in another person's hands just now."""
    still = dead_letter.c.state == "open"
    found = select(dead_letter).where(dead_letter.c.id == param("id"), still)
    return found.with_for_update(skip_locked=True)


@statement
def _close() -> ClauseElement:
    still = dead_letter.c.state == "open"
    closed = update(dead_letter).where(dead_letter.c.id == param("id"), still)
    return closed.values(state=param("state", Text)).returning(dead_letter.c.id)


@statement
def _count() -> ClauseElement:
    still = dead_letter.c.state == "open"
    waiting = select(func.count(dead_letter.c.id))
    return waiting.where(dead_letter.c.consumer == param("consumer"), still)


async def keep(db: Connection, consumer: str, record: Record, error: Exception) -> None:
    """Within the consumer's transaction, so that the record is either taken in or here."""
    await db.rows(
        _keep,
        consumer=consumer,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        event_id=_event_id(record),
        type=_text(record.headers.get("ce_type")),
        key=_text(record.key),
        headers={_text(name): _text(value) for name, value in record.headers.items()},
        value=record.value,
        error=_words(error),
    )


async def waiting(database: Database, consumer: str) -> Sequence[asyncpg.Record]:
    """The open ones, oldest first, without what they hold."""
    async with database.reading(Scope.worker()) as db:
        return await db.rows(_open, consumer=consumer)


async def count(database: Database, consumer: str) -> int:
    async with database.reading(Scope.worker()) as db:
        number: int = await db.one(_count, consumer=consumer)
        return number


async def show(database: Database, letter: int) -> asyncpg.Record | None:
    async with database.reading(Scope.worker()) as db:
        return await db.row(_one, id=letter)


async def retry(database: Database, reaction: Reaction, letter: int) -> str | None:
    """Take the record in now. None when it is in; else what is still wrong with it."""
    async with database.writing(Scope.worker()) as db:
        row = await db.row(_claim, id=letter)
        if row is None:
            raise LookupError(f"no dead letter {letter} is open")
        record = Record(
            row["topic"], row["key"], row["headers"], row["value"], row["partition"], row["offset"]
        )
        try:
            async with db.transaction():
                event = envelope.decode(record)
                await reaction.take_in(db, row["consumer"], [event])
        except Exception as error:
            if not is_fault_of_event(error):
                raise
            await keep(db, row["consumer"], record, error)
            return _words(error)
        await db.rows(_close, id=letter, state="retried")
        return None


async def drop(database: Database, letter: int) -> None:
    async with database.writing(Scope.worker()) as db:
        if await db.one(_close, id=letter, state="dropped") is None:
            raise LookupError(f"no dead letter {letter} is open")


def _event_id(record: Record) -> UUID | None:
    try:
        return UUID(record.headers.get("ce_id", ""))
    except ValueError:
        return None


def _text(value: Any) -> Any:
    """PostgreSQL has no NUL in its texts."""
    return value and value.replace("\0", "")


def _words(error: Exception) -> str:
    """The message alone: a DETAIL repeats the values of the row."""
    message = error.args[0] if error.args else ""
    return str(_text(f"{type(error).__name__}: {message}"))
