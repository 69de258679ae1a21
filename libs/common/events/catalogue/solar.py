"""What solar publishes: stations, their settled revenue, and what villages do with it."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from libs.common.events.catalogue.employment import HouseholdEmployed, HouseholdEmploymentEnded
from libs.common.events.event import Event, Part
from libs.common.events.fields import Code, Energy, Fen, Month, OneOf, Power, Village, Year


class StationKind(StrEnum):
    """村级电站, 联建电站."""

    VILLAGE = "village"
    JOINT = "joint"


class Use(StrEnum):
    """公益岗位, 小型公益事业, 奖励补助."""

    PUBLIC_POSTS = "public_posts"
    SMALL_WORKS = "small_works"
    AWARDS = "awards"
    OTHER = "other"


StationKindCode = Annotated[Code, OneOf(StationKind)]
UseCode = Annotated[Code, OneOf(Use)]


class VillagePower(Part):
    """What of a station belongs to one village."""

    division: Village = Field(description="The village.")
    kw: Power = Field(description="Its part of the capacity.")


class VillageShare(Part):
    """What of a settlement belongs to one village."""

    division: Village = Field(description="The village.")
    grid_fen: Fen = Field(description="Its part of the grid's payment.")
    subsidy_fen: Fen = Field(description="Its part of the state subsidy.")


class PlannedUse(Part):
    """What a village means to spend on one use."""

    use: UseCode = Field(description="What for.")
    amount_fen: Fen = Field(description="How much in the year.")


class PvStationConnected(Event):
    """A solar station 光伏扶贫电站 was connected to the grid 并网.

    Aggregate: the station.
    Board: the village card.
    """

    name = "pv_station_connected"
    key_field = "station_id"

    station_id: UUID = Field(description="The station; the same as `aggregate_id`.")
    division: Village = Field(description="Village where it stands.")
    kind: StationKindCode = Field(description="One village's, or several villages'.")
    kw: Power = Field(description="Capacity.")
    villages: tuple[VillagePower, ...] = Field(
        min_length=1, max_length=200, description="Whose it is."
    )
    since: date = Field(description="Policy day of the connection.")


class PvRevenueSettled(Event):
    """A station's month was settled 电费结算: the two streams, and each village's share.

    Aggregate: the settlement.
    Board: the village's fund and its card.
    """

    name = "pv_revenue_settled"
    key_field = "station_id"

    station_id: UUID = Field(description="The station.")
    period: Month = Field(description="The month settled.")
    kwh: Energy = Field(description="Energy fed into the grid.")
    grid_fen: Fen = Field(description="The grid's payment, at the benchmark price.")
    subsidy_fen: Fen = Field(description="The state subsidy.")
    shares: tuple[VillageShare, ...] = Field(
        min_length=1, max_length=200, description="Each village's part of both."
    )


class PvDistributionFiled(Event):
    """A village's yearly plan for its solar revenue was filed with the county 备案.

    Aggregate: the plan.
    Board: what the village's fund is meant for.
    """

    name = "pv_distribution_filed"
    key_field = "division"

    division: Village = Field(description="The village.")
    year: Year = Field(description="The year planned.")
    uses: tuple[PlannedUse, ...] = Field(max_length=16, description="What the money is meant for.")
    since: date = Field(description="Policy day of the filing.")


class PvBenefitPaid(Event):
    """A household was paid from its village's solar revenue.

    Aggregate: the payment.
    Board: income; a need of the same kind is met or reduced.
    """

    name = "pv_benefit_paid"
    key_field = "household_id"

    household_id: UUID = Field(description="The household.")
    use: UseCode = Field(description="What for.")
    amount_fen: Fen = Field(description="What was paid.")
    month: Month = Field(description="The month that it was paid for.")


STATION = "weiyuan.solar.station.v1"
FUND = "weiyuan.solar.fund.v1"
WORK = "weiyuan.solar.work.v1"
BENEFIT = "weiyuan.solar.benefit.v1"

PUBLISHED: Mapping[type[Event], str] = {
    PvStationConnected: STATION,
    PvRevenueSettled: STATION,
    PvDistributionFiled: FUND,
    PvBenefitPaid: BENEFIT,
    HouseholdEmployed: WORK,
    HouseholdEmploymentEnded: WORK,
}
