"""Tables of solar: stations and their settled months."""

from sqlalchemy import (
    BigInteger,
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

from libs.common.db.base import division, instant, new_metadata

MODELS = new_metadata()

station = Table(
    "station",
    MODELS,
    Column("id", Uuid, primary_key=True),
    division(),
    Column("name", Text, nullable=False),
    Column("kw", Numeric(9, 3), nullable=False),
    Column("connected_on", Date, nullable=False),
    Column("version", Integer, nullable=False),
    CheckConstraint("kw > 0", name="kw"),
    Index("ix_station_page", "division", "id"),
)
"""村级光伏扶贫电站: a village's own station."""

settlement = Table(
    "settlement",
    MODELS,
    Column("id", Uuid, primary_key=True),
    Column("station_id", Uuid, nullable=False),
    division(),
    Column("period", Text, nullable=False),
    Column("kwh", Numeric(14, 3), nullable=False),
    Column("grid_fen", BigInteger, nullable=False),
    Column("subsidy_fen", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("entered_by", Text, nullable=False),
    instant("entered_at"),
    Column("confirmed_by", Text),
    instant("confirmed_at", nullable=True),
    Column("version", Integer, nullable=False),
    CheckConstraint("period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'", name="period"),
    CheckConstraint("kwh >= 0 AND grid_fen >= 0 AND subsidy_fen >= 0", name="amounts"),
    CheckConstraint("state IN ('entered', 'confirmed')", name="state"),
    CheckConstraint("(state = 'confirmed') = (confirmed_by IS NOT NULL)", name="confirmed"),
    CheckConstraint("confirmed_by <> entered_by", name="checker"),
    Index("uq_settlement_station_id_period", "station_id", "period", unique=True),
    Index("ix_settlement_page", "division", "id"),
)
"""电费结算: a station's month in its two streams; one officer enters it and another confirms it."""
