"""What the registry answers: places to everybody, people masked and within the caller's scope."""

from typing import Annotated, Any
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from libs.common import clock
from libs.common.contracts import HouseholdFacts, VillageClass
from libs.common.db.database import Database
from libs.common.dependencies import access_log, door, sealer
from libs.common.events.catalogue.registry import PovertyStatus
from libs.common.http.caller import Caller
from libs.common.http.paging import MOST, USUAL, AskedPage, Items
from libs.common.http.permissions import allowed
from libs.common.http.problems import Problem
from libs.common.http.reads import Read
from libs.common.http.wire import Day, document
from libs.common.people import identifiers
from libs.common.people.identifiers import IdentifierCheck, IdentifierVerdicts
from libs.common.people.sealing import Sealer
from libs.common.records import access, usage
from libs.common.records.access import AccessLog, Purpose
from libs.common.records.audit import Trace
from services.registry import queries, schemas
from services.registry.codes import Level
from services.registry.models import IDENTITY, PHONE

router = APIRouter(prefix="/registry/v1", tags=["registry"], route_class=Read)

Door = Annotated[Database, Depends(door("registry"))]
Notes = Annotated[AccessLog, Depends(access_log("registry"))]
On = Annotated[Day | None, Query(description="Policy day; today when left out.")]
Code = Annotated[str, Path(pattern=r"^[0-9]{2,12}$", description="行政区划代码.")]
Prefix = Annotated[
    str | None, Query(pattern=r"^[0-9]{2,12}$", description="Codes that begin with this one.")
]
HouseholdKey = Annotated[
    str, Path(max_length=100, description="The household's id, or `household|` and its 户编号.")
]


# Requests are matched in this order: what is asked all day comes first.


@router.get("/households/{household}", response_model=schemas.MaskedHousehold)
async def household(
    door: Door,
    notes: Notes,
    caller: Annotated[Caller, allowed("read_household")],
    household: HouseholdKey,
) -> Response:
    """A household and its members, masked."""
    async with door.reading(caller.scope) as connection:
        found = await connection.row(
            queries.household_masked, on=clock.today(), **_which(household)
        )
    return _noted(found, notes, _reader(caller, "read_household"))


@router.get("/households/{household}/facts", response_model=HouseholdFacts)
async def facts(
    door: Door,
    notes: Notes,
    caller: Annotated[Caller, allowed("read_facts")],
    household: HouseholdKey,
    on: On = None,
) -> Response:
    """What decisions rest on: the household as the record tells of that day, without a name."""
    day = on or clock.today()
    async with door.reading(caller.scope) as connection:
        found = await connection.row(queries.facts, on=day, **_which(household))
    return _noted(found, notes, _reader(caller, "read_facts", on=day.isoformat()))


@router.get("/households", response_model=Items[schemas.ListedHousehold])
async def households(
    door: Door,
    notes: Notes,
    caller: Annotated[Caller, allowed("read_household")],
    page: AskedPage,
    division: Prefix = None,
    status: PovertyStatus | None = None,
) -> Response:
    """Households of the area, or one's own; masked, and noted as one reading of so many."""
    trace = _reader(caller, "list_households", division=division, status=status)

    def seen(count: int) -> None:
        area = division or caller.division
        notes.note(trace, division=area, count=count, household_id=caller.household)

    async with door.reading(caller.scope) as connection:
        return await page.of(
            connection, queries.households, seen=seen, division=division, status=status
        )


@router.get("/persons/{person}/unmasked")
async def unmasked(
    door: Door,
    sealed: Annotated[Sealer, Depends(sealer)],
    caller: Annotated[Caller, allowed("read_person_unmasked")],
    person: UUID,
    purpose: Annotated[Purpose | None, Query(description="Needed; it is recorded.")] = None,
) -> schemas.UnmaskedPerson:
    """A person with identity and phone; the reading is recorded with its purpose, or refused."""
    trace = _reader(caller, "read_person_unmasked", purpose=purpose)
    async with door.reading(caller.scope) as connection:
        found = await access.unmasked(connection, queries.person_unmasked, trace=trace, id=person)
    if not found:
        raise Problem("not_found")
    return schemas.UnmaskedPerson.model_validate(_opened(found[0], sealed))


@router.get("/persons/{person}/data-usage")
async def data_usage(
    door: Door,
    caller: Annotated[Caller, allowed("read_data_usage")],
    person: UUID,
    limit: Annotated[int, Query(ge=1, le=MOST)] = USUAL,
    cursor: UUID | None = None,
) -> schemas.DataUsage:
    """Who read this person's data, when and what for, newest first."""
    async with door.reading(caller.scope) as connection:
        household_id = await connection.one(queries.household_of, id=person)
        if household_id is None:
            raise Problem("not_found")
        readings = await usage.data_usage(
            connection, person, household_id, before=cursor, limit=limit
        )
    return schemas.DataUsage.of(readings, limit)


@router.post(
    "/identifiers/check",
    response_model=IdentifierVerdicts,
    dependencies=[allowed("check_identifiers")],
)
async def check_identifiers(check: IdentifierCheck) -> Response:
    """Resident identity numbers and credit codes, each judged in its place; nothing is kept."""
    return document(identifiers.answer(check.items, clock.today()))


@router.get("/divisions", response_model=Items[schemas.Division])
async def divisions(
    door: Door,
    caller: Annotated[Caller, allowed("read_divisions")],
    page: AskedPage,
    parent: Prefix = None,
    level: Level | None = None,
    on: On = None,
) -> Response:
    """Divisions in force on a day."""
    async with door.reading(caller.scope) as connection:
        return await page.of(
            connection, queries.places, parent=parent, level=level, on=on or clock.today()
        )


@router.get("/divisions/{code}", response_model=schemas.ResolvedDivision)
async def division(
    door: Door, caller: Annotated[Caller, allowed("read_divisions")], code: Code, on: On = None
) -> Response:
    """One division; `current` is the one that stands for it on the day, through its successors."""
    async with door.reading(caller.scope) as connection:
        return document(await connection.one(queries.place, code=code, on=on or clock.today()))


@router.get("/villages", response_model=Items[schemas.Village])
async def villages(
    door: Door,
    caller: Annotated[Caller, allowed("read_villages")],
    page: AskedPage,
    class_: Annotated[VillageClass | None, Query(alias="class")] = None,
    division: Prefix = None,
    on: On = None,
) -> Response:
    """Villages of the area with the class they have on a day."""
    day = on or clock.today()
    async with door.reading(caller.scope) as connection:
        return await page.of(connection, queries.villages, class_=class_, division=division, on=day)


@router.get("/villages/{code}", response_model=schemas.VillageHistory)
async def village(
    door: Door, caller: Annotated[Caller, allowed("read_villages")], code: Code, on: On = None
) -> Response:
    """A village and every class it was given; a closed code finds its successor."""
    asked = {"code": code, "on": on or clock.today()}
    async with door.reading(caller.scope) as connection:
        return document(await connection.one(queries.village_history, **asked))


def _which(household: str) -> dict[str, Any]:
    """A household by its id, or by what another system calls it."""
    system, bar, number = household.partition("|")
    if bar and system == "household":
        return {"number": number}
    try:
        return {"id": UUID(household)}
    except ValueError:
        raise Problem("not_found") from None


def _reader(caller: Caller, action: str, *, purpose: str | None = None, **asked: Any) -> Trace:
    """What the record of a reading says of who read and what they asked for."""
    given = {name: value for name, value in asked.items() if value is not None}
    return caller.trace(
        action, purpose=purpose, department=caller.department, area=caller.division, **given
    )


def _noted(found: asyncpg.Record | None, notes: AccessLog, trace: Trace) -> Response:
    """The document of one household, and the note that it was read."""
    if found is None:
        raise Problem("not_found")
    body, household_id, division = found
    notes.note(trace, division=division, count=1, household_id=household_id)
    return document(body)


def _opened(found: asyncpg.Record, sealer: Sealer) -> dict[str, Any]:
    phone = found["phone_sealed"]
    return dict(found) | {
        "id": found["person_id"],
        "identity": sealer.open(IDENTITY, found["identity_sealed"]),
        "phone": None if phone is None else sealer.open(PHONE, phone),
    }
