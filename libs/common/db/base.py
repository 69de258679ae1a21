"""Tables: the naming convention, the columns that repeat, and the tables every service has."""

from typing import Any

from sqlalchemy import Column, DateTime, MetaData, Text

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

type_of_instant = DateTime(timezone=True)
Code = Text(collation="C")
"""Division codes and other codes that are compared by range."""


def new_metadata() -> MetaData:
    """The tables of one service."""
    return MetaData(naming_convention=NAMING)


COMMON = new_metadata()
"""The tables that every service's database holds."""


def division(**options: Any) -> Column[str]:
    """行政区划代码: 12 digits for a village's things, 9, 6 or 4 above; the policies read it."""
    return Column("division", Code, **{"nullable": False} | options)


def instant(name: str, **options: Any) -> Column[Any]:
    return Column(name, type_of_instant, **{"nullable": False} | options)
