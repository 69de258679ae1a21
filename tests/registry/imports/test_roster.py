"""The roster: good rows in, with their events; the same again changes nothing."""

from collections.abc import Sequence
from typing import Any

import pytest
import pytest_asyncio

from libs.common.db.database import Scope
from libs.common.events.catalogue.registry import HouseholdRegistered, HouseholdUpdated
from libs.common.process import storing
from services.registry.models import IDENTITY, PHONE
from tests.common.bulk.files import written
from tests.registry.imports.conftest import ON, Office, as_csv, codes
from tests.registry.imports.rosters import VILLAGE, a_household, a_person, changed, without

TABLES = "household, person, outbox, audit, import_issue, import_person, import_chunk"
VERSIONS = """SELECT number, version, xmin::text, ctid::text FROM household
    UNION ALL SELECT number, version, xmin::text, ctid::text FROM person ORDER BY 1"""


@pytest_asyncio.fixture(scope="module", autouse=True)
async def places(prefecture: Office) -> None:
    await prefecture.imported("divisions", codes([VILLAGE, "621123299201"]), on="2010-01-01")


@pytest_asyncio.fixture(autouse=True)
async def nobody(office: Office) -> None:
    await office.owner.execute(f"TRUNCATE {TABLES}")


async def household(office: Office, number: str, *columns: str) -> Any:
    query = f"SELECT {', '.join(columns)} FROM household WHERE number = $1"
    (found,) = await office.table(query, number)
    return found if len(columns) > 1 else found[0]


async def test_good_rows_become_households_and_persons(office: Office) -> None:
    rows = [*a_household("H1", 3), *a_household("H2", 1, working="省外务工", phone="139 0000 0001")]
    result = await office.imported("roster", rows)
    assert {name: result[name] for name in ("rows", "good", "refused", "persons_added")} == {
        "rows": 4,
        "good": 4,
        "refused": 0,
        "persons_added": 4,
    }
    assert await household(office, "H1", "members", "workers", "able", "subsistence") == (
        3, 0, 3, "none",
    )  # fmt: skip
    assert await household(office, "H2", "workers", "status", "registered", "synthetic") == (
        1, "poor", True, True,
    )  # fmt: skip
    assert await household(office, "H1", "as_of::text", "registered_on::text") == (ON, "2014-05-01")


async def test_identity_and_phone_are_stored_sealed_and_found_by_their_index(
    office: Office,
) -> None:
    row = a_person(phone="+86 139-0000-0001")
    await office.imported("roster", [row])
    sealer = office.process.sealer
    ((sealed, index, phone, sex, born),) = await office.table(
        "SELECT identity_sealed, identity_index, phone_sealed, sex, birth_on::text FROM person"
    )
    number = row["证件号码"]
    assert sealer.open(IDENTITY, sealed) == number
    assert sealer.index(IDENTITY, number) == index
    assert sealer.open(PHONE, phone) == "13900000001"
    assert sex == ("male" if int(number[16]) % 2 else "female")
    assert born.replace("-", "") == number[6:14]


async def test_events_are_what_the_catalogue_would_have_written(office: Office) -> None:
    """Decoded by the classes of the catalogue, and written by them to the very same bytes."""
    await office.imported("roster", a_household("H1", 2))
    ((event_id, version, data),) = await office.table(
        "SELECT h.id, h.version, o.data FROM outbox o JOIN household h ON h.id::text = o.key"
    )
    (event,) = await office.events()
    assert isinstance(event, HouseholdRegistered)
    assert (event.aggregate_id, event.version, event.division) == (event_id, version, VILLAGE)
    assert (event.status, event.members, event.workers, event.able) == ("poor", 2, 0, 2)
    assert event.data() == data


async def test_the_same_file_again_writes_no_row_version_and_no_event(office: Office) -> None:
    rows = [*a_household("H1", 3, phone="13900000001"), *a_household("H2", 2)]
    await office.imported("roster", rows)
    before = await office.table(VERSIONS)
    await office.events()
    audited = await office.table("SELECT count(*) FROM audit WHERE detail ? 'job'")
    result = await office.imported("roster", rows)
    assert (result["persons_unchanged"], result["persons_changed"]) == (5, 0)
    assert await office.table(VERSIONS) == before
    assert await office.events() == []
    assert await office.table("SELECT count(*) FROM audit WHERE detail ? 'job'") == audited


async def test_a_counted_change_is_told_and_another_is_not(office: Office) -> None:
    told, quiet = a_household("H1", 2), a_household("H2", 2)
    await office.imported("roster", [*told, *quiet])
    await office.events()
    told[1] = changed(told[1], working="是")
    quiet[1] = changed(quiet[1], name="李小红")
    result = await office.imported("roster", [*told, *quiet])
    assert (result["households_changed"], result["persons_changed"]) == (1, 2)
    (event,) = await office.events()
    assert isinstance(event, HouseholdUpdated)
    assert (event.version, event.workers) == (2, 1)
    assert await household(office, "H2", "version") == 1


async def test_a_file_without_a_column_leaves_what_is_known(office: Office) -> None:
    rows = a_household("H1", 2, working="是", phone="13900000001", able="技能劳动力")
    await office.imported("roster", rows)
    fewer = without(rows, "working", "phone", "able", "registered_on")
    result = await office.imported("roster", fewer)
    assert result["persons_changed"] == result["households_changed"] == 0
    assert await household(office, "H1", "workers", "registered_on::text") == (2, "2014-05-01")


async def test_a_blank_cell_is_unknown_and_never_no(office: Office) -> None:
    rows = a_household("H1", 2)
    rows[1] = changed(rows[1], working="", able="", subsistence="")
    await office.imported("roster", rows)
    assert await household(office, "H1", "workers", "able", "subsistence") == (None, None, None)
    assert await office.table("SELECT working FROM person ORDER BY number") == [(False,), (None,)]


@pytest.mark.parametrize(
    ("received", "subsistence"),
    [
        pytest.param(["是", "是"], "whole", id="整户"),
        pytest.param(["是", "否"], "partial", id="some members"),
        pytest.param(["否", "否"], "none", id="nobody"),
        pytest.param(["是", ""], None, id="one unknown"),
    ],
)
async def test_subsistence_of_a_household_is_that_of_its_members(
    office: Office, received: list[str], subsistence: str | None
) -> None:
    rows = [a_person("H1", n + 1, subsistence=said) for n, said in enumerate(received)]
    await office.imported("roster", rows)
    assert await household(office, "H1", "subsistence") == subsistence


async def test_a_household_with_a_refused_row_counts_nobody_as_out_of_work(office: Office) -> None:
    """Otherwise the mistyped number of the one who works would make the household eligible."""
    rows = a_household("H1", 3)
    rows[2] = changed(rows[2], identity="621123199512319055", working="是")
    result = await office.imported("roster", rows)
    assert (result["good"], result["refused"]) == (2, 1)
    assert await household(office, "H1", "members", "workers", "able") == (2, None, None)


async def test_somebody_whom_the_file_leaves_out_stays_and_is_counted(office: Office) -> None:
    rows = a_household("H1", 3, working="是")
    await office.imported("roster", rows)
    result = await office.imported("roster", rows[:2])
    assert result["households_changed"] == 0
    assert await household(office, "H1", "members", "workers") == (3, 3)


async def test_a_dry_run_reports_and_writes_nothing_else(office: Office) -> None:
    rows = [*a_household("H1", 2), a_person("H2", 2)]
    result = await office.imported("roster", rows, dry_run=True)
    assert (result["good"], result["refused"], result["dry_run"]) == (2, 1, True)
    assert await office.faults(result) == [(4, "relation", "no_head")]
    assert await office.table("SELECT 1 FROM household UNION ALL SELECT 1 FROM person") == []
    assert await office.events() == []


async def test_nothing_of_the_file_is_left_when_the_job_has_ended(office: Office) -> None:
    done = await office.imported("roster", a_household("H1", 2))
    failed = await office.job(await office.send_and_finish("roster", b"a,b\n1,2\n"))
    assert failed["state"] == "failed"
    assert failed["error"]["code"] == "import_columns_missing"
    assert "identity" in failed["error"]["columns"]
    for table in ("import_chunk", "import_person"):
        assert await office.table(f"SELECT 1 FROM {table}") == [], table
    assert done["job"] not in failed["links"]["errors"]


async def test_a_stored_file_can_be_read_by_nobody_without_the_key(office: Office) -> None:
    row = a_person(name="欧阳小小")
    await office.send("roster", [row])
    stored = b"".join(data for (data,) in await office.table("SELECT data FROM import_chunk"))
    assert len(stored) > len(as_csv([row]))
    assert "欧阳".encode() not in stored
    assert row["证件号码"].encode() not in stored
    await office.finish()


async def test_the_same_file_while_a_job_is_at_it_is_that_job(office: Office) -> None:
    rows = a_household("H1", 2)
    first, second = [await office.send("roster", rows) for _ in range(2)]
    other = await office.send("roster", rows, dry_run=True)
    assert first == second != other
    assert await office.table("SELECT count(DISTINCT job_id) FROM import_chunk") == [(2,)]
    await office.finish()


async def test_each_batch_leaves_an_audit_row_in_the_name_of_who_asked(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.registry.imports.roster.BATCH", 3)
    rows = [row for n in range(4) for row in a_household(f"H{n}", 2)]
    await office.imported("roster", rows)
    audited = await office.table(
        "SELECT role, action, division, (detail->>'persons_added')::int FROM audit"
        " WHERE detail ? 'job' ORDER BY id"
    )
    assert sorted(added for *_, added in audited) == [2, 2, 4]
    assert {tuple(who) for *who, _ in audited} == {("county_officer", "import_roster", "621123")}


async def test_a_run_that_was_taken_over_can_write_no_more(office: Office) -> None:
    href = await office.send("roster", a_household("H1", 2))
    database = office.process.databases["registry"]
    async with database.writing(Scope.worker()) as connection:
        (job_id,) = await storing.waiting(connection)
        first = await storing.take(connection, job_id)
        second = await storing.take(connection, job_id)
        assert first
        assert second
        with pytest.raises(storing.Superseded):
            await storing.save(connection, first, {"done": 1})
        await storing.save(connection, second, {"done": 1})
    await office.finish()
    assert (await office.job(href))["state"] == "done"


def _rows(forms: Sequence[str]) -> list[Any]:
    return [pytest.param(form, id=form) for form in forms]


@pytest.mark.parametrize("form", _rows(["csv", "csv.gz", "ndjson", "ndjson.gz", "xlsx"]))
async def test_every_form_of_the_same_roster_makes_the_same_register(
    office: Office, form: str
) -> None:
    rows = [*a_household("H1", 3), *a_household("H2", 1, working="是")]
    table = [list(rows[0]), *([str(cell) for cell in row.values()] for row in rows)]
    result = await office.imported("roster", written(table, f"f.{form}"), name=f"f.{form}")
    assert result["persons_added"] == 4
    assert await household(office, "H2", "members", "workers") == (1, 1)
