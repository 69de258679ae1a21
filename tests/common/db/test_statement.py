"""Rows as JSON: keys are the column names, whatever these are."""

from typing import Any

import orjson
import pytest
from sqlalchemy import Select, literal, select

from libs.common.db.database import Scope
from libs.common.db.statement import row_json, rows_json, statement
from tests.databases import GROUND, DatabaseOf

NOTHING: Select[Any] = select(literal(1).label("a")).where(literal(1) == 2)


@pytest.mark.parametrize("name", ["month", "page", "found", "row", "body", "beside"])
async def test_no_column_name_is_taken_for_the_row(database_of: DatabaseOf, name: str) -> None:
    month: Select[Any] = select(literal("2019-06").label(name))

    @statement
    def year() -> Select[Any]:
        return row_json(select(literal(2019).label(name), rows_json(month).label("months")), name)

    async with (await database_of(GROUND)).reading(Scope.worker()) as db:
        found = await db.row(year)
    assert found is not None
    assert orjson.loads(found[0]) == {name: 2019, "months": [{name: "2019-06"}]}
    assert found[1] == 2019


async def test_no_row_is_no_object_and_an_empty_array(database_of: DatabaseOf) -> None:
    one, many = statement(lambda: row_json(NOTHING)), statement(lambda: rows_json(NOTHING))
    async with (await database_of(GROUND)).reading(Scope.worker()) as db:
        assert await db.one(one) is None
        assert await db.one(many) == b"[]"
