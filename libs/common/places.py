"""行政区划代码 on the wire and in statements."""

from typing import Annotated, Any

from fastapi import Query
from pydantic import StringConstraints
from sqlalchemy import ColumnElement, and_

from libs.common.db.base import Code
from libs.common.db.statement import param

VillageCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{12}$")]
AreaCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2,12}$")]
"""A village, town, county, prefecture or province: it stands for every code that begins with it."""
Area = Annotated[AreaCode | None, Query(description="行政区划代码 of an area.")]
"""The filter of a list; `within` applies it."""


def within(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Codes that begin with the parameter `name`, as a range: the form that keeps its index."""
    prefix = param(name, Code)
    return and_(column >= prefix, column < prefix.op("||")(":"))
