"""Who did what to which subject: appended with the change itself, sealed afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    func,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.base import COMMON, division, instant


@dataclass(frozen=True, slots=True)
class Trace:
    """What an audit row says of the actor; subject and division come from the changed row."""

    actor: str
    role: str
    action: str
    purpose: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    request_id: str | None = None


def sealed(table: str) -> tuple[Column[Any] | Index, ...]:
    """What the sealer, and an erasure by law, write into a row of an append-only table."""
    return (
        Column("digest", LargeBinary),
        Column("seal_no", BigInteger),
        instant("erased_at", nullable=True),
        Index(f"ix_{table}_unsealed", "id", postgresql_where="seal_no IS NULL"),
        Index(f"ix_{table}_seal_no", "seal_no", postgresql_where="seal_no IS NOT NULL"),
    )


audit = Table(
    "audit",
    COMMON,
    Column("id", Uuid, primary_key=True),
    instant("at", server_default=func.clock_timestamp()),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("purpose", Text),
    Column("subject", Uuid),
    division(nullable=True),
    Column("request_id", Text),
    Column("detail", JSONB, nullable=False),
    *sealed("audit"),
    Index("ix_audit_subject", "subject", "id"),
)
"""审计: one row for each act that changed something."""

access = Table(
    "access",
    COMMON,
    Column("id", Uuid, primary_key=True),
    instant("at", server_default=func.clock_timestamp()),
    Column("actor", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("purpose", Text),
    Column("person_id", Uuid),
    Column("household_id", Uuid),
    division(nullable=True),
    Column("request_id", Text),
    Column("filter", JSONB, nullable=False),
    Column("count", Integer, nullable=False),
    Column("masked", Boolean, nullable=False),
    *sealed("access"),
    CheckConstraint(
        "masked OR erased_at IS NOT NULL OR (purpose IS NOT NULL AND person_id IS NOT NULL)",
        name="purpose",
    ),
    Index("ix_access_person_id", "person_id", "id", postgresql_where="person_id IS NOT NULL"),
    Index(
        "ix_access_household_id", "household_id", "id", postgresql_where="household_id IS NOT NULL"
    ),
)
"""个人信息查阅记录: one row for each unmasked read of a person, one for each masked list."""

seal = Table(
    "seal",
    COMMON,
    Column("no", BigInteger, primary_key=True, autoincrement=False),
    instant("sealed_at"),
    Column("source", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("chain", LargeBinary, nullable=False),
    CheckConstraint("source IN ('audit', 'access', 'decision')", name="source"),
    Index("ix_seal_sealed_at", "sealed_at", postgresql_using="brin"),
)
"""封存: the hash chain over batches of audit rows, access rows and decisions."""
