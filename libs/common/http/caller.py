"""Who is calling: the claims of a verified token, and the scope of rows they open."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self, assert_never
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from libs.common import context
from libs.common.db.database import Scope
from libs.common.http.problems import Problem
from libs.common.http.roles import Role
from libs.common.records.audit import Trace

_DIVISION = r"^([0-9]{2}|[0-9]{4}|[0-9]{6}|[0-9]{9}|[0-9]{12})$"  # \d would take full-width digits
_WIDEST_AREA = {
    Role.VILLAGE_OFFICER: 12,
    Role.TOWN_OFFICER: 9,
    Role.COUNTY_OFFICER: 6,
    Role.PREFECTURE_OFFICER: 4,
    Role.FINANCE_OFFICER: 2,
    Role.AUDITOR: 2,
    Role.OPERATOR: 2,
    Role.SYSTEM: 2,
}
"""Digits of the widest division that a role may be given; a narrower one never shows more."""


class Claims(BaseModel):
    """The claims of an access token that Weiyuan reads."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_max_length=200)

    sub: Annotated[str, Field(min_length=1)]
    role: Role
    division: Annotated[str, Field(pattern=_DIVISION)] | None = None
    department: str | None = None
    household: UUID | None = None
    person: UUID | None = None
    enterprise: UUID | None = None

    @model_validator(mode="after")
    def _enough_for_the_role(self) -> Self:
        if self.role is Role.PUBLIC:
            raise ValueError("no token holds the role public")
        widest = _WIDEST_AREA.get(self.role)
        if widest and (self.division is None or len(self.division) < widest):
            raise ValueError(f"{self.role} needs a division of {widest} digits or more")
        if self.role in (Role.HOUSEHOLD, Role.PERSON, Role.ENTERPRISE) and not getattr(
            self, self.role
        ):
            raise ValueError(f"{self.role} needs the claim of the same name")
        return self

    @property
    def scope(self) -> Scope:
        match self.role:
            case Role.HOUSEHOLD:
                return Scope.own(household=self.household)
            case Role.PERSON:
                return Scope.own(household=self.household, person=self.person)
            case Role.DONOR | Role.ENTERPRISE | Role.PUBLIC:
                return Scope.public()
            case (
                Role.VILLAGE_OFFICER
                | Role.TOWN_OFFICER
                | Role.COUNTY_OFFICER
                | Role.PREFECTURE_OFFICER
                | Role.FINANCE_OFFICER
                | Role.AUDITOR
                | Role.OPERATOR
                | Role.SYSTEM
            ):
                return Scope.area(self.division or "")
        assert_never(self.role)


@dataclass(frozen=True, slots=True)
class Caller:
    """办事人: who calls, in which role and area; `scope` opens exactly their rows."""

    subject: str
    role: Role
    scope: Scope
    division: str | None = None
    department: str | None = None
    household: UUID | None = None

    @property
    def sees_only_published(self) -> bool:
        """Donors, enterprises and anybody without a token."""
        return self.scope == Scope.public()

    def trace(self, action: str, *, purpose: str | None = None, **detail: Any) -> Trace:
        """What the audit row of this caller's act says."""
        return Trace(
            actor=self.subject,
            role=self.role,
            action=action,
            purpose=purpose,
            detail=detail,
            request_id=context.request_id(),
        )


ANYBODY = Caller("anybody", Role.PUBLIC, Scope.public())
"""公众: a request without a token, where an operation is open to the public."""


def caller_of(claims: Mapping[str, Any]) -> Caller:
    try:
        known = Claims.model_validate(claims)
    except ValidationError:
        raise Problem("token_invalid") from None
    return Caller(
        subject=known.sub,
        role=known.role,
        scope=known.scope,
        division=known.division,
        department=known.department,
        household=known.household,
    )
