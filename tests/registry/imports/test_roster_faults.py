"""Bad rows of a roster: each is reported with row, column, masked value and reason."""

from typing import Any

import pytest
import pytest_asyncio

from libs.common.people.code_tables import code_tables
from services.registry.imports import reasons
from tests.registry.imports.conftest import Office, codes
from tests.registry.imports.rosters import (
    VILLAGE,
    Row,
    a_household,
    a_person,
    an_identity,
    changed,
)

CLOSED, MOVED, LATER, OTHER = "621123299301", "621123299302", "621123299303", "621123299201"


@pytest_asyncio.fixture(scope="module", autouse=True)
async def places(prefecture: Office) -> None:
    extra = {
        CLOSED: {"until": "2015-01-01"},
        MOVED: {"until": "2015-01-01", "successor": OTHER},
        LATER: {"since": "2019-07-01"},
    }
    listed = codes([VILLAGE, OTHER, *extra, "621124299200"])
    rows = [{"since": "2010-01-01", **row, **extra.get(row["code"], {})} for row in listed]
    result = await prefecture.imported("divisions", rows)
    assert result["refused"] == 0


@pytest_asyncio.fixture(autouse=True)
async def nobody(office: Office) -> None:
    await office.owner.execute("TRUNCATE household, person, import_issue")


@pytest.mark.parametrize(
    ("cells", "faults"),
    [
        pytest.param({"identity": "621123199512319055"}, [("identity", "check_digit")],
                     id="check digit"),
        pytest.param({"identity": "621123196602299016"}, [("identity", "birth_date")],
                     id="29 February 1966"),
        pytest.param({"identity": "62112319951231905"}, [("identity", "length")], id="too short"),
        pytest.param({"identity": "621123951231905"}, [("identity", "fifteen_digits")],
                     id="the old form"),
        pytest.param({"identity": "621123O99512319056"}, [("identity", "characters")], id="an O"),
        pytest.param({"identity": "991199198001010011"},
                     [("identity", "check_digit"), ("identity", "province")], id="two of one cell"),
        pytest.param({"identity": "", "name": "", "relation": ""},
                     [("identity", "required"), ("name", "required"), ("relation", "required")],
                     id="all that is missing"),
        pytest.param({"name": "张3"}, [("name", "not_a_name")], id="a digit in a name"),
        pytest.param({"able": "很好", "working": "偶尔", "cadre": "以前"},
                     [("able", "not_listed"), ("cadre", "not_yes_or_no"),
                      ("working", "not_listed")], id="words that are not listed"),
        pytest.param({"registered_on": "2014-13-01"}, [("registered_on", "not_a_date")],
                     id="no date"),
        pytest.param({"registered_on": "2019-07-01"}, [("registered_on", "after_as_of")],
                     id="after the day of the data"),
        pytest.param({"phone": "12345"}, [("phone", "not_a_phone")], id="a short phone"),
        pytest.param({"members": "两人"}, [("members", "not_a_count")], id="人数 in words"),
        pytest.param({"members": "3"}, [("members", "members_differ")], id="人数 of others"),
        pytest.param({"village": "秦祁村"}, [("village", "not_a_village_code")], id="a name"),
        pytest.param({"village": "621123299999"}, [("village", "village_unknown")], id="unknown"),
        pytest.param({"village": CLOSED}, [("village", "village_closed")], id="closed for good"),
        pytest.param({"village": LATER}, [("village", "village_not_yet")], id="not yet in force"),
        pytest.param({"village": "621124299200"}, [("village", "outside_area")], id="outside"),
        pytest.param({"status": ""}, [("status", "required")], id="no status"),
        pytest.param({"registered": "否"}, [("status", "status_differs")],
                     id="未脱贫 and not registered"),
        pytest.param({"relation": "之子"}, [("relation", "no_head")], id="no head"),
        pytest.param({"person_number": "621123199512319056"},
                     [("person_number", "number_is_identity")], id="an identity as number"),
    ],
)  # fmt: skip
async def test_a_bad_row_is_refused_and_the_good_one_goes_in(
    office: Office, cells: Row, faults: list[tuple[str, str]]
) -> None:
    rows = [a_person("H1"), a_person("H2", **cells)]
    result = await office.imported("roster", rows)
    assert await office.faults(result) == [(3, *fault) for fault in faults]
    assert (result["good"], result["refused"]) == (1, 1)
    assert await office.table("SELECT number FROM household") == [("H1",)]


@pytest.mark.parametrize(
    ("cells", "stored"),
    [
        pytest.param({"identity": "62112319770505928x"}, None, id="small x"),
        pytest.param({"identity": "６２１１２３１９９５１２３１９０５６"}, None, id="full width"),
        pytest.param({"identity": "62112319951231905644"}, None, id="a disabled person's number"),
        pytest.param({"identity": "622424195407189101"}, None, id="a historic county"),
        pytest.param({"name": "张\u3000明"}, "张明", id="spaced to fill the column"),
        pytest.param({"name": "阿卜杜勒·热合曼"}, "阿卜杜勒·热合曼", id="a name of two parts"),
        pytest.param({"registered": "否", "status": ""}, None, id="not on the register"),
        pytest.param({"registered": "", "status": "已脱贫"}, None, id="the status says it"),
        pytest.param({"phone": "0932-4121234"}, None, id="a landline"),
        pytest.param({"members": "1.0"}, None, id="a count from a spreadsheet"),
    ],
)
async def test_what_only_looks_odd_goes_in(office: Office, cells: Row, stored: str | None) -> None:
    result = await office.imported("roster", [a_person("H1", **cells)])
    assert await office.faults(result) == []
    assert result["persons_added"] == 1
    if stored:
        assert await office.table("SELECT name FROM person") == [(stored,)]


async def test_the_same_person_twice_in_the_file_counts_once(office: Office) -> None:
    rows = a_household("H1", 2)
    rows += [changed(rows[1], person_number="H1-3"), a_person("H2", 1, person_number="H1-1")]
    result = await office.imported("roster", rows)
    assert await office.faults(result) == [
        (4, "identity", "duplicate_identity"),
        (5, "person_number", "duplicate_number"),
    ]
    assert await office.table("SELECT number, members, workers FROM household") == [("H1", 2, 0)]


async def test_a_duplicate_is_no_member_less(office: Office) -> None:
    """A row that only repeats another hides nobody: the household is still known whole."""
    rows = a_household("H1", 2, members="2")
    result = await office.imported("roster", [*rows, changed(rows[0], person_number="x")])
    assert (result["good"], result["refused"]) == (2, 1)
    assert await office.table("SELECT workers FROM household") == [(0,)]


async def test_a_second_head_is_refused(office: Office) -> None:
    rows = [a_person("H1", 1), a_person("H1", 2, relation="户主")]
    result = await office.imported("roster", rows)
    assert await office.faults(result) == [(3, "relation", "second_head")]


async def test_a_head_on_record_is_not_replaced_by_leaving_them_out(office: Office) -> None:
    rows = a_household("H1", 2)
    await office.imported("roster", rows)
    heir = changed(rows[1], relation="户主")
    result = await office.imported("roster", [heir])
    assert await office.faults(result) == [(2, "relation", "head_stays")]
    result = await office.imported("roster", [changed(rows[0], relation="父亲"), heir])
    assert await office.faults(result) == []


async def test_a_head_whose_row_is_refused_stays_the_head(office: Office) -> None:
    rows = [*a_household("H1", 2), *a_household("H2", 1)]
    await office.imported("roster", rows)
    heir = changed(rows[1], relation="户主")
    taken = changed(rows[0], relation="父亲", person_number="H2-1")
    result = await office.imported("roster", [taken, heir])
    assert await office.faults(result) == [
        (2, "person_number", "number_taken"),
        (3, "relation", "head_stays"),
    ]


async def test_rows_of_a_household_must_agree(office: Office) -> None:
    rows = [a_person("H1", 1), a_person("H1", 2, status="已脱贫", village=OTHER)]
    result = await office.imported("roster", rows)
    assert await office.faults(result) == [
        (3, "status", "household_differs"),
        (3, "village", "household_differs"),
    ]


async def test_a_person_of_another_household_is_not_entered_twice(office: Office) -> None:
    first = a_household("H1", 2)
    await office.imported("roster", first)
    moved = changed(first[1], household_number="H2", person_number="H2-2")
    result = await office.imported("roster", [a_person("H2", 1), moved])
    assert await office.faults(result) == [(3, "identity", "person_elsewhere")]
    assert await office.table("SELECT count(*) FROM person") == [(3,)]


async def test_a_person_of_another_county_is_found_there(
    office: Office, prefecture: Office
) -> None:
    """The one who imports may not see that household; where it is, the report does not say."""
    there = a_person("T1", 1, village="621124299200")
    await prefecture.imported("roster", [there])
    here = changed(there, village=VILLAGE, household_number="H1", person_number="H1-1")
    result = await office.imported("roster", [here])
    assert await office.faults(result) == [(2, "identity", "person_elsewhere")]
    same = a_person("T1", 2, relation="户主")
    result = await office.imported("roster", [same])
    assert await office.faults(result) == [(2, "household_number", "household_elsewhere")]


async def test_a_number_that_is_another_persons_is_refused(office: Office) -> None:
    first = a_household("H1", 2)
    await office.imported("roster", first)
    result = await office.imported("roster", [first[0], changed(first[1], identity=an_identity())])
    assert await office.faults(result) == [(3, "person_number", "number_taken")]


async def test_an_older_roster_does_not_overwrite_a_newer_one(office: Office) -> None:
    rows = a_household("H1", 1)
    await office.imported("roster", rows, on="2019-06-30")
    older = [changed(rows[0], working="是")]
    result = await office.imported("roster", older, on="2018-12-31")
    assert await office.faults(result) == [(2, "household_number", "household_newer")]


async def test_a_household_under_an_old_code_is_entered_under_its_successor(
    office: Office,
) -> None:
    result = await office.imported("roster", a_household("H1", 2, village=MOVED))
    noticed = [notice for notice in result["notices"] if notice["code"] == "village_replaced"]
    assert [(n["from"], n["to"], n["rows"]) for n in noticed] == [(MOVED, OTHER, 2)]
    assert await office.table("SELECT DISTINCT division FROM person") == [(OTHER,)]


async def test_a_move_to_another_village_is_not_an_import(office: Office) -> None:
    rows = a_household("H1", 1)
    await office.imported("roster", rows)
    result = await office.imported("roster", [changed(rows[0], village=OTHER)])
    assert await office.faults(result) == [(2, "household_number", "household_elsewhere")]


async def test_columns_that_are_not_collected_are_dropped_and_named(office: Office) -> None:
    rows = [
        row | {"民族": "汉", "政治面貌": "群众", "文化程度": "小学"} for row in a_household("H1")
    ]
    result = await office.imported("roster", rows)
    noticed = {n["column"]: n["code"] for n in result["notices"] if n["code"].startswith("column")}
    assert noticed == {
        "民族": "column_forbidden",
        "政治面貌": "column_forbidden",
        "文化程度": "column_unknown",
    }


async def test_the_report_masks_values_and_speaks_both_languages(office: Office) -> None:
    rows = [a_person("H1", identity="62112319951231905", name="=张3")]
    result = await office.imported("roster", rows)
    csv = (await office.http.get(f"/imports/{result['job']}/errors")).text
    assert csv.splitlines() == [
        "\ufeffrow,column,value,code,other,zh,en",
        "2,identity,#################,length,,应为 18 位,must have 18 characters",
        "2,name,'=某#,not_a_name,,姓名应为文字，最多 50 个,"
        '"a name is made of letters, at most 50"',
    ]


async def test_the_report_is_for_the_area_it_is_of(prefecture: Office, office: Office) -> None:
    result = await prefecture.imported("roster", [a_person("H1", name="3")])
    for path in (f"/imports/{result['job']}/errors", f"/jobs/{result['job']}"):
        assert (await prefecture.http.get(path)).status_code == 200
        assert (await office.http.get(path)).status_code == 404


def test_every_reason_has_words_in_both_languages() -> None:
    told: list[Any] = [reasons.words(code) for code in code_tables().messages]
    told += [reasons.words(code) for code in ("required", "no_head", "village_unknown")]
    assert all(words["zh"] and words["en"] for words in told)
