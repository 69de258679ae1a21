"""An office that sends files and reads what came of them, on this module's own register."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg
import httpx
import orjson
import pytest
import pytest_asyncio

from libs.common.events.envelope import decode, to_record
from libs.common.events.event import Event
from libs.common.http.roles import Role
from libs.common.process.jobs import finish_jobs
from libs.common.runtime import Process
from services.registry.main import service
from tests.databases import UrlOf
from tests.registry.conftest import As

COUNTY = "621123"
ON = "2019-06-30"

Row = Mapping[str, Any]


def as_csv(rows: Sequence[Row]) -> bytes:
    """Heads of every row, so that a table of odd rows can be written down as it is."""
    heads = list(dict.fromkeys(head for row in rows for head in row))
    text = io.StringIO()
    table = csv.DictWriter(text, heads)
    table.writeheader()
    table.writerows(rows)
    return text.getvalue().encode()


@dataclass(frozen=True)
class Office:
    """`owner` reads the tables past row-level security, to see what really is there."""

    process: Process
    http: httpx.AsyncClient
    owner: asyncpg.Connection

    async def send(
        self, kind: str, rows: bytes | Sequence[Row], *, name: str = "f.csv", **query: Any
    ) -> str:
        """The address of the job."""
        body = rows if isinstance(rows, bytes) else as_csv(rows)
        query = {"filename": name, "on": ON, **query}
        answer = await self.http.post(f"/imports/{kind}", content=body, params=query)
        assert answer.status_code == 202, answer.text
        assert answer.headers["location"] == answer.json()["href"]
        return str(answer.json()["href"])

    async def job(self, href: str) -> dict[str, Any]:
        found = await self.http.get(href.removeprefix("/registry/v1"))
        assert found.status_code == 200, found.text
        job: dict[str, Any] = found.json()
        return job

    async def finish(self) -> None:
        await finish_jobs(self.process, service)

    async def imported(
        self, kind: str, rows: bytes | Sequence[Row], **query: Any
    ) -> dict[str, Any]:
        """The result of a whole import."""
        job = await self.job(await self.send_and_finish(kind, rows, **query))
        assert job["state"] == "done", job
        result: dict[str, Any] = job["result"]
        return result | {"job": job["id"]}

    async def send_and_finish(self, kind: str, rows: bytes | Sequence[Row], **query: Any) -> str:
        href = await self.send(kind, rows, **query)
        await self.finish()
        return href

    async def faults(self, result: Mapping[str, Any]) -> list[tuple[int, str, str]]:
        """Row, column and reason of each."""
        asked = {"format": "ndjson"}
        found = await self.http.get(f"/imports/{result['job']}/errors", params=asked)
        lines = [orjson.loads(line) for line in found.content.splitlines()]
        return [(line["row"], line["column"], line["code"]) for line in lines]

    async def table(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in await self.owner.fetch(query, *values)]

    async def events(self) -> list[Event]:
        """What the outbox holds, as a reader of the bus would decode it; then it is empty."""
        rows = await self.owner.fetch("DELETE FROM outbox RETURNING *")
        return [decode(to_record(row)) for row in sorted(rows, key=lambda row: row["id"])]


@pytest_asyncio.fixture(scope="module")
async def owner(url_of: UrlOf, postgres: Any) -> AsyncIterator[asyncpg.Connection]:
    database = (await url_of("registry")).split("@/")[1].split("?")[0]
    connection = await asyncpg.connect(postgres.admin_url(database))
    yield connection
    await connection.close()


@pytest.fixture(scope="module")
def office(process: Process, as_: As, owner: asyncpg.Connection) -> Office:
    return Office(process, as_(Role.COUNTY_OFFICER, division=COUNTY), owner)


@pytest.fixture(scope="module")
def prefecture(process: Process, as_: As, owner: asyncpg.Connection) -> Office:
    return Office(process, as_(Role.PREFECTURE_OFFICER, division="6211"), owner)


def codes(villages: Iterable[str]) -> Sequence[Row]:
    """Rows for divisions import: the town of each village and the village."""
    towns = dict.fromkeys(village[:9] for village in villages)
    return [
        {"code": town, "parent": town[:6], "level": "town", "name": f"镇{town[6:]}"}
        for town in towns
    ] + [
        {"code": village, "parent": village[:9], "level": "village", "name": f"村{village[6:]}"}
        for village in villages
    ]
