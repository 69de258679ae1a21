"""What the clauses of public-welfare posts are asked about: values that a decision keeps whole."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from uuid import UUID

from pydantic import BaseModel, Field

from libs.common.contracts import HouseholdFacts, MemberFacts, VillageClass
from libs.common.policy.findings import Waiver


class Fund(StrEnum):
    """资金来源: who pays for a post."""

    PROVINCIAL = "provincial"
    CITY = "city"


class PostCounts(BaseModel, frozen=True):
    """Posts of each fund, not counting the one asked about."""

    provincial: int = Field(ge=0)
    city: int = Field(ge=0)

    def of(self, fund: Fund) -> int:
        return self.provincial if fund is Fund.PROVINCIAL else self.city

    @property
    def total(self) -> int:
        return self.provincial + self.city


class PostContext(BaseModel, frozen=True):
    """The post asked about, among the other posts of its village and of the prefecture."""

    division: str = Field(pattern=r"^[0-9]{12}$")
    fund: Fund
    in_village: PostCounts
    in_prefecture: PostCounts


class Holdings(BaseModel, frozen=True):
    """Who holds what now: this post's holders, the person's and household's other posts."""

    holders: int = Field(ge=0)
    person_posts: int = Field(ge=0)
    household_posts: int = Field(ge=0)
    others_offered: bool | None
    """Whether every other zero-employment household of the village has or was offered a post."""


class Nomination(BaseModel, frozen=True):
    """推荐: whom the village puts forward, with what it recorded."""

    person_id: UUID
    wish_on: date | None
    circumstances: Mapping[str, bool]
    """无法离乡, 无业可扶, 无力脱贫 by code; one that is missing was not recorded."""


class OpeningCase(BaseModel, frozen=True):
    """May this post be opened in this village?"""

    on: date
    village_class: VillageClass | None
    post: PostContext

    @property
    def division(self) -> str:
        return self.post.division


class AppointmentCase(BaseModel, frozen=True):
    """May this person be appointed to this post?"""

    facts: HouseholdFacts
    nomination: Nomination
    post: PostContext
    holdings: Holdings
    waivers: Mapping[str, Waiver] = {}

    @property
    def on(self) -> date:
        return self.facts.on

    @property
    def division(self) -> str:
        return self.post.division

    @property
    def member(self) -> MemberFacts:
        """The nominated member; of a person who is not in the household nothing is known."""
        person_id = self.nomination.person_id
        unknown = dict.fromkeys(MemberFacts.model_fields) | {"person_id": person_id}
        return self.facts.member(person_id) or MemberFacts.model_validate(unknown)
