"""Villages and households for tests, written as an import would: by the worker, within the area."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import count
from typing import Any
from uuid import UUID

from sqlalchemy import Table, insert

from libs.common.db.database import Database, Scope
from libs.common.db.statement import Statement, param
from libs.common.events.catalogue.registry import village_id
from libs.common.ids import new_id
from libs.common.people.resident_id import check_digit_of
from libs.common.people.sealing import Sealer
from services.registry.models import IDENTITY, PHONE, division, household, person, village
from services.registry.models import village_class as classes

VILLAGE = "621123100201"
AS_OF = date(2018, 12, 1)
_UPDATED_AT = datetime(2018, 12, 1, tzinfo=UTC)

_numbers = count(1)
_sequences: defaultdict[date, Iterator[int]] = defaultdict(lambda: count(901))


@dataclass(frozen=True)
class Member:
    id: UUID
    number: str
    name: str
    identity: str
    phone: str | None
    birth_on: date


@dataclass(frozen=True)
class Household:
    id: UUID
    number: str
    division: str
    members: Sequence[Member] = field(default=())


def a_resident_id(born: date, *, sequence: int | None = None) -> str:
    """A synthetic number of 渭源县: its sequence is one that offices hardly reach."""
    body = f"621123{born:%Y%m%d}{sequence or next(_sequences[born])}"
    return body + check_digit_of(body)


async def a_division(database: Database, code: str, **columns: Any) -> str:
    """行政区划, in force since 2000; a county unless its code or `level` says more."""
    levels = {2: "province", 4: "prefecture", 6: "county", 9: "town", 12: "village"}
    row = {
        "parent": {4: code[:2], 6: code[:4], 9: code[:6], 12: code[:9]}.get(len(code)),
        "level": levels[len(code)],
        "name": f"第{code}号",
        "since": date(2000, 1, 1),
        "until": None,
        "successor": None,
        "synthetic": True,
    }
    await _add(database, code, division, row | {"code": code} | columns)
    return code


async def a_village(
    database: Database,
    code: str = VILLAGE,
    *,
    village_class: str | None = "registered_deep",
    since: date = date(2014, 1, 1),
    **columns: Any,
) -> str:
    """A village with its class, or with none."""
    await a_division(database, code, **columns)
    await _add(database, code, village, {"division": code, "id": village_id(code), "version": 1})
    if village_class is not None:
        await a_class(database, code, village_class, since=since)
    return code


async def a_class(database: Database, code: str, village_class: str, *, since: date) -> None:
    row = {
        "division": code,
        "since": since,
        "class": village_class,
        "source": "试〔2014〕1号",
    }
    await _add(database, code, classes, row)


async def a_household(
    database: Database,
    sealer: Sealer,
    *,
    members: Sequence[dict[str, Any]] = ({},),
    **columns: Any,
) -> Household:
    """A poor household of a village; `members` says what differs of each, the first is the head."""
    at = columns.get("division", VILLAGE)
    row = {
        "id": new_id(),
        "division": at,
        "number": f"6211230000{next(_numbers):06d}",
        "registered": True,
        "registered_on": date(2014, 5, 1),
        "status": "poor",
        "subsistence": "none",
        "members": len(members),
        "workers": sum(member.get("working", False) is True for member in members),
        "able": len(members),
        "as_of": AS_OF,
        "synthetic": True,
        "version": 1,
        "updated_at": _UPDATED_AT,
    } | columns
    await _add(database, at, household, row)
    people = [await _a_member(database, sealer, row, at_, said) for at_, said in enumerate(members)]
    return Household(row["id"], row["number"], at, people)


async def _a_member(
    database: Database, sealer: Sealer, of: dict[str, Any], place: int, said: dict[str, Any]
) -> Member:
    number = next(_numbers)
    born = said.get("birth_on", date(1950, 1, 1) + timedelta(days=number))
    identity = said.get("identity", a_resident_id(born))
    phone = said.get("phone", f"1390000{number:04d}")
    row = {
        "id": new_id(),
        "household_id": of["id"],
        "division": of["division"],
        "number": f"{of['number']}{place:02d}",
        "name": "张小明",
        "sex": "male" if number % 2 else "female",
        "birth_on": born,
        "identity_note": None,
        "relation": "head" if place == 0 else "child",
        "able": "ordinary",
        "working": False,
        "subsistence": False,
        "cadre": False,
        "cadre_family": False,
        "as_of": of["as_of"],
        "version": 1,
    } | {name: value for name, value in said.items() if name not in ("identity", "phone")}
    sealed = {
        "identity_sealed": sealer.seal(IDENTITY, identity),
        "identity_index": sealer.index(IDENTITY, identity),
        "phone_sealed": phone and sealer.seal(PHONE, phone),
        "phone_index": phone and sealer.index(PHONE, phone),
    }
    await _add(database, of["division"], person, row | sealed)
    return Member(row["id"], row["number"], row["name"], identity, phone, born)


async def _add(database: Database, area: str, table: Table, row: dict[str, Any]) -> None:
    async with database.writing(Scope.job(area)) as connection:
        await connection.rows(_insert(table), **{_argument(name): row[name] for name in row})


@cache
def _insert(table: Table) -> Statement:
    def row() -> Any:
        values = {column.key: param(_argument(column.key), column.type) for column in table.c}
        return insert(table).values(values)

    return Statement(row)


def _argument(column: str) -> str:
    """`class` is no name for an argument."""
    return f"{column}_"
