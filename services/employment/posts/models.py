"""Tables of public-welfare posts: posts, nominations, appointments."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, ExcludeConstraint

from libs.common.db.base import division, instant, new_metadata

MODELS = new_metadata()

post_fund = Table(
    "post_fund",
    MODELS,
    Column("fund", Text, primary_key=True),
    Column("opened", Integer, nullable=False),
    CheckConstraint("fund IN ('provincial', 'city')", name="fund"),
    CheckConstraint("opened >= 0", name="opened"),
)
"""How many posts each fund carries in the prefecture; its lock makes openings take turns."""

post = Table(
    "post",
    MODELS,
    Column("id", Uuid, primary_key=True),
    division(),
    Column("fund", Text, nullable=False),
    Column("category", Text, nullable=False),
    Column("decision_id", Uuid, nullable=False),
    Column("opened_by", Text, nullable=False),
    instant("opened_at"),
    Column("version", Integer, nullable=False),
    CheckConstraint("fund IN ('provincial', 'city')", name="fund"),
    Index("ix_post_page", "division", "id"),
)
"""乡村公益性岗位: a post of one village, paid by one fund."""

nomination = Table(
    "nomination",
    MODELS,
    Column("id", Uuid, primary_key=True),
    Column("post_id", Uuid, nullable=False),
    Column("household_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    division(),
    Column("wish_on", Date, nullable=False),
    Column("consent_text", Text, nullable=False),
    Column("circumstances", JSONB, nullable=False),
    Column("no_conflict", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("nominated_by", Text, nullable=False),
    instant("nominated_at"),
    Column("version", Integer, nullable=False),
    UniqueConstraint("id", "nominated_by"),
    CheckConstraint("state IN ('open', 'appointed', 'refused')", name="state"),
    Index("ix_nomination_page", "division", "id"),
    Index("ix_nomination_post_id", "post_id"),
)
"""推荐: a person whom the village puts forward, with their own signed wish."""

appointment = Table(
    "appointment",
    MODELS,
    Column("id", Uuid, primary_key=True),
    Column("nomination_id", Uuid, nullable=False),
    Column("post_id", Uuid, nullable=False),
    Column("household_id", Uuid, nullable=False),
    Column("person_id", Uuid, nullable=False),
    division(),
    Column("since", Date, nullable=False),
    Column("until", Date, nullable=False),
    Column("ended_on", Date),
    Column("monthly_income_fen", BigInteger),
    Column("decision_id", Uuid, nullable=False),
    Column("nominated_by", Text, nullable=False),
    Column("appointed_by", Text, nullable=False),
    instant("appointed_at"),
    Column("version", Integer, nullable=False),
    UniqueConstraint("nomination_id"),
    # Who put the person forward is the nomination's word, never the appointment's own.
    ForeignKeyConstraint(
        ["nomination_id", "nominated_by"],
        ["nomination.id", "nomination.nominated_by"],
        name="fk_appointment_nomination",
    ),
    CheckConstraint("since <= until", name="term"),
    CheckConstraint("ended_on >= since", name="ended_on"),
    CheckConstraint("appointed_by <> nominated_by", name="checker"),
    ExcludeConstraint(
        (func.uuidrange(text("post_id"), text("post_id"), "[]"), "&&"),
        (func.daterange(text("since"), text("ended_on"), "[]"), "&&"),
        name="ex_appointment_holder",
    ),
    Index("ix_appointment_page", "division", "id"),
    Index("ix_appointment_household_id", "household_id"),
    Index("ix_appointment_person_id", "person_id"),
)
"""聘用: one person in one post for a time; no post ever has two holders (PW-ONE-1)."""
