"""What employment publishes: work that began and ended, money for it, workshops and vacancies."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from libs.common.events.event import Event, LocalEvent
from libs.common.events.fields import Clause, Code, Count, Fen, Month, OneOf, Village


class Channel(StrEnum):
    """How somebody came to work: 扶贫车间, 公益性岗位, 五小, 外出务工, 旅游, 电商, 光伏运维."""

    WORKSHOP = "workshop"
    PUBLIC_POST = "public_post"
    FIVE_SMALL = "five_small"
    AWAY_WORK = "away_work"
    TOURISM = "tourism"
    ECOMMERCE = "ecommerce"
    SOLAR_UPKEEP = "solar_upkeep"


class VacancyKind(StrEnum):
    """Work on offer. Placement far away is not here: its places never go on the bus."""

    WORKSHOP = "workshop"
    PUBLIC_POST = "public_post"
    FIVE_SMALL = "five_small"


class WorkshopKind(StrEnum):
    """厂房式, 居家式, 集市式, 田间地头式."""

    FACTORY = "factory"
    HOME = "home"
    MARKET = "market"
    FIELD = "field"


class Course(StrEnum):
    """What a training was about."""

    WORKSHOP = "workshop"
    HANDICRAFT = "handicraft"
    FARMING = "farming"
    ECOMMERCE = "ecommerce"
    TOURISM = "tourism"
    OTHER = "other"


ChannelCode = Annotated[Code, OneOf(Channel)]
VacancyKindCode = Annotated[Code, OneOf(VacancyKind)]
WorkshopKindCode = Annotated[Code, OneOf(WorkshopKind)]
CourseCode = Annotated[Code, OneOf(Course)]


class EmploymentEvent(Event):
    key_field = "household_id"

    household_id: UUID = Field(description="The worker's household.")
    person_id: UUID = Field(description="Who works.")
    channel: ChannelCode = Field(description="How the work was found.")
    monthly_income_fen: Fen | None = Field(None, description="Per month; null when unknown.")
    since: date = Field(description="First policy day.")


class HouseholdEmployed(EmploymentEvent):
    """A member of a household began to work 就业; of placement far away nothing else is published.

    Aggregate: the employment.
    Board: the household's job need is met; income.
    """

    name = "household_employed"


class HouseholdEmploymentEnded(EmploymentEvent):
    """The work ended; no reason travels.

    Aggregate: the employment.
    Board: the job need comes back as a draft to verify; income.
    """

    name = "household_employment_ended"
    ended_on: date = Field(description="Last policy day.")


class MoneyEvent(Event):
    key_field = "household_id"

    household_id: UUID = Field(description="The household that gains by it.")
    person_id: UUID | None = Field(None, description="Who was paid, if it was one person.")
    clause: Clause = Field(description="The rule it was paid under.")
    amount_fen: Fen = Field(description="What was paid.")
    month: Month = Field(description="The month that it was paid for.")


class WagePaid(MoneyEvent):
    """A wage or a post's allowance 工资、岗位补贴 was paid.

    Aggregate: the payment.
    Board: income.
    """

    name = "wage_paid"
    employment_id: UUID = Field(description="The employment: `aggregate_id` of household_employed.")


class GrantPaid(MoneyEvent):
    """A grant to a household 补助 was paid; what firms receive does not travel.

    Aggregate: the payment.
    Board: income and support history.
    """

    name = "grant_paid"


class LoanSubsidised(MoneyEvent):
    """Interest on a household's loan was paid for it 贴息; the loan itself does not travel.

    Aggregate: the payment.
    Board: support history.
    """

    name = "loan_subsidised"


class SupportReferred(LocalEvent):
    """A case under another programme's clause was handed to that programme 转办.

    Aggregate: the referral.
    Board: support history; the clause's owner decides.
    """

    name = "support_referred"
    clause: Clause = Field(description="The rule to decide under.")
    undertaking_id: UUID | None = Field(
        None, description="The shop or farm-stay concerned, if any."
    )


class TrainingCompleted(Event):
    """Somebody completed a training 培训.

    Aggregate: the training record.
    Board: the training need is met.
    """

    name = "training_completed"
    key_field = "household_id"

    household_id: UUID = Field(description="The trainee's household.")
    person_id: UUID = Field(description="The trainee.")
    course: CourseCode = Field(description="What it was about.")
    ended_on: date = Field(description="Last policy day of the training.")


class WorkshopEvent(Event):
    key_field = "workshop_id"

    workshop_id: UUID = Field(description="The workshop; the same as `aggregate_id`.")
    division: Village = Field(description="Village where it stands.")
    kind: WorkshopKindCode = Field(description="Type of workshop.")
    since: date = Field(description="Policy day of the recognition.")


class WorkshopRecognised(WorkshopEvent):
    """A poverty-alleviation workshop 扶贫车间 was recognised 认定.

    Aggregate: the workshop.
    Board: job offers may appear from it.
    """

    name = "workshop_recognised"


class WorkshopWithdrawn(WorkshopEvent):
    """A workshop's recognition was withdrawn 取消认定.

    Aggregate: the workshop.
    Board: its job offers vanish.
    """

    name = "workshop_withdrawn"
    ended_on: date = Field(description="Last policy day of the recognition.")


class VacancyEvent(Event):
    key_field = "division"

    division: Village = Field(description="Village where the work is.")
    kind: VacancyKindCode = Field(description="Kind of work.")
    workshop_id: UUID | None = Field(None, description="The workshop, if it is one's.")
    places: Count = Field(description="Places still open.")
    monthly_fen: Fen | None = Field(None, description="Pay per month; null when by piece.")
    until: date | None = Field(None, description="Last policy day, if it has one.")


class VacancyOpened(VacancyEvent):
    """Work is on offer 岗位空缺.

    Aggregate: the vacancy.
    Board: a job offer appears.
    """

    name = "vacancy_opened"


class VacancyClosed(VacancyEvent):
    """The places are filled or taken back.

    Aggregate: the vacancy.
    Board: the job offer vanishes.
    """

    name = "vacancy_closed"
    ended_on: date = Field(description="Policy day.")


WORK = "weiyuan.employment.work.v1"
WORKSHOP = "weiyuan.employment.workshop.v1"
VACANCY = "weiyuan.employment.vacancy.v1"

PUBLISHED: Mapping[type[Event], str] = {
    HouseholdEmployed: WORK,
    HouseholdEmploymentEnded: WORK,
    WagePaid: WORK,
    GrantPaid: WORK,
    LoanSubsidised: WORK,
    SupportReferred: WORK,
    TrainingCompleted: WORK,
    WorkshopRecognised: WORKSHOP,
    WorkshopWithdrawn: WORKSHOP,
    VacancyOpened: VACANCY,
    VacancyClosed: VACANCY,
}
