"""What goes over the wire of solar."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from libs.common.http.wire import Answer, Day, Wire
from libs.common.places import VillageCode

Fen = Annotated[int, Field(ge=0, le=10**14, strict=True)]


class StationIn(Wire):
    """村级电站登记: a village's own station; joint ones come with the solar programme."""

    division: VillageCode
    name: Annotated[str, Field(min_length=1, max_length=60)]
    kw: Annotated[Decimal, Field(gt=0, le=6000, decimal_places=3)]
    connected_on: Day


class SettlementIn(Wire):
    """电费结算: a month's energy and its two streams, as the settlement slip says."""

    station_id: UUID
    period: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]
    kwh: Annotated[Decimal, Field(ge=0, lt=10**11, decimal_places=3)]
    grid_fen: Fen = Field(description="Paid by the grid at the benchmark price.")
    subsidy_fen: Fen = Field(description="State subsidy.")


class Station(Answer):
    """村级电站."""

    id: UUID
    division: str
    name: str
    kw: str
    connected_on: date


class Settlement(Answer):
    """电费结算: entered by one officer, confirmed by another."""

    id: UUID
    station_id: UUID
    division: str
    period: str
    kwh: str
    grid_fen: int
    subsidy_fen: int
    state: Literal["entered", "confirmed"]
    entered_by: str
    confirmed_by: str | None
    version: int
