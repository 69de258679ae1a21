"""A small application behind the real edge, and clients for it."""

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any
from uuid import UUID

import httpx
from fastapi import APIRouter, FastAPI
from pydantic import Field

from libs.common.db.database import Database
from libs.common.http import errors, middleware
from libs.common.http.caller import Caller
from libs.common.http.issuer import Issuer
from libs.common.http.keys import KeySet
from libs.common.http.limits import Limits
from libs.common.http.permissions import allowed
from libs.common.http.tokens import Verifier
from libs.common.http.wire import IfMatch, Wire
from libs.common.settings import EMBEDDED_ISSUER

AUDIENCE = "weiyuan"
COUNTY = "621123"


def an_issuer(home: Path) -> Issuer:
    return Issuer.of(home, AUDIENCE)


def a_verifier(issuer: Issuer) -> Verifier:
    keys = KeySet(issuer.jwks)
    return Verifier(keys, issuer=EMBEDDED_ISSUER, audience=AUDIENCE, embedded=True)


def an_app(
    *routers: APIRouter,
    issuer: Issuer,
    databases: Mapping[str, Database] | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    app = FastAPI(openapi_url=None)
    errors.install(app)
    middleware.install(app, limits or Limits())
    for router in routers:
        app.include_router(router)
    app.state.process = SimpleNamespace(verifier=a_verifier(issuer), databases=databases or {})
    return app


def a_client(app: FastAPI, token: str | None = None, **headers: str) -> httpx.AsyncClient:
    if token:
        headers["authorization"] = f"Bearer {token}"
    transport = httpx.ASGITransport(app)
    return httpx.AsyncClient(transport=transport, base_url="http://weiyuan", headers=headers)


class Item(Wire):
    kind: Annotated[str, Field(max_length=3)]
    number: int = 0


class Order(Wire):
    items: Annotated[list[Item], Field(max_length=2)]
    household: UUID | None = None


router = APIRouter(prefix="/sample/v1", tags=["sample"])


@router.get("/open")
async def who(caller: Annotated[Caller, allowed("read_village_card")]) -> dict[str, Any]:
    return {"subject": caller.subject, "role": caller.role, "scope": caller.scope}


@router.post("/posts/{post_id}")
async def appoint(
    caller: Annotated[Caller, allowed("appoint")], post_id: int, order: Order
) -> dict[str, Any]:
    return {"post_id": post_id, "items": len(order.items), "by": caller.subject}


@router.put("/posts/{post_id}")
async def change(
    _: Annotated[Caller, allowed("open_post")], post_id: int, version: IfMatch
) -> dict[str, int]:
    return {"post_id": post_id, "version": version}


@router.get("/broken")
async def broken() -> None:
    raise RuntimeError("resident 622421199001011234 could not be read")
