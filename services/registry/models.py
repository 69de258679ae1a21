"""Tables of the registry 登记库: divisions, villages and their classes, households, persons."""

from collections.abc import Iterable

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from libs.common.contracts import LabourAbility, VillageClass
from libs.common.db import base
from libs.common.db.base import Code, instant, new_metadata
from libs.common.events.catalogue.registry import PovertyStatus
from services.registry.codes import Level, Relation, Sex, Subsistence

MODELS = new_metadata()

IDENTITY = "person.resident_id"
PHONE = "person.phone"
"""The fields that a sealed value and its index are bound to."""


def _among(name: str, codes: Iterable[str]) -> CheckConstraint:
    listed = ", ".join(f"'{code}'" for code in codes)
    return CheckConstraint(f"{name} IN ({listed})", name=name)


division = Table(
    "division",
    MODELS,
    Column("code", Code, primary_key=True),
    Column("parent", Code),
    Column("level", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("since", Date, nullable=False),
    Column("until", Date),
    Column("successor", Code),
    Column("synthetic", Boolean, nullable=False, server_default="false"),
    _among("level", Level),
    CheckConstraint("until > since", name="period"),
    CheckConstraint("successor IS NULL OR until IS NOT NULL", name="successor"),
    Index("ix_division_parent", "parent", "code"),
    Index("ix_division_level", "level", "code"),
)
"""行政区划: codes are never used twice; one closed from the day `until` on names its successor."""

village = Table(
    "village",
    MODELS,
    Column("division", Code, primary_key=True),
    Column("id", Uuid, nullable=False, unique=True),
    Column("version", Integer, nullable=False),
)
"""村: what the bus knows a village-level division by."""

village_class = Table(
    "village_class",
    MODELS,
    Column("division", Code, primary_key=True),
    Column("since", Date, primary_key=True),
    Column("class", Text, nullable=False),
    Column("source", Text, nullable=False),
    _among("class", VillageClass),
    Index("ix_village_class_class", "class", "division"),
)
"""四类村: the class of a village from a day on; a village without a row has no class yet."""

household = Table(
    "household",
    MODELS,
    Column("id", Uuid, primary_key=True),
    base.division(),
    Column("number", Text, nullable=False),
    Column("registered", Boolean),
    Column("registered_on", Date),
    Column("status", Text),
    Column("subsistence", Text),
    Column("members", Integer, nullable=False),
    Column("workers", Integer),
    Column("able", Integer),
    Column("as_of", Date, nullable=False),
    Column("synthetic", Boolean, nullable=False, server_default="false"),
    Column("version", Integer, nullable=False),
    instant("updated_at"),
    UniqueConstraint("number"),
    _among("status", PovertyStatus),
    _among("subsistence", Subsistence),
    Index("ix_household_division", "division", "id"),
    Index("ix_household_status", "status", "division", "id"),
)
"""户: `registered` is 建档立卡, `number` 户编号, `subsistence` 低保; null is unknown."""

person = Table(
    "person",
    MODELS,
    Column("id", Uuid, primary_key=True),
    # No foreign key: checked row by row it is 40 % of a roster import, and imports take this value
    # from the household rows they have just written, which no role may delete.
    Column("household_id", Uuid, nullable=False),
    base.division(),
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("sex", Text, nullable=False),
    Column("birth_on", Date),
    Column("identity_sealed", LargeBinary, nullable=False),
    Column("identity_index", LargeBinary, nullable=False),
    Column("identity_note", Text),
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary),
    Column("relation", Text, nullable=False),
    Column("able", Text),
    Column("working", Boolean),
    Column("subsistence", Boolean),
    Column("cadre", Boolean),
    Column("cadre_family", Boolean),
    Column("as_of", Date, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("number"),
    UniqueConstraint("identity_index"),
    CheckConstraint("(phone_sealed IS NULL) = (phone_index IS NULL)", name="phone"),
    _among("sex", Sex),
    _among("relation", Relation),
    _among("able", LabourAbility),
    ExcludeConstraint(
        ("household_id", "="),
        where="relation = 'head'",
        using="btree",
        name="ex_person_head",
        deferrable=True,
        initially="DEFERRED",
    ),
    Index("ix_person_household_id", "household_id", "id"),
    Index("ix_person_division", "division", "id"),
)
"""人: `number` is 人编号; identity and phone are sealed and found by their blind index only."""
