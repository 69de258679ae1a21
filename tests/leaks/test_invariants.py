"""What no table, document, answer, event or log ever holds."""

import re
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
import pytest_asyncio

from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.provision import BUS
from tests.architecture.services import WITH_DATABASE
from tests.leaks.examples import EXAMPLES
from tests.leaks.operations import Operation, operations, right_token, send
from tests.leaks.secrets import secrets_of, valid_ids
from tests.leaks.seed import Seeded

UNMASKED = "get /registry/v1/persons/{person}/unmasked"
READS = [
    pytest.param(each, id=name)
    for name, each in operations().items()
    if each.method == "get" and name in EXAMPLES
]

# LT-9, LT-3, SN-PRO, PL-1: of nobody, under any name.
_WORDS = """
    ethnic ethnicity ethnicities nation nationality nationalities minority race tribe
    religion religious faith belief beliefs church mosque
    politic politics political party reliability reliable trustworthiness loyalty
    detention detained detainee imprisoned
    face iris fingerprint voiceprint biometric biometrics gps latitude longitude lat lng location
    health illness disease disability diagnosis pregnant blood
    target targets quota quotas headcount kpi ranking rank signups score rating
"""
WORDS = frozenset(_WORDS.split())
CHINESE = re.compile("民族|宗教|信仰|政治面貌|党员|可靠|指标|任务数|人脸|定位|户籍民族|疾病|残疾")


def words(name: str) -> set[str]:
    apart = re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
    return set(re.split(r"[^a-z]+", apart)) | {apart}


def _named(document: Any) -> Iterator[str]:
    """Every property and parameter of a schema, wherever it is."""
    if isinstance(document, dict):
        yield from document.get("properties", {})
        yield from [each["name"] for each in document.get("parameters", []) if "name" in each]
        for value in document.values():
            yield from _named(value)
    elif isinstance(document, list):
        for value in document:
            yield from _named(value)


def test_no_field_of_the_api_is_of_what_nobody_may_keep() -> None:
    schemas = [each.schemas for each in operations().values()]
    named = {name for document in schemas for name in _named(document)}
    named |= {given["name"] for each in operations().values() for given in each.parameters}
    assert len(named) > 50
    assert sorted(name for name in named if words(name) & WORDS or CHINESE.search(name)) == []


@pytest_asyncio.fixture(params=[*WITH_DATABASE, BUS])
async def catalog(
    request: pytest.FixtureRequest, seeded: Seeded, postgres: EmbeddedPostgres
) -> AsyncIterator[asyncpg.Connection]:
    """The service's database as an administrator sees it."""
    settings = seeded.house.process.settings
    bus = request.param == BUS
    url = settings.bus_url if bus else settings.database_url(request.param)
    connection = await asyncpg.connect(postgres.admin_url(urlsplit(url).path[1:]))
    yield connection
    await connection.close()


async def _columns(catalog: asyncpg.Connection) -> list[tuple[str, str, str]]:
    rows = await catalog.fetch(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " WHERE table_schema = 'public'"
    )
    return [(row["table_name"], row["column_name"], row["data_type"]) for row in rows]


async def test_no_column_is_of_what_nobody_may_keep(catalog: asyncpg.Connection) -> None:
    named = [f"{table}.{column}" for table, column, _ in await _columns(catalog)]
    assert named
    assert [name for name in named if words(name.split(".")[1]) & WORDS] == []
    assert [name for name in named if CHINESE.search(name)] == []


async def test_no_json_in_a_table_has_a_key_of_it(catalog: asyncpg.Connection) -> None:
    for table, column, kind in await _columns(catalog):
        if kind in ("json", "jsonb"):
            rows = await catalog.fetch(f'SELECT "{column}"::text AS said FROM {table}')
            keys = {key for row in rows for key in _keys(orjson.loads(row["said"] or "null"))}
            odd = [key for key in keys if words(key) & WORDS or CHINESE.search(key)]
            assert (table, column, odd) == (table, column, [])


async def test_no_row_holds_an_identity_in_the_clear(
    catalog: asyncpg.Connection, seeded: Seeded
) -> None:
    """Names are registry's alone; identities and phones are nowhere, not even in events."""
    secret = secrets_of(seeded)
    for table in sorted({table for table, _, _ in await _columns(catalog)}):
        rows = await catalog.fetch(f"SELECT * FROM {table}")
        for text in (_as_text(value) for row in rows for value in row.values()):
            told = [one for kind, ones in secret.items() if _kept(kind, table) for one in ones]
            assert not any(one in text for one in told), (table, text)
            assert not valid_ids(text), (table, text)


def _kept(kind: str, table: str) -> bool:
    return table != "person" or kind in ("identity", "phone")


def _as_text(value: Any) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _keys(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        yield from document
    for value in document.values() if isinstance(document, dict) else document or ():
        if isinstance(value, dict | list):
            yield from _keys(value)


@pytest.mark.parametrize("operation", READS)
async def test_no_answer_tells_more_than_it_should(seeded: Seeded, operation: Operation) -> None:
    """To nobody who may ask: no name in full, no identity, phone or day of birth, nor a part."""
    ask = EXAMPLES[operation.name](seeded)
    secret = secrets_of(seeded)
    for role in operation.roles:
        for language in ("zh", "en"):
            token = right_token(seeded, role, ask.whose)
            headers = {"authorization": f"Bearer {token}", "accept-language": language}
            answer = await send(seeded.house.http, operation, ask, token, headers=headers)
            if operation.name == UNMASKED:
                assert secret["identity"][0] in answer.text
                continue
            assert [one for ones in secret.values() for one in ones if one in answer.text] == []
            assert valid_ids(answer.text) == []
            parts = {part for one in secret["identity"] for part in (one[-4:], one[6:14], one[:17])}
            assert [text for text in _texts(answer) if any(part in text for part in parts)] == []


def _texts(answer: httpx.Response) -> Iterator[str]:
    """What is said, without ids, instants and digests that hold any digits by chance."""
    if "ndjson" in answer.headers["content-type"] or "csv" in answer.headers["content-type"]:
        return
    yield from (text for text in _leaves(orjson.loads(answer.content)) if not _is_chance(text))


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, each in value.items():
            if key not in ("cursor", "next", "lag_ms", "root"):
                yield from _leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from _leaves(each)
    else:
        yield str(value)


def _is_chance(text: str) -> bool:
    for reader in (UUID, datetime.fromisoformat):
        try:
            reader(text)
        except ValueError:
            continue
        return len(text) > len("2019-06-01")
    return False


async def test_an_unmasked_reading_is_on_record_before_it_is_answered(seeded: Seeded) -> None:
    operation = operations()[UNMASKED]
    ask = EXAMPLES[UNMASKED](seeded)
    token = right_token(seeded, operation.roles[0], ask.whose)
    registry = seeded.house.process.settings.database_url("registry").replace("{role}", "worker")
    connection = await asyncpg.connect(registry)
    count = "SELECT count(*) FROM access WHERE NOT masked AND person_id = $1"
    before = await connection.fetchval(count, ask.path["person"])
    assert (await send(seeded.house.http, operation, ask, token)).status_code == 200
    assert await connection.fetchval(count, ask.path["person"]) == before + 1
    for query in ({}, {"purpose": ""}, {"purpose": "curiosity"}):
        refused = await send(seeded.house.http, operation, ask, token, params=query)
        assert refused.status_code == 422
    assert await connection.fetchval(count, ask.path["person"]) == before + 1
    await connection.close()
