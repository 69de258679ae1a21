"""What clients send to the need board, and what they may ask it for."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from libs.common.http.wire import Wire


class NeedState(StrEnum):
    """需求状态: 草稿, 已核实, 已发布, 已满足, 已撤回."""

    DRAFT = "draft"
    VERIFIED = "verified"
    PUBLISHED = "published"
    MET = "met"
    WITHDRAWN = "withdrawn"


class ConsentIn(Wire):
    """本人同意: who agreed to which text, and when; without it nothing is published."""

    person_id: UUID = Field(description="The member of the household who agreed.")
    text: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")] = Field(
        description="Version of the text that was read to the person."
    )
    given_on: date


class NeedIn(Wire):
    """需求登记: what a household lacks; this release knows job needs 就业需求."""

    household_id: UUID
    category: Literal["job"]
    quantity: Annotated[int, Field(ge=1, le=20)] = 1
    consent: ConsentIn
