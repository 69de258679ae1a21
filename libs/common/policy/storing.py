"""Where decisions are kept: the table, and the insert that joins a transaction."""

from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ClauseElement,
    Column,
    Date,
    Index,
    Table,
    Text,
    Uuid,
    func,
    insert,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.base import COMMON, division, instant
from libs.common.db.database import Connection
from libs.common.db.statement import param, statement
from libs.common.ids import new_id
from libs.common.policy.decisions import Decision
from libs.common.records.audit import sealed
from libs.common.records.chain import SEAL_COLUMNS

decision = Table(
    "decision",
    COMMON,
    Column("id", Uuid, primary_key=True),
    instant("at", server_default=func.now()),
    division(),
    Column("subject", Uuid, nullable=False),
    Column("household_id", Uuid),
    Column("clause_set", Text, nullable=False),
    Column("on_day", Date, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("clauses", JSONB, nullable=False),
    Column("inputs", JSONB, nullable=False),
    Column("actor", Text, nullable=False),
    *sealed("decision"),
    CheckConstraint("outcome IN ('eligible', 'not_eligible', 'needs_ruling')", name="outcome"),
    Index("ix_decision_subject", "subject", "id"),
)
"""决定: what was decided about whom, with every clause, fact and gap."""


@statement
def _insert() -> ClauseElement:
    columns = [column for column in decision.c if column.name not in {"at"} | SEAL_COLUMNS]
    return insert(decision).values(
        {column.name: param(column.name, column.type) for column in columns}
    )


async def keep(
    db: Connection, taken: Decision, *, subject: UUID, household_id: UUID | None, actor: str
) -> UUID:
    """Within the transaction of what was decided; the id of the row."""
    decision_id = new_id()
    await db.rows(
        _insert,
        id=decision_id,
        division=taken.division,
        subject=subject,
        household_id=household_id,
        clause_set=taken.clause_set,
        on_day=taken.on,
        outcome=taken.outcome.value,
        clauses={
            "versions": taken.versions,
            "findings": [finding.model_dump(mode="json") for finding in taken.findings],
        },
        inputs=taken.inputs,
        actor=actor,
    )
    return decision_id


def restored(row: Any) -> Decision:
    """The decision that a row of the table holds."""
    return Decision(
        clause_set=row["clause_set"],
        on=row["on_day"],
        division=row["division"],
        outcome=row["outcome"],
        **row["clauses"],
        inputs=row["inputs"],
    )
