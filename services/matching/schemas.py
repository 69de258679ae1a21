"""What goes over the wire of the need board."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from libs.common.contracts import VillageClass
from libs.common.http.paging import Items
from libs.common.http.wire import Answer, Day, Wire


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
    given_on: Day


class NeedIn(Wire):
    """需求登记: what a household lacks; this release knows job needs 就业需求."""

    household_id: UUID
    category: Literal["job"]
    quantity: Annotated[int, Field(ge=1, le=20)] = 1
    consent: ConsentIn


class Card(Answer):
    """需求卡片: what anybody sees of a published need."""

    id: UUID
    division: str
    category: str
    quantity: int
    state: NeedState
    published_at: datetime | None
    version: int


class Need(Card):
    """需求: what officials of its area and the household itself see."""

    household_id: UUID
    stage: NeedState
    captured_by: str
    captured_at: datetime
    verified_by: str | None
    verified_at: datetime | None
    published_by: str | None
    consent_on: date


class Needs(Items[Need | Card]):
    """A page of the board and how fresh it is: every event on the bus by `as_of` is in it."""

    as_of: datetime | None
    lag_ms: int | None


class Change(Answer):
    """需求沿革: one change, by a person (`actor`) or an event (`cause_id`)."""

    at: datetime
    was: NeedState | None
    became: NeedState
    verb: str
    actor: str | None
    cause_id: UUID | None
    cause_type: str | None


class CountedNeeds(Answer):
    state: NeedState
    count: int


class Station(Answer):
    station_id: UUID
    kw: str
    since: date


class SettledMonth(Answer):
    """The village's share of a station's month; `kwh` is the whole station's."""

    month: str
    station_id: UUID
    kwh: str
    grid_fen: int
    subsidy_fen: int


class VillageCard(Answer):
    """村情卡."""

    division: str
    class_: VillageClass | None = Field(alias="class")
    class_since: date | None
    needs: list[CountedNeeds]
    solar_stations: list[Station]
    solar_revenue: list[SettledMonth]
