"""Divisions and villages: what stands for a code on a day, which class a village had."""

from datetime import date

import httpx
import pytest

from libs.common.contracts import VillageFacts
from libs.common.db.database import Database, Scope
from libs.common.http.roles import Role
from tests.registry.builders import a_class, a_division, a_village
from tests.registry.conftest import As


@pytest.fixture
def anybody(as_: As) -> httpx.AsyncClient:
    return as_()


@pytest.fixture
def officer(as_: As) -> httpx.AsyncClient:
    return as_(Role.COUNTY_OFFICER, division="621123")


async def test_a_code_in_force_stands_for_itself(
    database: Database, anybody: httpx.AsyncClient
) -> None:
    await a_division(database, "621102198", name="某镇")
    found = (await anybody.get("/divisions/621102198")).json()
    assert (found["name"], found["level"], found["parent"]) == ("某镇", "town", "621102")
    assert found["current"]["code"] == "621102198"


async def test_a_closed_code_leads_through_its_successors_to_the_one_in_force(
    database: Database, anybody: httpx.AsyncClient
) -> None:
    await a_division(database, "621123299", until=date(2010, 1, 1), successor="621123298")
    await a_division(database, "621123298", until=date(2016, 7, 1), successor="621123199")
    await a_division(database, "621123199", since=date(2016, 7, 1), name="新镇")
    found = (await anybody.get("/divisions/621123299?on=2019-01-01")).json()
    assert found["code"] == "621123299"
    assert found["current"]["code"] == "621123199"


@pytest.mark.parametrize(
    ("on", "current"),
    [
        pytest.param("1999-12-31", None, id="before it began"),
        pytest.param("2000-01-01", "621123297", id="on its first day"),
        pytest.param("2015-12-31", "621123297", id="on its last day"),
        pytest.param("2016-01-01", "621123197", id="on the day it was closed"),
    ],
)
async def test_what_stands_for_a_code_depends_on_the_day(
    database: Database, anybody: httpx.AsyncClient, on: str, current: str | None
) -> None:
    await a_division_once(database, "621123297", until=date(2016, 1, 1), successor="621123197")
    await a_division_once(database, "621123197", since=date(2016, 1, 1))
    found = (await anybody.get("/divisions/621123297", params={"on": on})).json()
    assert (found["current"] and found["current"]["code"]) == current


@pytest.mark.parametrize(
    ("code", "successor"),
    [
        pytest.param("621123296", None, id="closed without a successor"),
        pytest.param("621123295", "621123998", id="a successor nobody knows"),
        pytest.param("621123294", "621123294", id="its own successor"),
    ],
)
async def test_nothing_is_invented_for_a_code_that_leads_nowhere(
    database: Database, anybody: httpx.AsyncClient, code: str, successor: str | None
) -> None:
    await a_division(database, code, until=date(2010, 1, 1), successor=successor)
    found = (await anybody.get(f"/divisions/{code}")).json()
    assert found["successor"] == successor
    assert found["current"] is None


async def test_a_circle_of_successors_ends(database: Database, anybody: httpx.AsyncClient) -> None:
    ring = ["621123293", "621123292", "621123291"]
    for code, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        await a_division(database, code, until=date(2010, 1, 1), successor=following)
    found = (await anybody.get("/divisions/621123293")).json()
    assert found["current"] is None


async def test_an_unknown_code_is_not_found(anybody: httpx.AsyncClient) -> None:
    answer = await anybody.get("/divisions/999999")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_list_holds_the_codes_in_force_below_a_division(
    database: Database, anybody: httpx.AsyncClient
) -> None:
    await a_division(database, "621121100")
    await a_division(database, "621121101", until=date(2010, 1, 1))
    await a_division(database, "621121102", parent="621122")
    answer = await anybody.get("/divisions?parent=621121&on=2019-01-01")
    assert [place["code"] for place in answer.json()["items"]] == ["621121100"]
    earlier = await anybody.get("/divisions?parent=621121&on=2009-01-01")
    assert len(earlier.json()["items"]) == 2


async def test_pages_of_villages_meet_without_a_gap_or_a_repeat(
    database: Database, officer: httpx.AsyncClient
) -> None:
    codes = [await a_village(database, f"6211231502{n:02d}") for n in range(7)]
    read: list[str] = []
    cursor: dict[str, str] = {}
    for size in (3, 3, 1):
        answer = await officer.get(
            "/villages", params={"division": "621123150", "limit": 3, **cursor}
        )
        page = answer.json()
        assert len(page["items"]) == size
        read += [village["division"] for village in page["items"]]
        cursor = {"cursor": page["next"]}
    assert read == codes
    assert page["next"] is None


async def test_a_village_has_the_class_of_the_day_and_a_history(
    database: Database, officer: httpx.AsyncClient
) -> None:
    code = await a_village(database, village_class="registered", since=date(2014, 1, 1))
    await a_class(database, code, "registered_deep", since=date(2017, 11, 1))
    for on, expected in {
        "2013-12-31": None,
        "2014-01-01": "registered",
        "2017-10-31": "registered",
        "2017-11-01": "registered_deep",
    }.items():
        found = (await officer.get(f"/villages/{code}", params={"on": on})).json()
        assert found["class"] == expected
        assert VillageFacts.model_validate(found).village_class == expected
    assert [given["class"] for given in found["classes"]] == ["registered", "registered_deep"]


async def test_a_village_without_a_class_is_listed_without_one(
    database: Database, officer: httpx.AsyncClient
) -> None:
    code = await a_village(database, "621123160201", village_class=None)
    found = (await officer.get(f"/villages/{code}")).json()
    assert (found["class"], found["since"], found["classes"]) == (None, None, [])
    listed = (await officer.get("/villages?class=other&division=621123160")).json()
    assert listed["items"] == []


async def test_a_villages_old_code_finds_it_under_its_new_one(
    database: Database, officer: httpx.AsyncClient
) -> None:
    await a_division(database, "621123170201", until=date(2016, 1, 1), successor="621123170202")
    await a_village(database, "621123170202", village_class="deep")
    found = (await officer.get("/villages/621123170201?on=2019-01-01")).json()
    assert (found["division"], found["class"]) == ("621123170202", "deep")


async def test_villages_of_another_area_are_not_found(database: Database, as_: As) -> None:
    code = await a_village(database, "621123180201")
    elsewhere = as_(Role.COUNTY_OFFICER, division="621122")
    assert (await elsewhere.get(f"/villages/{code}")).status_code == 404
    assert (await elsewhere.get("/villages")).json()["items"] == []


async def a_division_once(database: Database, code: str, **columns: date | str) -> None:
    """For the rows of one table of cases, which share their database."""
    async with database.reading(Scope.public()) as connection:
        if not await connection.fetchval("SELECT 1 FROM division WHERE code = $1", code):
            await a_division(database, code, **columns)
