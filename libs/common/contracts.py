"""Answers that services rely on: one typed model each, checked on both sides."""

from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field


class VillageClass(StrEnum):
    """贫困村分类: the four classes of the prefecture's 1,829 villages."""

    REGISTERED_DEEP = "registered_deep"
    """建档立卡深度贫困村, 325."""
    REGISTERED = "registered"
    """建档立卡非深度贫困村, 544."""
    DEEP = "deep"
    """非建档立卡深度贫困村, 232."""
    OTHER = "other"
    """其他村, 728."""


class LabourAbility(StrEnum):
    """劳动能力."""

    ORDINARY = "ordinary"
    SKILLED = "skilled"
    WEAK = "weak"
    LOST = "lost"
    NONE = "none"


class MemberFacts(BaseModel, frozen=True):
    """What registry knows of one member on the day asked about; None is unknown, never no."""

    person_id: UUID
    able: LabourAbility | None
    working: bool | None
    subsistence: bool | None
    """低保对象: the member is a named recipient."""
    cadre: bool | None
    """村干部."""
    cadre_family: bool | None
    """村干部家庭成员, as declared and checked; a relation that is only presumed stays None."""
    age: int | None = Field(ge=0)


class HouseholdFacts(BaseModel, frozen=True):
    """A household on the day `on`, as registry knew it on `as_of`. It carries no health data."""

    household_id: UUID
    division: str = Field(pattern=r"^[0-9]{12}$")
    village_class: VillageClass | None
    registered: bool | None
    """建档立卡 on that day."""
    as_of: date
    on: date
    working: int | None = Field(ge=0)
    """Members in work or gone for work (输转), holders of public-welfare posts not counted."""
    subsistence: bool | None
    """整户低保: the whole household receives it."""
    members: tuple[MemberFacts, ...]

    def member(self, person_id: UUID) -> MemberFacts | None:
        return next((member for member in self.members if member.person_id == person_id), None)


class VillageFacts(BaseModel, frozen=True):
    """A village on the day asked about; an old code answers with its successor."""

    division: str = Field(pattern=r"^[0-9]{12}$")
    village_class: VillageClass | None = Field(alias="class")
    """None while nobody has classed it: rules that need the class ask for a ruling."""
