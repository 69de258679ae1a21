"""Who gets past the edge: with which token, in which role."""

from typing import Any
from uuid import uuid4

import pytest
from fastapi import FastAPI

from libs.common.http.issuer import Issuer
from libs.common.http.roles import ACTIONS, TERMS, Role
from tests.common.http.edge import COUNTY, a_client

_AREAS = {Role.VILLAGE_OFFICER: "621123100201", Role.TOWN_OFFICER: "621123100"}
ORDER: dict[str, Any] = {"items": []}


def _token(issuer: Issuer, role: Role) -> str:
    return issuer.issue(
        role,
        division=_AREAS.get(role, COUNTY if role is not Role.PREFECTURE_OFFICER else "6211"),
        household=uuid4(),
        person=uuid4(),
        enterprise=uuid4(),
    )


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.PUBLIC}))
async def test_only_the_roles_of_the_table_get_past(
    app: FastAPI, issuer: Issuer, role: Role
) -> None:
    async with a_client(app, _token(issuer, role), **{"accept-language": "en"}) as client:
        answer = await client.post("/sample/v1/posts/1", json=ORDER)
    if role in ACTIONS["appoint"]:
        assert answer.status_code == 200
    else:
        body = answer.json()
        assert (answer.status_code, body["code"]) == (403, "forbidden_role")
        assert (body["action"], body["roles"]) == ("appoint", ["county_officer"])
        assert body["detail"] == f"The role {role} may not do this: appoint."


@pytest.mark.parametrize(
    ("authorization", "code", "challenge"),
    [
        pytest.param(None, "unauthenticated", 'Bearer realm="weiyuan"', id="no header"),
        pytest.param("Basic abc", "unauthenticated", 'Bearer realm="weiyuan"', id="not bearer"),
        pytest.param("Bearer ", "unauthenticated", 'Bearer realm="weiyuan"', id="no token"),
        pytest.param(
            "Bearer a.b.c",
            "token_invalid",
            'Bearer realm="weiyuan", error="invalid_token"',
            id="a bad token",
        ),
    ],
)
async def test_without_a_good_token_the_answer_is_401(
    app: FastAPI, authorization: str | None, code: str, challenge: str
) -> None:
    headers = {"authorization": authorization} if authorization else {}
    async with a_client(app, **headers) as client:
        answer = await client.post("/sample/v1/posts/1", json=ORDER)
    assert (answer.status_code, answer.json()["code"]) == (401, code)
    assert answer.headers["www-authenticate"] == challenge


async def test_what_is_open_to_the_public_needs_no_token(app: FastAPI) -> None:
    async with a_client(app) as client:
        answer = await client.get("/sample/v1/open")
    assert answer.json() == {"subject": "anybody", "role": "public", "scope": ["public", "-"]}


async def test_a_bad_token_is_refused_even_where_none_is_needed(app: FastAPI) -> None:
    async with a_client(app, "a.b.c") as client:
        answer = await client.get("/sample/v1/open")
    assert answer.status_code == 401


async def test_a_callers_trace_names_who_acts_and_in_which_request(
    app: FastAPI, issuer: Issuer
) -> None:
    token = issuer.issue(Role.COUNTY_OFFICER, division=COUNTY, subject="u-7")
    caller = await app.state.process.verifier.caller(token)
    trace = caller.trace("appoint", purpose="test", post="p")
    assert (trace.actor, trace.role, trace.action) == ("u-7", "county_officer", "appoint")
    assert (trace.purpose, trace.detail) == ("test", {"post": "p"})


def test_every_action_has_a_term_and_somebody_who_may() -> None:
    assert TERMS.keys() == ACTIONS.keys()
    assert all(ACTIONS.values())
    assert all(not term.isascii() for term in TERMS.values())
