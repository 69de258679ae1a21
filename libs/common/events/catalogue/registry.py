"""What registry publishes: villages and their class, households and how they stand."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import Field

from libs.common.events.catalogue.matching import CategoryCode
from libs.common.events.event import Event
from libs.common.events.fields import Code, Count, Flag, OneOf, OneOfOrOther, Village, Year


class VillageClass(StrEnum):
    """The four classes: on the poor-village register 建档立卡贫困村 or not, 深度贫困村 or not."""

    REGISTERED_DEEP = "registered_deep"
    REGISTERED = "registered"
    DEEP = "deep"
    OTHER = "other"


class PovertyStatus(StrEnum):
    """脱贫属性 of a household: 未脱贫, 预脱贫, 已脱贫, 返贫; and those never on the register."""

    POOR = "poor"
    LIFTING = "lifting"
    LIFTED = "lifted"
    RELAPSED = "relapsed"
    UNREGISTERED = "unregistered"


class Attribute(StrEnum):
    """What else may be known of a household; nothing of health, disability or belief."""

    RELOCATED = "relocated"
    UNSAFE_HOUSING = "unsafe_housing"
    UNSAFE_WATER = "unsafe_water"


class Measure(StrEnum):
    """帮扶措施, as far as it may be known: one of health or of placement far away is `other`."""

    WORKSHOP = "workshop"
    PUBLIC_POST = "public_post"
    FIVE_SMALL = "five_small"
    SOLAR = "solar"
    TOURISM = "tourism"
    ECOMMERCE = "ecommerce"
    NEED_BOARD = "need_board"
    FARMING = "farming"
    TRAINING = "training"
    EDUCATION = "education"
    HOUSING = "housing"
    OTHER = "other"


VillageClassCode = Annotated[Code, OneOf(VillageClass)]
StatusCode = Annotated[Code, OneOf(PovertyStatus)]
AttributeCode = Annotated[Code, OneOf(Attribute)]
MeasureCode = Annotated[Code, OneOfOrOther(Measure)]


def village_id(code: str) -> UUID:
    """The `aggregate_id` of a village: made from its code, so that everybody finds the same one."""
    return uuid5(NAMESPACE_URL, f"urn:weiyuan:village:{code}")


class VillageEvent(Event):
    key_field = "division"

    division: Village = Field(
        description="The village; its `aggregate_id` is the uuid5 of this code."
    )
    village_class: VillageClassCode | None = Field(None, description="Null while unclassified.")
    since: date | None = Field(None, description="Policy day from which the class holds.")


class VillageRegistered(VillageEvent):
    """A village 行政村 was entered.

    Aggregate: the village.
    Board: the village has a card.
    """

    name = "village_registered"


class VillageReclassified(VillageEvent):
    """A village was given another class 村分类.

    Aggregate: the village.
    Board: the class that the village's figures count under.
    """

    name = "village_reclassified"


class HouseholdEvent(Event):
    key_field = "household_id"

    household_id: UUID = Field(description="The household; the same as `aggregate_id`.")
    division: Village = Field(description="Village where it lives now.")
    status: StatusCode = Field(description="Poverty status.")
    registered: Flag = Field(description="Whether it is on the poverty register 建档立卡.")
    members: Count | None = Field(None, description="Persons; null when unknown.")
    workers: Count | None = Field(None, description="Members who work; null when unknown.")
    able: Count | None = Field(None, description="Members able to work; null when unknown.")
    attributes: tuple[AttributeCode, ...] = Field((), max_length=16, description="What else holds.")
    rights_kept: Flag = Field(
        False, description="Land, homestead and benefits go on in a village that it has left."
    )


class HouseholdRegistered(HouseholdEvent):
    """A household 户 was entered.

    Aggregate: the household.
    Board: the household's situation.
    """

    name = "household_registered"


class HouseholdUpdated(HouseholdEvent):
    """Something in a household's record changed.

    Aggregate: the household.
    Board: the household's situation.
    """

    name = "household_updated"


class HouseholdMoved(HouseholdEvent):
    """A household moved to another village 迁移; `division` is the new one.

    Aggregate: the household.
    Board: its needs follow; rights that are kept stay on the card.
    """

    name = "household_moved"
    from_division: Village = Field(description="Village that it left.")


class HouseholdLifted(HouseholdEvent):
    """A household was lifted out of poverty 脱贫.

    Aggregate: the household.
    Board: priority down; open needs are kept and flagged.
    """

    name = "household_lifted"
    year: Year = Field(description="脱贫年度.")
    measure: MeasureCode = Field(description="What it is chiefly owed to.")


class HouseholdRelapsed(HouseholdEvent):
    """A household fell back into poverty 返贫.

    Aggregate: the household.
    Board: priority up; the village officer is prompted.
    """

    name = "household_relapsed"
    year: Year = Field(description="Year of the relapse.")
    measure: MeasureCode = Field(description="Measure that is to answer it.")


class HouseholdPlanItemAdded(Event):
    """A measure was put on a household's plan 一户一策.

    Aggregate: the plan item.
    Board: the item can become a draft need.
    """

    name = "household_plan_item_added"
    key_field = "household_id"

    household_id: UUID = Field(description="The household.")
    measure: MeasureCode = Field(description="What is planned.")
    category: CategoryCode = Field(description="Kind of need that it answers.")
    year: Year = Field(description="Year of the plan.")


VILLAGE = "weiyuan.registry.village.v1"
HOUSEHOLD = "weiyuan.registry.household.v1"

PUBLISHED: Mapping[type[Event], str] = {
    VillageRegistered: VILLAGE,
    VillageReclassified: VILLAGE,
    HouseholdRegistered: HOUSEHOLD,
    HouseholdUpdated: HOUSEHOLD,
    HouseholdMoved: HOUSEHOLD,
    HouseholdLifted: HOUSEHOLD,
    HouseholdRelapsed: HOUSEHOLD,
    HouseholdPlanItemAdded: HOUSEHOLD,
}
