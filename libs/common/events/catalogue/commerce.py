"""What commerce publishes: produce sold, shops and farm-stays, and the income they bring."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from libs.common.events.catalogue.employment import (
    GrantPaid,
    HouseholdEmployed,
    HouseholdEmploymentEnded,
    LoanSubsidised,
    SupportReferred,
    TrainingCompleted,
    WagePaid,
)
from libs.common.events.event import Event, LocalEvent
from libs.common.events.fields import Clause, Code, Fen, Month, OneOf


class Product(StrEnum):
    """What is sold: 中药材, 马铃薯, 小杂粮, …"""

    MEDICINAL_HERB = "medicinal_herb"
    POTATO = "potato"
    COARSE_GRAIN = "coarse_grain"
    LIVESTOCK = "livestock"
    FRUIT_AND_VEGETABLE = "fruit_and_vegetable"
    HANDICRAFT = "handicraft"
    OTHER = "other"


class ShopKind(StrEnum):
    """自营网店, 代运营网店."""

    OWN = "own"
    AGENT = "agent"


class Grade(StrEnum):
    """标准农家乐, and stays rated by the city, the province or the state."""

    STANDARD = "standard"
    CITY = "city"
    PROVINCE = "province"
    STATE = "state"


ProductCode = Annotated[Code, OneOf(Product)]
ShopKindCode = Annotated[Code, OneOf(ShopKind)]
GradeCode = Annotated[Code, OneOf(Grade)]


class ProduceSold(Event):
    """A household's produce was sold.

    Aggregate: the sale.
    Board: the sale need is reduced; income.
    """

    name = "produce_sold"
    key_field = "household_id"

    household_id: UUID = Field(description="Whose produce it was.")
    lot_id: UUID = Field(description="The lot that was sold, in whole or in part.")
    product: ProductCode = Field(description="What was sold.")
    amount_fen: Fen = Field(description="What the household receives.")
    sold_on: date = Field(description="Policy day of the sale.")


class BuyoutContractSigned(Event):
    """A firm undertook to buy a household's produce 包销协议; one event for each household.

    Aggregate: the household's part of the contract.
    Board: the sale need is reduced.
    """

    name = "buyout_contract_signed"
    key_field = "household_id"

    household_id: UUID = Field(description="Whose produce it is.")
    contract_id: UUID = Field(description="The contract.")
    product: ProductCode = Field(description="What will be bought.")
    amount_fen: Fen = Field(description="Least the household will receive, at the floor price.")
    since: date = Field(description="First policy day.")
    until: date = Field(description="Last policy day.")


class TourismIncomeRecorded(Event):
    """A household earned from visitors.

    Aggregate: the record.
    Board: income.
    """

    name = "tourism_income_recorded"
    key_field = "household_id"

    household_id: UUID = Field(description="Who earned it.")
    amount_fen: Fen = Field(description="What was earned.")
    month: Month = Field(description="When.")


class ShopOpened(LocalEvent):
    """An online shop 网店 was opened.

    Aggregate: the shop.
    Board: sale needs can go to it; the village card.
    """

    name = "shop_opened"
    kind: ShopKindCode = Field(description="Who runs it.")
    since: date = Field(description="Policy day of the opening.")


class FarmstayRated(LocalEvent):
    """A farm-stay 农家乐、民宿 was rated.

    Aggregate: the farm-stay.
    Board: the household's situation; the village card.
    """

    name = "farmstay_rated"
    grade: GradeCode = Field(description="The grade.")
    since: date = Field(description="Policy day of the rating.")


class AwardPaid(LocalEvent):
    """An award 奖补 was paid for a shop, a farm-stay or a village.

    Aggregate: the payment.
    Board: income and support history.
    """

    name = "award_paid"
    clause: Clause = Field(description="The rule it was paid under.")
    amount_fen: Fen = Field(description="What was paid.")
    month: Month = Field(description="When.")


SALE = "weiyuan.commerce.sale.v1"
UNDERTAKING = "weiyuan.commerce.undertaking.v1"
WORK = "weiyuan.commerce.work.v1"

PUBLISHED: Mapping[type[Event], str] = {
    ProduceSold: SALE,
    BuyoutContractSigned: SALE,
    TourismIncomeRecorded: SALE,
    ShopOpened: UNDERTAKING,
    FarmstayRated: UNDERTAKING,
    AwardPaid: UNDERTAKING,
    HouseholdEmployed: WORK,
    HouseholdEmploymentEnded: WORK,
    WagePaid: WORK,
    GrantPaid: WORK,
    LoanSubsidised: WORK,
    SupportReferred: WORK,
    TrainingCompleted: WORK,
}
