"""Divisions: codes are dated and never used twice; villages among them are told to everybody."""

from pathlib import Path

import pytest
import pytest_asyncio

from libs.common.events.catalogue.registry import (
    VillageReclassified,
    VillageRegistered,
    village_id,
)
from tests.registry.imports.conftest import ON, Office, Row, codes

REAL = Path(__file__).parents[4] / "shared" / "data" / "dingxi_divisions.csv"
TOWN, VILLAGE = "621123299", "621123299200"


@pytest_asyncio.fixture(autouse=True)
async def nothing(prefecture: Office) -> None:
    await prefecture.owner.execute("TRUNCATE village, village_class, outbox, import_issue")
    await prefecture.owner.execute("DELETE FROM division WHERE length(code) > 6")


def a_village(code: str = VILLAGE, **cells: str) -> Row:
    row = {"code": code, "parent": code[:9], "level": "village", "name": "同名村"}
    dated = {"since": "2010-01-01", "until": "", "successor": ""}
    return {**row, **dated, **cells}


def a_town(**cells: str) -> Row:
    return {**a_village(TOWN, parent="621123", level="town", name="某镇"), **cells}


async def test_the_product_knows_the_prefecture_and_its_seven_counties(office: Office) -> None:
    counties = await office.table("SELECT name FROM division WHERE parent = '6211' ORDER BY code")
    names = ["安定区", "通渭县", "陇西县", "渭源县", "临洮县", "漳县", "岷县"]
    assert counties == [(name,) for name in names]


async def test_villages_are_registered_with_an_event_each(prefecture: Office) -> None:
    result = await prefecture.imported("divisions", [a_village(), a_town()])
    assert (result["divisions_added"], result["villages_registered"]) == (2, 1)
    (data,) = [data for (data,) in await prefecture.table("SELECT data FROM outbox")]
    (event,) = await prefecture.events()
    assert isinstance(event, VillageRegistered)
    assert (event.aggregate_id, event.version, event.key) == (village_id(VILLAGE), 1, VILLAGE)
    assert event.data() == data


async def test_the_same_divisions_again_change_nothing(prefecture: Office) -> None:
    rows = [a_town(), a_village(), a_village("621123299201")]
    await prefecture.imported("divisions", rows)
    before = await prefecture.table("SELECT code, xmin::text FROM division ORDER BY 1")
    await prefecture.events()
    result = await prefecture.imported("divisions", rows, on="2019-05-31")
    assert "divisions_added" not in result
    assert await prefecture.table("SELECT code, xmin::text FROM division ORDER BY 1") == before
    assert await prefecture.events() == []


async def test_without_dates_a_code_is_known_from_the_day_of_the_data(prefecture: Office) -> None:
    rows = [{"code": TOWN, "parent": "621123", "level": "乡镇", "name": "某镇"}]
    await prefecture.imported("divisions", rows)
    since = "SELECT since::text FROM division WHERE code = $1"
    assert await prefecture.table(since, TOWN) == [(ON,)]
    result = await prefecture.imported("divisions", rows, on="2019-06-01")
    assert result["refused"] == 0
    assert await prefecture.table(since, TOWN) == [(ON,)]


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        pytest.param(a_village("62112329920"), [("code", "not_a_code")], id="eleven digits"),
        pytest.param(a_village(level="town"), [("level", "level_differs")], id="another level"),
        pytest.param(a_village(level="组"), [("level", "not_listed")], id="no such level"),
        pytest.param(a_village(parent="621124100"), [("parent", "parent_differs"),
                     ("parent", "parent_unknown")], id="a parent elsewhere"),
        pytest.param(a_village("621123298200"), [("parent", "parent_unknown")], id="no parent"),
        pytest.param(a_village("629999299200"), [("code", "outside_area"),
                     ("parent", "parent_unknown")], id="outside"),
        pytest.param(a_village(name=""), [("name", "required")], id="no name"),
        pytest.param(a_village(name="村<b>"), [("name", "not_plain_text")], id="markup in a name"),
        pytest.param(a_village(since="昨天"), [("since", "not_a_date")], id="no date"),
        pytest.param(a_village(until="2010-01-01"), [("until", "period")], id="ends as it begins"),
        pytest.param(a_village(successor="621123299201"), [("successor", "successor_unknown"),
                     ("successor", "successor_without_until")], id="a successor while in force"),
        pytest.param(a_village(until="2015-01-01", successor=TOWN),
                     [("successor", "successor_differs")], id="a town succeeds a village"),
        pytest.param(a_village(until="2015-01-01", successor="621123299777"),
                     [("successor", "successor_unknown")], id="no such successor"),
    ],
)  # fmt: skip
async def test_a_bad_row_is_refused_and_the_others_go_in(
    prefecture: Office, row: Row, faults: list[tuple[str, str]]
) -> None:
    result = await prefecture.imported("divisions", [a_town(), row])
    assert await prefecture.faults(result) == [(3, *fault) for fault in faults]
    assert (result["good"], result["refused"]) == (1, 1)


async def test_what_hangs_on_a_refused_row_is_refused_too(prefecture: Office) -> None:
    result = await prefecture.imported("divisions", [a_town(name=""), a_village()])
    assert await prefecture.faults(result) == [
        (2, "name", "required"),
        (3, "parent", "parent_unknown"),
    ]


async def test_a_code_twice_in_the_file_counts_once(prefecture: Office) -> None:
    result = await prefecture.imported("divisions", [a_town(), a_village(), a_village(name="另村")])
    assert await prefecture.faults(result) == [(4, "code", "repeated")]


@pytest.mark.parametrize(
    ("again", "code"),
    [
        pytest.param({"until": "", "successor": ""}, "code_closed", id="opened again"),
        pytest.param({"until": "2018-01-01"}, "code_closed", id="closed on another day"),
        pytest.param({"since": "2012-01-01"}, "code_reused", id="begun on another day"),
        pytest.param({"name": "新名村"}, None, id="renamed"),
    ],
)
async def test_a_closed_code_stays_closed(
    prefecture: Office, again: dict[str, str], code: str | None
) -> None:
    closed = {"until": "2016-01-01", "successor": "621123299201"}
    rows = [a_town(), a_village(**closed), a_village("621123299201")]
    await prefecture.imported("divisions", rows)
    result = await prefecture.imported("divisions", [a_village(**{**closed, **again})])
    assert await prefecture.faults(result) == ([(2, "code", code)] if code else [])
    stands = await prefecture.http.get(f"/divisions/{VILLAGE}", params={"on": ON})
    assert stands.json()["current"]["code"] == "621123299201"


async def test_the_real_table_goes_in_whole(prefecture: Office) -> None:
    if not REAL.exists():
        pytest.skip(f"the real table is not here: {REAL.name}")
    result = await prefecture.imported("divisions", REAL.read_bytes())
    assert (result["rows"], result["refused"]) == (2117, 0)
    assert result["villages_registered"] == 1987
    again = await prefecture.imported("divisions", REAL.read_bytes())
    assert "divisions_added" not in again


async def classes(office: Office, *rows: Row, **query: str) -> dict[str, object]:
    return await office.imported("village-classes", rows, **query)


def a_class(village: str = VILLAGE, **cells: str) -> Row:
    row = {"village": village, "class": "registered_deep", "since": "2014-01-01"}
    return {**row, "source": "定扶领发〔2014〕1号", **cells}


@pytest_asyncio.fixture
async def villages(prefecture: Office) -> Office:
    await prefecture.imported("divisions", codes([VILLAGE, "621123299201"]), on="2010-01-01")
    await prefecture.events()
    return prefecture


async def test_a_class_is_told_when_the_one_in_force_changes(villages: Office) -> None:
    await classes(villages, a_class())
    (event,) = await villages.events()
    assert isinstance(event, VillageReclassified)
    assert (event.village_class, event.version, event.key) == ("registered_deep", 2, VILLAGE)
    assert str(event.since) == "2014-01-01"
    await classes(villages, a_class(**{"class": "建档立卡深度贫困村", "since": "2013-01-01"}))
    assert await villages.events() == []
    await classes(villages, a_class(**{"class": "其他村", "since": "2018-01-01"}))
    assert [event.version for event in await villages.events()] == [3]
    again = await classes(villages, a_class(**{"class": "其他村", "since": "2018-01-01"}))
    assert "classes_added" not in again
    assert await villages.events() == []


@pytest.mark.parametrize(
    ("row", "faults"),
    [
        pytest.param(a_class("621123299999"), [("village", "village_unknown")], id="no village"),
        pytest.param(a_class("629999299200"), [("village", "outside_area")], id="outside"),
        pytest.param(a_class(**{"class": "贫困村"}), [("class", "not_listed")], id="no class"),
        pytest.param(a_class(since="2019-07-01"), [("since", "after_as_of")], id="not yet"),
        pytest.param(a_class(source=""), [("source", "required")], id="by no document"),
    ],
)  # fmt: skip
async def test_a_bad_class_is_refused(
    villages: Office, row: Row, faults: list[tuple[str, str]]
) -> None:
    result = await classes(villages, a_class("621123299201"), row)
    assert await villages.faults(result) == [(3, *fault) for fault in faults]
    assert result["classes_added"] == 1


async def test_a_class_given_for_a_day_is_not_given_otherwise(villages: Office) -> None:
    await classes(villages, a_class())
    result = await classes(villages, a_class(**{"class": "other"}))
    assert await villages.faults(result) == [(2, "class", "class_contradicts")]


async def test_a_dry_run_of_divisions_and_classes_enters_nothing(villages: Office) -> None:
    await classes(villages, a_class(), dry_run="true")
    await villages.imported("divisions", [a_village("621123299202")], dry_run="true")
    assert await villages.table("SELECT 1 FROM village_class") == []
    assert await villages.table("SELECT count(*) FROM village") == [(2,)]
