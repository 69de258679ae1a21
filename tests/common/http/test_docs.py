"""The API documents: complete, served from our own files, the same for one service as for all."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import MetaData

from libs.common.http.docs import docs_router
from libs.common.http.issuer import Issuer
from libs.common.http.openapi import action_of, openapi_of
from libs.common.http.roles import ACTIONS
from libs.common.service import Service
from tests.common.http.edge import a_client, an_app, router


@pytest.fixture(scope="module")
def service() -> Service:
    return Service("sample", [router], MetaData(), Path("none"))


@pytest.fixture(scope="module")
def document(service: Service) -> dict[str, Any]:
    return openapi_of(service)


@pytest.fixture
def client(service: Service, issuer: Issuer) -> httpx.AsyncClient:
    return a_client(an_app(*service.routers, docs_router(service), issuer=issuer))


def _references(part: Any) -> Iterator[str]:
    match part:
        case {"$ref": str(reference)}:
            yield reference
        case dict():
            for item in part.values():
                yield from _references(item)
        case list():
            for item in part:
                yield from _references(item)


async def test_the_page_asks_nothing_of_another_host_and_runs_no_inline_script(
    client: httpx.AsyncClient,
) -> None:
    page = await client.get("/sample/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["content-security-policy"].startswith("default-src 'self';")
    assert "//" not in page.text
    assert re.findall(r"<script[^>]*>(.*?)</script>", page.text) == ["", ""]


async def test_everything_the_page_names_is_served(client: httpx.AsyncClient) -> None:
    page = await client.get("/sample/docs")
    named = re.findall(r'(?:src|href|data-document)="([^":]+)"', page.text)
    assert len(named) == 4
    for name in named:
        answer = await client.get(f"/sample/{name}")
        assert answer.status_code == 200
        assert len(answer.content) > 100


@pytest.mark.parametrize("asset", ["README.md", "..%2fdocs.js", "swagger-ui%2fLICENSE"])
async def test_nothing_else_is_served(client: httpx.AsyncClient, asset: str) -> None:
    assert (await client.get(f"/sample/docs/{asset}")).status_code == 404


async def test_the_document_is_the_generated_one(
    client: httpx.AsyncClient, document: dict[str, Any]
) -> None:
    assert (await client.get("/sample/v1/openapi.json")).json() == document


def test_every_reference_of_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    references = set(_references(document))
    assert "#/components/schemas/Problem" in references
    for reference in references:
        part = document
        for name in reference.removeprefix("#/").split("/"):
            part = part[name]


def test_an_operation_names_its_action_its_roles_and_its_problems(document: dict[str, Any]) -> None:
    operation = document["paths"]["/sample/v1/posts/{post_id}"]["post"]
    assert action_of(operation) == ["appoint"]
    assert operation["x-roles"] == sorted(ACTIONS["appoint"])
    expected = {"200", "401", "403", "404", "409", "413", "422", "429", "503"}
    assert operation["responses"].keys() == expected
    assert "428" in document["paths"]["/sample/v1/posts/{post_id}"]["put"]["responses"]


def test_what_is_open_to_the_public_says_that_no_token_is_needed(document: dict[str, Any]) -> None:
    operation = document["paths"]["/sample/v1/open"]["get"]
    assert operation["security"] == [{"access_token": ["read_village_card"]}, {}]


def test_requests_are_strict_and_bounded(document: dict[str, Any]) -> None:
    item = document["components"]["schemas"]["Item"]
    assert item["additionalProperties"] is False
    assert item["properties"]["kind"]["maxLength"] == 3
