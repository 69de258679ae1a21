"""Maker and checker are two people: the database refuses what an application would let slip."""

from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.database import SET_SCOPE, Scope
from libs.common.events.catalogue.employment import (
    Channel,
    HouseholdEmployed,
    HouseholdEmploymentEnded,
)
from libs.common.http.roles import Role
from libs.common.ids import new_id
from tests.leaks.seed import Seeded, an_order


@pytest_asyncio.fixture
async def app(request: pytest.FixtureRequest, seeded: Seeded) -> AsyncIterator[asyncpg.Connection]:
    """A county's session in the service that the test names; nothing of it stays."""
    url = seeded.house.process.settings.database_url(request.param)
    connection = await asyncpg.connect(url.replace("{role}", "app"))
    await connection.execute(SET_SCOPE, Scope.area(seeded.places.county).setting)
    transaction = connection.transaction()
    await transaction.start()
    yield connection
    await transaction.rollback()
    await connection.close()


@pytest.mark.parametrize("app", ["matching"], indirect=True)
@pytest.mark.parametrize(
    "change",
    [
        pytest.param("published_by = captured_by", id="by who captured it"),
        pytest.param("published_by = verified_by", id="by who verified it"),
        pytest.param("published_by = NULL", id="by nobody"),
        pytest.param("published_by = 'x', verified_by = 'x'", id="by who verifies it now"),
        pytest.param("published_by = 'x', verified_by = NULL", id="unverified"),
    ],
)
async def test_no_need_is_published_by_one_person(
    app: asyncpg.Connection, seeded: Seeded, change: str
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match=r"need_(checker|published)"):
        await app.execute(
            f"UPDATE need SET stage = 'published', state = 'published', {change} WHERE id = $1",
            seeded.needs["verified"],
        )


@pytest.mark.parametrize(
    ("app", "table", "column"),
    [
        *(
            pytest.param("matching", "need", column, id=f"need.{column}")
            for column in (
                *("captured_by", "captured_at", "household_id", "division", "category"),
                *("quantity", "consent_person_id", "consent_text", "consent_on"),
            )
        ),
        *(
            pytest.param("solar", "settlement", column, id=f"settlement.{column}")
            for column in ("entered_by", "grid_fen", "subsidy_fen", "kwh", "period", "station_id")
        ),
        pytest.param("solar", "station", "kw", id="station.kw"),
        pytest.param("employment", "post", "opened_by", id="post.opened_by"),
        *(
            pytest.param("employment", "nomination", column, id=f"nomination.{column}")
            for column in ("nominated_by", "person_id", "household_id", "wish_on", "no_conflict")
        ),
        *(
            pytest.param("employment", "appointment", column, id=f"appointment.{column}")
            for column in ("nominated_by", "appointed_by", "person_id", "decision_id", "since")
        ),
    ],
    indirect=["app"],
)
async def test_a_checker_rewrites_neither_the_maker_nor_what_was_made(
    app: asyncpg.Connection, table: str, column: str
) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await app.execute(f"UPDATE {table} SET {column} = {column}")


@pytest.mark.parametrize("app", ["solar"], indirect=True)
async def test_nobody_confirms_their_own_settlement(
    app: asyncpg.Connection, seeded: Seeded
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="settlement_checker"):
        await app.execute(
            "UPDATE settlement SET state = 'confirmed', confirmed_by = entered_by WHERE id = $1",
            seeded.entered,
        )


@pytest.mark.parametrize("app", ["solar"], indirect=True)
async def test_no_settlement_is_confirmed_by_nobody(
    app: asyncpg.Connection, seeded: Seeded
) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="settlement_confirmed"):
        await app.execute("UPDATE settlement SET state = 'confirmed' WHERE id = $1", seeded.entered)


@pytest.mark.parametrize("app", ["employment"], indirect=True)
@pytest.mark.parametrize(
    ("nominated_by", "refused"),
    [
        pytest.param("n.nominated_by", "appointment_checker", id="the nominator"),
        pytest.param("'somebody'", "appointment_nomination", id="with another name for them"),
    ],
)
async def test_nobody_appoints_their_own_nominee(
    app: asyncpg.Connection, seeded: Seeded, nominated_by: str, refused: str
) -> None:
    with pytest.raises(asyncpg.IntegrityConstraintViolationError, match=refused):
        await app.execute(
            "INSERT INTO appointment (id, nomination_id, post_id, household_id, person_id,"
            " division, since, until, decision_id, nominated_by, appointed_by, appointed_at,"
            " version) SELECT gen_random_uuid(), n.id, n.post_id, n.household_id, n.person_id,"
            f" n.division, '2030-01-01', '2031-01-01', $2, {nominated_by}, n.nominated_by, now(), 1"
            " FROM nomination n WHERE n.id = $1",
            *(seeded.nomination, seeded.decision),
        )


async def test_a_household_leaves_the_board_and_does_nothing_else(seeded: Seeded) -> None:
    """Its own role may take a need back; it may not put one up, or bring one back."""
    url = seeded.house.process.settings.database_url("matching").replace("{role}", "self")
    connection = await asyncpg.connect(url)
    own = Scope.own(household=seeded.family.id)
    await connection.execute(SET_SCOPE, own.setting)
    for state in ("published", "verified", "draft", "met"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(
                "UPDATE need SET stage = replace($1, 'met', 'published'), state = $1 WHERE id = $2",
                *(state, seeded.needs["verified"]),
            )
    async with connection.transaction():
        left = "UPDATE need SET stage = 'withdrawn', state = 'withdrawn' WHERE household_id <> $1"
        assert await connection.execute(left, seeded.family.id) == "UPDATE 0"
    await connection.close()


async def test_who_published_a_need_may_verify_it_when_it_returns(spare: Seeded) -> None:
    """And then somebody else has to publish it."""
    house, places, family = spare.house, spare.places, spare.neighbours
    village = house.caller(Role.VILLAGE_OFFICER, places.village, subject="village")
    county = house.caller(Role.COUNTY_OFFICER, places.county, subject="county")
    town = house.caller(Role.TOWN_OFFICER, places.town, subject="town")
    need = (await village.post("/matching/v1/needs", an_order(family), status=201))["id"]
    path = f"/matching/v1/needs/{need}"
    await village.post(f"{path}/verify", status=200, version=1)
    await town.post(f"{path}/publish", status=200, version=2)
    work = {
        "aggregate_id": new_id(),
        "household_id": family.id,
        "person_id": family.members[0].id,
        "channel": Channel.PUBLIC_POST,
        "since": date(2019, 6, 1),
    }
    await house.hear(
        HouseholdEmployed.model_validate(work | {"version": 1}),
        HouseholdEmploymentEnded.model_validate(
            work | {"version": 2, "ended_on": date(2019, 6, 30)}
        ),
    )
    returned = await town.get(path)
    assert returned["state"] == "draft"
    await town.post(f"{path}/verify", status=200, version=returned["version"])
    await town.post(f"{path}/publish", status=409, version=returned["version"] + 1)
    await county.post(f"{path}/publish", status=200, version=returned["version"] + 1)


@pytest.mark.parametrize(
    ("app", "table", "later"),
    [
        pytest.param("matching", "need", {"stage": "verified", "state": "verified"}, id="need"),
        pytest.param(
            "solar", "settlement", {"state": "confirmed", "confirmed_by": "x"}, id="money"
        ),
        pytest.param("employment", "nomination", {"state": "appointed"}, id="nomination"),
    ],
    indirect=["app"],
)
async def test_nothing_is_entered_as_if_others_had_seen_it(
    app: asyncpg.Connection, table: str, later: dict[str, str]
) -> None:
    """A copy of a row, put in at a later step of its flow."""
    rows = await app.fetch(f"SELECT * FROM {table} LIMIT 1")
    columns = {**rows[0], "id": new_id(), **later}
    if "period" in columns:
        columns["period"] = "2020-01"
    places = ", ".join(f"${place}" for place, _ in enumerate(columns, 1))
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="policy"):
        await app.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})", *columns.values()
        )
