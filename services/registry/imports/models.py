"""Tables of imports: the pieces of a file, the rows staged from it, what was wrong with them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from libs.common.db.base import Code, division, instant
from services.registry.models import MODELS

import_chunk = Table(
    "import_chunk",
    MODELS,
    Column("job_id", Uuid, primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    division(),
    Column("data", LargeBinary, nullable=False),
    instant("received_at"),
    Index("ix_import_chunk_received_at", "received_at"),
)
"""A piece of an uploaded file, sealed; deleted in the transaction that ends its job."""

import_person = Table(
    "import_person",
    MODELS,
    Column("load", BigInteger, nullable=False),
    Column("row", Integer, nullable=False),
    # Ids for whoever turns out to be new; made here, because uuidv7() is a third of an INSERT.
    Column("id", Uuid, nullable=False),
    Column("household_id", Uuid),
    Column("event_id", Uuid),
    Column("refused", Text),
    Column("village", Code),
    # Compared as the register's own numbers are, or their indexes would not be used.
    Column("household_number", Text),
    Column("person_number", Text),
    Column("name", Text),
    Column("sex", Text),
    Column("birth_on", Date),
    Column("identity_sealed", LargeBinary),
    Column("identity_index", LargeBinary),
    Column("identity_note", Text),
    Column("phone_sealed", LargeBinary),
    Column("phone_index", LargeBinary),
    Column("relation", Text),
    Column("able", Text),
    Column("working", Boolean),
    Column("subsistence", Boolean),
    Column("cadre", Boolean),
    Column("cadre_family", Boolean),
    Column("registered", Boolean),
    Column("registered_on", Date),
    Column("status", Text),
    Column("members", Integer),
    Column("synthetic", Boolean),
    Index("ix_import_person_household", "load", "household_number"),
    prefixes=["UNLOGGED"],
)
"""Staging: a row of the roster, checked and sealed; `load` tells the runs that staged rows apart.

Unlogged: a crash empties it and the job loads it again from the file. Of a refused row only what
its household is judged by is kept.
"""

import_lane = Table(
    "import_lane",
    MODELS,
    Column("job_id", Uuid, primary_key=True),
    Column("no", Integer, primary_key=True, autoincrement=False),
    Column("after", Text, nullable=False),
    Column("upto", Text, nullable=False),
    Column("counts", JSONB, nullable=False),
)
"""A share of a roster, entered beside the others: its households after one and up to another."""

import_issue = Table(
    "import_issue",
    MODELS,
    Column("job_id", Uuid, primary_key=True),
    Column("row", Integer, primary_key=True, autoincrement=False),
    Column("column", Text, primary_key=True),
    Column("code", Text, primary_key=True),
    division(),
    Column("value", Text),
    Column("other", Integer),
)
"""行错误: what is wrong with a cell, its value masked; `other` is the row it contradicts."""
