"""What goes over the wire: strict requests, answers made by PostgreSQL, versions in If-Match."""

import re
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from libs.common.http.malformed import at
from libs.common.http.problems import Problem
from libs.common.language import Words

_VERSION = re.compile(r'"([0-9]{1,18})"')


Day = Annotated[date, Field(ge=date(1900, 1, 1), lt=date(2200, 1, 1))]
"""A policy day; the calendar's very first and last are `infinity` to PostgreSQL's driver."""


class Wire(BaseModel):
    """A request body: nothing unknown in it, and no text without an end."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_max_length=1000)


class Answer(BaseModel):
    """A response body, as the API documents describe it; what others read may grow."""

    model_config = ConfigDict(frozen=True, str_max_length=1000)


class Created(Answer):
    """What a write answers with: the id of what it made, and of the event that tells of it."""

    id: UUID
    event_id: UUID | None = None


class Place(Answer):
    """One thing wrong with a request: a body's JSON pointer, or a parameter's name."""

    code: str
    message: str
    in_: Annotated[str, Field(alias="in")]
    pointer: str | None = None
    name: str | None = None


class ProblemAnswer(Answer):
    """Problem details (RFC 9457); some codes add members of their own."""

    model_config = ConfigDict(title="Problem", extra="allow")

    type: str
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    code: str
    remedy: str | None = None
    request_id: str | None = None
    errors: Annotated[list[Place], Field(max_length=50)] = []


def document(body: bytes | None, *, version: int | None = None) -> Response:
    """A JSON document as PostgreSQL built it; what the caller's scope hides is not found.

    `version` goes into the ETag, for If-Match.
    """
    if body is None:
        raise Problem("not_found")
    headers = None if version is None else {"ETag": f'"{version}"'}
    return Response(body, headers=headers, media_type="application/json")


async def _if_match(if_match: Annotated[str | None, Header(max_length=50)] = None) -> int:
    if if_match is None:
        raise Problem("precondition_required")
    if not (version := _VERSION.fullmatch(if_match.strip())):
        message: Words = {"zh": '应为 "版本号"', "en": 'should be "version", in double quotes'}
        raise at("header", "if-match", "version", message)
    return int(version[1])


IfMatch = Annotated[int, Depends(_if_match)]
"""The version that the caller saw: `If-Match: "3"`; 428 without."""
