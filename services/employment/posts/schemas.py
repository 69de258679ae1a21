"""What goes over the wire of the posts programme."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from libs.common.http.wire import Answer, Day, Wire
from libs.common.places import VillageCode
from services.employment.posts.cases import Fund

Category = Literal["road", "hazard_warning", "litter", "water_power", "public_safety", "facility"]
"""岗位类别 PW-CAT-1: 道路维护, 自然灾害预警, 全域无垃圾, 水电保障, 公共安全管理, 公益设施管理."""


class PostIn(Wire):
    """岗位设置: one more post for a village, from one of the two funds."""

    division: VillageCode
    fund: Fund
    category: Category
    on: Day = Field(description="Policy day of the decision.")


class WishIn(Wire):
    """就业愿望: the person's own signed wish, in the text that was read to them."""

    signed_on: Day
    text: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,64}$")]


class CircumstancesIn(Wire):
    """PW-ELIG-2: what the village found; what it did not ask stays out."""

    cannot_leave: bool | None = Field(None, description="无法离乡")
    no_work_here: bool | None = Field(None, description="无业可扶")
    cannot_rise: bool | None = Field(None, description="无力脱贫")


class NominationIn(Wire):
    """推荐: whom the village puts forward."""

    household_id: UUID
    person_id: UUID
    wish: WishIn
    circumstances: CircumstancesIn
    no_conflict_of_interest: Literal[True] = Field(
        description="The officer declares not to be related to the person (X-17)."
    )


class AppointmentIn(Wire):
    """聘用: from when and for how long; three to five years as a norm (PW-TERM-1)."""

    since: Day
    until: Day


class EndIn(Wire):
    """离岗: the last day; nobody asks for a reason."""

    ended_on: Day


class Post(Answer):
    """岗位, with the appointment that holds it now."""

    id: UUID
    division: str
    fund: Fund
    category: Category
    opened_at: datetime
    appointment_id: UUID | None


class Nomination(Answer):
    """推荐."""

    id: UUID
    post_id: UUID
    household_id: UUID
    person_id: UUID
    division: str
    wish_on: date
    consent_text: str
    circumstances: dict[str, bool]
    no_conflict: bool
    state: Literal["open", "appointed", "refused"]
    nominated_by: str
    nominated_at: datetime
    version: int


class Appointment(Answer):
    """聘用: runs while `ended_on` is null; `until` is the end of the agreed term."""

    id: UUID
    nomination_id: UUID
    post_id: UUID
    household_id: UUID
    person_id: UUID
    division: str
    since: date
    until: date
    ended_on: date | None
    monthly_income_fen: int | None
    decision_id: UUID
    nominated_by: str
    appointed_by: str
    appointed_at: datetime
    version: int
