"""Pages of the board come from an index, whoever reads them and however deep."""

from datetime import UTC, datetime
from typing import Any

import asyncpg
import orjson
import pytest
import pytest_asyncio

from libs.common.db.database import Database, Scope
from libs.common.db.statement import Statement
from libs.common.ids import new_id
from services.matching import queries
from tests.databases import DatabaseOf, UrlOf

NEEDS = 40_000
AFTER = {"after_0": datetime(2019, 3, 1, tzinfo=UTC), "after_1": new_id()}
COUNTY, VILLAGE = Scope.area("621123"), Scope.area("621123100201")

FILL = """
INSERT INTO need (id, household_id, division, category, quantity, stage, state, consent_person_id,
    consent_text, consent_on, captured_by, captured_at, verified_by, verified_at, published_by,
    published_at, acknowledged, overruled, version)
SELECT gen_random_uuid(), gen_random_uuid(),
    '6211' || lpad((21 + n % 7)::text, 2, '0') || '100' || (201 + n % 200)::text,
    'job', 1, stage, stage, gen_random_uuid(), 'need-publication-1', '2019-01-01',
    'a', at, 'a', at, 'b', CASE stage WHEN 'published' THEN at END,
    '{}', '{}', 3
FROM generate_series(1, $1) AS n,
    LATERAL (SELECT timestamptz '2019-01-01' + n * interval '3 minutes' AS at,
        CASE n % 10 WHEN 0 THEN 'published' WHEN 1 THEN 'verified' ELSE 'draft' END AS stage) m
"""


@pytest_asyncio.fixture(scope="module")
async def board(database_of: DatabaseOf, url_of: UrlOf) -> Database:
    database = await database_of("matching")
    async with database.writing(Scope.worker()) as connection:
        await connection.execute(FILL, NEEDS)
    owner = await asyncpg.connect((await url_of("matching")).replace("{role}", "owner"))
    await owner.execute("ANALYZE need")
    await owner.close()
    return database


@pytest.mark.parametrize(
    ("scope", "page", "given"),
    [
        pytest.param(COUNTY, queries.needs, {}, id="a county's first page"),
        pytest.param(COUNTY, queries.needs, AFTER, id="a county's deep page"),
        pytest.param(COUNTY, queries.needs, {"state": "verified"}, id="a county's page of a state"),
        pytest.param(VILLAGE, queries.needs, {}, id="a village's first page"),
        pytest.param(Scope.public(), queries.cards, {}, id="the public's first page"),
        pytest.param(Scope.public(), queries.cards, AFTER, id="the public's deep page"),
        pytest.param(Scope.public(), queries.cards, {"division": "621123"}, id="a county's cards"),
    ],
)
async def test_a_page_reads_an_index_and_sorts_nothing_large(
    board: Database, scope: Scope, page: Statement, given: dict[str, Any]
) -> None:
    text, values = page.bind({"limit": 50, **given})
    async with board.reading(scope) as connection:
        plan = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {text}", *values)
    scanned = [node for node in _nodes(orjson.loads(plan)) if node.get("Relation Name") == "need"]
    assert scanned
    for node in scanned:
        assert "Index" in node["Node Type"] or "Bitmap" in node["Node Type"], node
        assert node["Actual Rows"] + node.get("Rows Removed by Filter", 0) < 2_000, node


def _nodes(plan: Any) -> list[dict[str, Any]]:
    found = []
    if isinstance(plan, list):
        for each in plan:
            found += _nodes(each)
    if isinstance(plan, dict):
        found = [plan] if "Node Type" in plan else []
        for value in plan.values():
            found += _nodes(value)
    return found
