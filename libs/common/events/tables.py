"""The bus's tables in every database: what goes out, what came in, what could not be read."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.base import COMMON, instant


def _message() -> tuple[Column[object], ...]:
    return (
        Column("event_id", Uuid, nullable=False),
        Column("topic", Text, nullable=False),
        Column("key", Text, nullable=False),
        Column("type", Text, nullable=False),
        instant("time"),
        Column("traceparent", Text),
        Column("data", LargeBinary, nullable=False),
    )


outbox = Table(
    "outbox",
    COMMON,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    *_message(),
)
"""A queue that is deleted from; its id is taken under the aggregate's row lock."""

outbox_parked = Table(
    "outbox_parked",
    COMMON,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    *_message(),
    Column("error", Text, nullable=False),
    instant("parked_at", server_default=func.now()),
)
"""What the bus refuses for good (too large, not allowed): set aside so that the queue moves on."""

inbox = Table(
    "inbox",
    COMMON,
    Column("consumer", Text, primary_key=True),
    Column("event_id", Uuid, primary_key=True),
    instant("seen_at", server_default=func.now()),
    Index("ix_inbox_seen_at", "seen_at", postgresql_using="brin"),
)
"""What a consumer has taken in: an event that comes twice is dropped here."""

progress = Table(
    "progress",
    COMMON,
    Column("consumer", Text, primary_key=True),
    Column("topic", Text, primary_key=True),
    Column("partition", Integer, primary_key=True),
    instant("as_of"),
)
"""Up to which instant a consumer has seen each place of the bus."""

dead_letter = Table(
    "dead_letter",
    COMMON,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("consumer", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("partition", Integer, nullable=False),
    Column("offset", BigInteger, nullable=False),
    Column("event_id", Uuid),
    Column("type", Text),
    Column("key", Text),
    Column("headers", JSONB, nullable=False),
    Column("value", LargeBinary),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    instant("failed_at", server_default=func.now()),
    Column("state", Text, nullable=False, server_default="open"),
    CheckConstraint("state IN ('open', 'retried', 'dropped')", name="state"),
    UniqueConstraint("consumer", "topic", "partition", "offset"),
    Index("ix_dead_letter_open", "consumer", "id", postgresql_where="state = 'open'"),
)
"""死信: records that a consumer could not take in, kept whole until retried or dropped."""
