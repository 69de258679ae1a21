"""Pages of a list: complete, in order, whatever comes in meanwhile; no cursor can be made up."""

import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import httpx
import orjson
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import DateTime, Select, Text, Uuid, column, select, table
from starlette.responses import Response

from libs.common.db.database import Database, Scope
from libs.common.db.statement import Given, param
from libs.common.http.caller import Caller
from libs.common.http.issuer import Issuer
from libs.common.http.paging import AskedPage, paged
from libs.common.http.permissions import allowed
from libs.common.http.roles import Role
from libs.common.ids import new_id
from tests.common.http.edge import COUNTY, a_client, an_app
from tests.databases import GROUND

OFFICIALS = "/jobs"
BEGAN = datetime(2019, 3, 1, tzinfo=UTC)

job = table(
    "job",
    column("id", Uuid),
    column("kind", Text),
    column("created_at", DateTime(timezone=True)),
    column("division", Text),
)


@paged(job.c.created_at, job.c.id)
def jobs(given: Given) -> Select[Any]:
    """Jobs, oldest first."""
    found = select(job.c.id, job.c.kind)
    return found.where(job.c.kind == param("kind", Text)) if "kind" in given else found


@paged(job.c.id)
def jobs_by_id(given: Given) -> Select[Any]:
    """The same in another order."""
    return select(job.c.id)


def _routes(database: Database) -> APIRouter:
    router = APIRouter()
    Reader = Annotated[Caller, allowed("read_job")]

    @router.get("/jobs")
    async def read_jobs(caller: Reader, page: AskedPage, kind: str | None = None) -> Response:
        async with database.reading(caller.scope) as db:
            return await page.of(db, jobs, beside={"as_of": "2019-03-01"}, kind=kind)

    @router.get("/jobs-by-id")
    async def read_by_id(caller: Reader, page: AskedPage) -> Response:
        async with database.reading(caller.scope) as db:
            return await page.of(db, jobs_by_id)

    return router


@pytest.fixture(scope="module")
async def database(database_of: Callable[[str], Awaitable[Database]]) -> Database:
    return await database_of(GROUND)


@pytest.fixture
async def client(database: Database, issuer: Issuer) -> httpx.AsyncClient:
    app: FastAPI = an_app(_routes(database), issuer=issuer)
    return a_client(app, issuer.issue(Role.COUNTY_OFFICER, division=COUNTY))


async def _add(database: Database, *kinds: str, at: datetime = BEGAN) -> list[UUID]:
    ids = [new_id() for _ in kinds]
    rows = [(id_, kind, COUNTY, at) for id_, kind in zip(ids, kinds, strict=True)]
    async with database.writing(Scope.area(COUNTY)) as db:
        await db.executemany(
            "INSERT INTO job"
            " (id, kind, state, division, created_by, created_at, parameters, progress)"
            " VALUES ($1, $2, 'done', $3, 'u-1', $4, '{}', '{}')",
            rows,
        )
    return ids


async def _all(client: httpx.AsyncClient, path: str, **query: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    pages = 0
    while True:
        answer = (await client.get(path, params=query)).json()
        items += answer["items"]
        pages += 1
        if answer["next"] is None:
            return items
        query["cursor"] = answer["next"]
        assert len(answer["items"]) == query["limit"]
        assert pages < 50


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 7, 200])
async def test_the_pages_together_are_the_list_in_order(
    client: httpx.AsyncClient, database: Database, limit: int
) -> None:
    kind = f"pages-{limit}"
    same_instant = await _add(database, *[kind] * 4)
    later = await _add(database, kind, kind, at=BEGAN + timedelta(microseconds=1))
    items = await _all(client, OFFICIALS, limit=limit, kind=kind)
    assert [item["id"] for item in items] == [
        str(id_) for id_ in sorted(same_instant) + sorted(later)
    ]
    assert items[0].keys() == {"id", "kind"}


async def test_an_empty_list_is_one_empty_page(client: httpx.AsyncClient) -> None:
    answer = (await client.get(OFFICIALS, params={"kind": "none"})).json()
    assert answer == {"items": [], "next": None, "as_of": "2019-03-01"}


async def test_what_is_added_behind_the_cursor_does_not_move_the_next_page(
    client: httpx.AsyncClient, database: Database
) -> None:
    first, *rest = sorted(await _add(database, "moved", "moved", "moved"))
    page = (await client.get(OFFICIALS, params={"kind": "moved", "limit": 1})).json()
    await _add(database, "moved", at=BEGAN - timedelta(days=1))
    after = await _all(client, OFFICIALS, kind="moved", limit=1, cursor=page["next"])
    assert [page["items"][0]["id"], *(item["id"] for item in after)] == [
        str(i) for i in [first, *rest]
    ]


def _made_up(*values: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).rstrip(b"=").decode()


INSTANT = "2019-03-01T00:00:00+00:00"


@pytest.mark.parametrize(
    "cursor",
    [
        pytest.param("x", id="too short for base64"),
        pytest.param("游标", id="not ASCII"),
        pytest.param("!!!!", id="not base64"),
        pytest.param(base64.b64encode(b"no json").decode(), id="not JSON"),
        pytest.param(_made_up(), id="empty"),
        pytest.param(base64.b64encode(b'{"a": 1}').decode(), id="an object"),
        pytest.param(base64.b64encode(b"3").decode(), id="a number"),
        pytest.param(_made_up(2, "jobs", INSTANT, str(new_id())), id="another form"),
        pytest.param(_made_up(1, "needs", INSTANT, str(new_id())), id="of another list"),
        pytest.param(_made_up(1, "jobs", INSTANT), id="too few values"),
        pytest.param(_made_up(1, "jobs", INSTANT, str(new_id()), 1), id="too many values"),
        pytest.param(_made_up(1, "jobs", "yesterday", str(new_id())), id="no instant"),
        pytest.param(_made_up(1, "jobs", INSTANT[:19], str(new_id())), id="no time zone"),
        pytest.param(_made_up(1, "jobs", INSTANT, "1' OR '1'='1"), id="SQL"),
        pytest.param(_made_up(1, "jobs", [INSTANT], {}), id="nested"),
        pytest.param(_made_up(1, "jobs", None, None), id="nothing"),
    ],
)
async def test_a_made_up_cursor_is_refused(client: httpx.AsyncClient, cursor: str) -> None:
    answer = await client.get(OFFICIALS, params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_cursor")


async def test_a_cursor_of_another_list_is_refused(
    client: httpx.AsyncClient, database: Database
) -> None:
    await _add(database, "a", "b")
    other = (await client.get("/jobs-by-id", params={"limit": 1})).json()["next"]
    assert (await client.get("/jobs-by-id", params={"cursor": other})).status_code == 200
    answer = await client.get(OFFICIALS, params={"cursor": other})
    assert answer.json()["code"] == "invalid_cursor"


@pytest.mark.parametrize("limit", [0, -1, 201, "many"])
async def test_a_page_has_between_one_and_two_hundred_rows(
    client: httpx.AsyncClient, limit: int | str
) -> None:
    answer = await client.get(OFFICIALS, params={"limit": limit})
    assert (answer.status_code, answer.json()["errors"][0]["name"]) == (422, "limit")


async def test_a_filter_that_cannot_be_stored_is_malformed(client: httpx.AsyncClient) -> None:
    answer = await client.get(OFFICIALS, params={"kind": "a\0b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "malformed")


async def test_another_area_sees_none_of_it(database: Database, issuer: Issuer) -> None:
    await _add(database, "hidden")
    app = an_app(_routes(database), issuer=issuer)
    async with a_client(app, issuer.issue(Role.COUNTY_OFFICER, division="621122")) as client:
        assert (await client.get(OFFICIALS)).json()["items"] == []
