"""Reads use an index as the role that runs them, with row-level security on, at a county's size."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.database import Database, Scope
from libs.common.db.statement import Statement
from services.registry import queries

FILL = (
    """INSERT INTO household (id, division, number, status, members, as_of, version, updated_at)
       SELECT uuidv7(), '621123' || 100 + n % 16 || 200 + n / 16 % 14, n, 'poor', 4,
              '2018-12-01', 1, '2018-12-01Z' FROM generate_series(1, 12000) n""",
    """INSERT INTO person (id, household_id, division, number, name, sex, identity_sealed,
                           identity_index, relation, as_of, version)
       SELECT uuidv7(), id, division, number || m, '张', 'male', '', sha256((number || m)::bytea),
              CASE m WHEN 0 THEN 'head' ELSE 'child' END, '2018-12-01', 1
       FROM household, generate_series(0, 3) m""",
)
TODAY = date(2019, 1, 1)
PAGE = {"limit": 50}
AFTER = {"after_0": "621123107205", "after_1": uuid4()}


@pytest_asyncio.fixture(scope="module", autouse=True)
async def filled(database: Database, url_of: Callable[[str], Awaitable[str]]) -> None:
    async with database.writing(Scope.job("621123")) as connection:
        for statement in FILL:
            await connection.execute(statement)
    owner = await asyncpg.connect((await url_of("registry")).replace("{role}", "owner"))
    await owner.execute("ANALYZE household, person")
    await owner.close()


@pytest.mark.parametrize("area", ["62", "621123", "621123107205"])
@pytest.mark.parametrize(
    ("statement", "given", "conditions"),
    [
        pytest.param(queries.household_masked, {"id": uuid4(), "on": TODAY}, ["(id ="], id="by id"),
        pytest.param(
            queries.household_masked, {"number": "7", "on": TODAY}, ["(number ="], id="by number"
        ),
        pytest.param(queries.facts, {"id": uuid4(), "on": TODAY}, ["(id ="], id="facts"),
        pytest.param(queries.households, PAGE, ["(division >="], id="page"),
        pytest.param(
            queries.households, PAGE | AFTER, ["ROW(division, id) > ROW("], id="next page"
        ),
        pytest.param(
            queries.households,
            PAGE | {"division": "621123107"},
            ["(division >= '621123107'"],
            id="page of a town",
        ),
        pytest.param(
            queries.households, PAGE | {"status": "relapsed"}, ["(status ="], id="page by status"
        ),
        pytest.param(queries.household_of, {"id": uuid4()}, ["(id ="], id="a person's household"),
    ],
)
async def test_reads_use_an_index(
    database: Database,
    area: str,
    statement: Statement,
    given: dict[str, Any],
    conditions: list[str],
) -> None:
    text, values = statement.bind(given)
    async with database.reading(Scope.area(area)) as connection:
        lines = await connection.fetch(f"EXPLAIN {text}", *values)
    plan = "\n".join(line[0] for line in lines)
    assert "Seq Scan" not in plan
    assert [cond for cond in conditions if cond not in plan] == []
