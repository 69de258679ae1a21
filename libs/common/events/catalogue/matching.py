"""What matching publishes: needs, the commitments that answer them, and offers."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from libs.common.events.event import Event, LocalEvent
from libs.common.events.fields import Area, Code, OneOf, OneOfOrOther, Quantity


class Category(StrEnum):
    """What may be known of a need. Help in illness is `other`, and so is all that is not listed."""

    JOB = "job"
    TRAINING = "training"
    EDUCATION = "education"
    HOUSING = "housing"
    PRODUCTION = "production"
    PRODUCE_SALE = "produce_sale"
    VILLAGE_WORKS = "village_works"
    OTHER = "other"


class Unit(StrEnum):
    """What a quantity counts."""

    PLACE = "place"
    PERSON = "person"
    ITEM = "item"
    KILOGRAM = "kilogram"
    FEN = "fen"


class Outcome(StrEnum):
    """How a need was closed."""

    MET = "met"
    EXPIRED = "expired"
    FAILED = "failed"


CategoryCode = Annotated[Code, OneOfOrOther(Category)]
UnitCode = Annotated[Code, OneOf(Unit)]
OutcomeCode = Annotated[Code, OneOf(Outcome)]


class NeedEvent(LocalEvent):
    need_id: UUID = Field(description="The need.")
    category: CategoryCode = Field(description="Kind of need, as far as it may be known.")
    quantity: Quantity = Field(description="How much, in `unit`.")
    unit: UnitCode = Field(description="What `quantity` counts.")


class NeedPublished(NeedEvent):
    """A need 需求 passed the town's review and may be answered; `quantity` is what is asked.

    Aggregate: the need.
    Board: its own; employment prepares an application, commerce an order lead.
    """

    name = "need_published"


class NeedCommitted(NeedEvent):
    """Somebody claimed a need 认领, in whole or in part; `quantity` is what was promised.

    Aggregate: the commitment.
    Board: its own; employment opens an application, commerce an order lead.
    """

    name = "need_committed"
    offer_id: UUID | None = Field(None, description="The offer it comes from, if there is one.")


class NeedDelivered(NeedEvent):
    """What was promised has been received 收到; `quantity` is what arrived.

    Aggregate: the commitment.
    Board: its own; employment and commerce end what they opened for it.
    """

    name = "need_delivered"
    offer_id: UUID | None = Field(None, description="The offer it comes from, if there is one.")
    delivered_on: date = Field(description="Policy day of the receipt.")


class NeedClosed(NeedEvent):
    """A need was closed 关闭, with or without success.

    Aggregate: the need.
    Board: its own; employment and commerce drop what still waits for it.
    """

    name = "need_closed"
    outcome: OutcomeCode = Field(description="How it ended.")
    ended_on: date = Field(description="Policy day.")


class NeedWithdrawn(NeedEvent):
    """A need was taken back 撤回 by the household or the village; no reason travels.

    Aggregate: the need.
    Board: its own; employment and commerce drop what still waits for it.
    """

    name = "need_withdrawn"
    ended_on: date = Field(description="Policy day.")


class OfferEvent(Event):
    key_field = "offer_id"

    offer_id: UUID = Field(description="The offer.")
    category: CategoryCode = Field(description="Kind of need that it answers.")
    quantity: Quantity = Field(description="How much is left to give, in `unit`.")
    unit: UnitCode = Field(description="What `quantity` counts.")
    area: Area = Field(
        description="Where it may go: a village, town, county, prefecture, province."
    )
    until: date | None = Field(None, description="Last policy day, if it has one.")


class OfferOpened(OfferEvent):
    """Somebody offers help 帮扶资源.

    Aggregate: the offer.
    Board: its own; others may prepare for it.
    """

    name = "offer_opened"


class OfferClosed(OfferEvent):
    """An offer is used up, expired or taken back.

    Aggregate: the offer.
    Board: its own; others drop what still waits for it.
    """

    name = "offer_closed"
    ended_on: date = Field(description="Policy day.")


NEED = "weiyuan.matching.need.v1"
OFFER = "weiyuan.matching.offer.v1"

PUBLISHED: Mapping[type[Event], str] = {
    NeedPublished: NEED,
    NeedCommitted: NEED,
    NeedDelivered: NEED,
    NeedClosed: NEED,
    NeedWithdrawn: NEED,
    OfferOpened: OFFER,
    OfferClosed: OFFER,
}
