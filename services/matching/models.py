"""Tables of the need board: what is needed, and the facts it follows."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    Numeric,
    Table,
    Text,
    Uuid,
)

from libs.common.db.base import Code, division, instant, new_metadata

MODELS = new_metadata()

need = Table(
    "need",
    MODELS,
    Column("id", Uuid, primary_key=True),
    Column("household_id", Uuid, nullable=False),
    division(),
    Column("category", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("stage", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("consent_person_id", Uuid, nullable=False),
    Column("consent_text", Text, nullable=False),
    Column("consent_on", Date, nullable=False),
    Column("captured_by", Text, nullable=False),
    instant("captured_at"),
    Column("verified_by", Text),
    instant("verified_at", nullable=True),
    Column("published_by", Text),
    instant("published_at", nullable=True),
    Column("acknowledged", ARRAY(Uuid), nullable=False),
    Column("overruled", ARRAY(Uuid), nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("quantity >= 1", name="quantity"),
    CheckConstraint("stage IN ('draft', 'verified', 'published', 'withdrawn')", name="stage"),
    CheckConstraint("state = stage OR state = 'met'", name="state"),
    CheckConstraint("published_by <> captured_by AND published_by <> verified_by", name="checker"),
    CheckConstraint(
        "stage <> 'published' OR (verified_by IS NOT NULL AND published_by IS NOT NULL)",
        name="published",
    ),
    Index("ix_need_page", "captured_at", "id", "division"),
    Index("ix_need_state_page", "state", "captured_at", "id", "division"),
    Index("ix_need_division_page", "division", "captured_at", "id"),
    Index("ix_need_cards", "published_at", "id", postgresql_where="stage = 'published'"),
    Index("ix_need_household_id", "household_id"),
)
"""需求: `stage` is what people decided, `state` what is shown: the stage, or met.

`acknowledged` are the ended employments that were known when the need was verified, `overruled` the
running ones of which a person said that they do not meet it."""

need_history = Table(
    "need_history",
    MODELS,
    Column("id", Uuid, primary_key=True),
    Column("need_id", Uuid, nullable=False),
    division(),
    instant("at"),
    Column("was", Text),
    Column("became", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("actor", Text),
    Column("cause_id", Uuid),
    Column("cause_type", Text),
    CheckConstraint("(actor IS NULL) <> (cause_id IS NULL)", name="cause"),
    Index("ix_need_history_need_id", "need_id", "id"),
)
"""Every change of a need, by a person or by an event: its cause is never missing."""

situation = Table(
    "situation",
    MODELS,
    Column("household_id", Uuid, primary_key=True),
    Column("division", Code),
    Column("status", Text),
    Column("registered", Boolean),
    Column("members", Integer),
    Column("workers", Integer),
    Column("able", Integer),
    Column("running", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("ended", ARRAY(Uuid), nullable=False, server_default="{}"),
    Column("version", Integer, nullable=False),
    Index("ix_situation_division", "division", "household_id"),
)
"""A household as its events tell it; until we heard where it lives, nobody sees it.

`workers` is registry's count; `running` and `ended` are the employments that the board heard of.
"""

work = Table(
    "work",
    MODELS,
    Column("id", Uuid, primary_key=True),
    Column("household_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    Column("channel", Text, nullable=False),
    Column("monthly_income_fen", BigInteger),
    Column("since", Date, nullable=False),
    Column("ended_on", Date),
    Column("event_id", Uuid, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_work_household_id", "household_id"),
)
"""An employment, whoever provides it: the newest event of each, guarded by its version."""

village = Table(
    "village",
    MODELS,
    Column("division", Code, primary_key=True),
    Column("class", Text),
    Column("since", Date),
    Column("version", Integer, nullable=False),
)
"""A village and its class (四类村), as registry's events tell."""

station = Table(
    "station",
    MODELS,
    Column("station_id", Uuid, primary_key=True),
    Column("division", Code, primary_key=True),
    Column("kw", Numeric(9, 3), nullable=False),
    Column("since", Date, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_station_division", "division"),
)
"""A village's part of a solar station 光伏扶贫电站."""

revenue = Table(
    "revenue",
    MODELS,
    Column("settlement_id", Uuid, primary_key=True),
    Column("division", Code, primary_key=True),
    Column("station_id", Uuid, nullable=False),
    Column("month", Text, nullable=False),
    Column("kwh", Numeric(14, 3), nullable=False),
    Column("grid_fen", BigInteger, nullable=False),
    Column("subsidy_fen", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Index("ix_revenue_division", "division", "month"),
)
"""A village's share of a settled month of a solar station, in its two streams."""
