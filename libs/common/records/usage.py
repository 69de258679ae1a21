"""What a person sees of how their data is used: each reading in words, without officers' names."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Select, Uuid, and_, select, union_all

from libs.common.db.database import Connection
from libs.common.db.statement import Given, param, statement
from libs.common.language import Words
from libs.common.records.access import Purpose
from libs.common.records.audit import access

READERS: Mapping[str, Words] = {
    "system": {"zh": "其他系统", "en": "another system"},
    "household": {"zh": "本户", "en": "your household"},
    "person": {"zh": "本人", "en": "yourself"},
    "village_officer": {"zh": "村级工作人员", "en": "a village officer"},
    "town_officer": {"zh": "乡镇工作人员", "en": "a town officer"},
    "county_officer": {"zh": "县级工作人员", "en": "a county officer"},
    "prefecture_officer": {"zh": "市级工作人员", "en": "a prefecture officer"},
    "finance_officer": {"zh": "财政工作人员", "en": "a finance officer"},
    "auditor": {"zh": "审计人员", "en": "an auditor"},
    "operator": {"zh": "系统运维人员", "en": "a system operator"},
}
PURPOSES: Mapping[str, Words] = {
    Purpose.REGISTRATION: {"zh": "登记和核对信息", "en": "to register or check your details"},
    Purpose.APPOINTMENT: {"zh": "公益性岗位选聘", "en": "to fill a public-welfare post"},
    Purpose.PAYMENT: {"zh": "发放补助", "en": "to pay a grant"},
    Purpose.VISIT: {"zh": "入户走访", "en": "to visit your household"},
    Purpose.GRIEVANCE: {"zh": "办理申诉", "en": "to handle a complaint"},
    Purpose.AUDIT: {"zh": "审计监督", "en": "to audit"},
}
_UNMASKED: Words = {"zh": "完整信息", "en": "your full details"}
_MASKED: Words = {"zh": "部分信息（已脱敏）", "en": "your details in part, masked"}
_HOUSEHOLD: Words = {"zh": "家庭信息（已脱敏）", "en": "your household's details, masked"}


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of a person's data: when, by which kind of officer of where, what and why."""

    id: UUID
    at: datetime
    reader: Words
    department: str | None
    area: str | None
    """行政区划代码 of the reader's area."""
    what: Words
    purpose: Words | None


@statement
def _readings(given: Given) -> Any:
    """Newest first; a person's own, and those of their household as a whole."""
    parts = [_page(access.c.person_id == param("person_id", Uuid), given)]
    if "household_id" in given:
        whole = and_(
            access.c.household_id == param("household_id", Uuid), access.c.person_id.is_(None)
        )
        parts.append(_page(whole, given))
    found = union_all(*(select(part.subquery()) for part in parts)).subquery("found")
    return select(found).order_by(found.c.id.desc()).limit(param("limit", BigInteger))


def _page(touching: ColumnElement[bool], given: Given) -> Select[Any]:
    department = access.c.filter["department"].astext.label("department")
    area = access.c.filter["area"].astext.label("area")
    told = (access.c.id, access.c.at, access.c.role, access.c.purpose, access.c.masked)
    page = select(*told, access.c.person_id, department, area).where(touching)
    if "before" in given:
        page = page.where(access.c.id < param("before", Uuid))
    return page.order_by(access.c.id.desc()).limit(param("limit", BigInteger))


async def data_usage(
    connection: Connection,
    person_id: UUID,
    household_id: UUID | None,
    *,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Reading]:
    """A page of readings, newest first; `before` is the last id of the page before."""
    rows = await connection.rows(
        _readings, person_id=person_id, household_id=household_id, before=before, limit=limit
    )
    return [_told(dict(row)) for row in rows]


def _told(row: Mapping[str, Any]) -> Reading:
    part = _MASKED if row["person_id"] else _HOUSEHOLD
    return Reading(
        id=row["id"],
        at=row["at"],
        reader=READERS[row["role"]],
        department=row["department"],
        area=row["area"],
        what=part if row["masked"] else _UNMASKED,
        purpose=PURPOSES.get(row["purpose"]),
    )
