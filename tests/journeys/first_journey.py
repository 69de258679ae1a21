"""The steps of the first journey: from two files to a need, a post and back, and a month of sun.

Each is taken with the token of its own role, in the order in which they stand here. A module that
imports them walks them on its own fixture `ways`: in one process, or in many over Kafka.
"""

from datetime import date
from typing import Any, Protocol

import httpx
import pytest

from libs.common.http.roles import Role
from tests.house import Caller
from tests.registry.builders import a_resident_id


class Ways(Protocol):
    """How a system is reached, and how to wait for what it does by itself."""

    moves_by_itself: bool
    """Whether events travel without being asked to."""

    @property
    def http(self) -> httpx.AsyncClient: ...

    def caller(self, role: Role, division: str | None = None) -> Caller: ...

    def anybody(self) -> Caller: ...

    async def settle(self) -> None:
        """Until every event written so far is on the bus and taken in."""

    async def job(self, caller: Caller, href: str) -> Any:
        """A job when it is over."""


COUNTY, TOWN = "621123", "621123990"
VILLAGE, OTHER, UNCLASSED = (f"{TOWN}{number}" for number in (201, 202, 203))

DIVISIONS = f"""code,parent,level,name
{TOWN},{COUNTY},town,样本镇
{VILLAGE},{TOWN},village,样本一村
{OTHER},{TOWN},village,样本二村
{UNCLASSED},{TOWN},village,样本二村
"""
CLASSES = f"""village,class,since,source
{VILLAGE},建档立卡深度贫困村,2018-01-01,样本
{OTHER},其他村,2018-01-01,样本
{TOWN}999,其他村,2018-01-01,样本
"""
HEADS = (
    "行政村代码,户编号,人编号,姓名,证件号码,与户主关系,脱贫属性,建档立卡,识别时间,"
    "劳动技能,务工状况,低保,村干部,村干部家庭成员,民族"
)


def _row(household: int, born: date, relation: str, *, works: str = "否") -> str:
    number = f"{COUNTY}9{household:04d}"
    person = f"{number}{born.year}"
    identity = a_resident_id(born, sequence=900 + household)
    facts = f"未脱贫,是,2014-05-01,普通劳动力,{works},否,否,否,不读"
    return f"{VILLAGE},{number},{person},张样本,{identity},{relation},{facts}"


ROSTER = "\n".join(
    [
        HEADS,
        _row(1, date(1975, 3, 4), "户主"),
        _row(1, date(1977, 5, 6), "配偶"),
        _row(2, date(1980, 1, 2), "户主", works="是"),
        _row(3, date(1966, 2, 1), "户主").replace("19660201", "19660229"),
    ]
)


@pytest.fixture(scope="module")
def village_officer(ways: Ways) -> Caller:
    return ways.caller(Role.VILLAGE_OFFICER, VILLAGE)


@pytest.fixture(scope="module")
def town_officer(ways: Ways) -> Caller:
    return ways.caller(Role.TOWN_OFFICER, TOWN)


@pytest.fixture(scope="module")
def county_officer(ways: Ways) -> Caller:
    return ways.caller(Role.COUNTY_OFFICER, COUNTY)


@pytest.fixture(scope="module")
def told() -> dict[str, str]:
    """Ids that a step leaves for those after it."""
    return {}


async def test_1_divisions_and_classes_come_from_files(ways: Ways, county_officer: Caller) -> None:
    prefecture = ways.caller(Role.PREFECTURE_OFFICER, "6211")
    entered = await _imported(ways, prefecture, "divisions", DIVISIONS, on="2018-12-01")
    assert (entered["good"], entered["refused"]) == (4, 0)
    classed = await _imported(ways, county_officer, "village-classes", CLASSES)
    assert (classed["good"], classed["refused"]) == (2, 1)
    seen = await county_officer.get(f"/registry/v1/villages/{VILLAGE}", on="2019-01-01")
    assert seen["class"] == "registered_deep"


async def test_2_a_roster_goes_in_with_its_bad_row_reported(
    ways: Ways, county_officer: Caller, told: dict[str, str]
) -> None:
    entered = await _imported(ways, county_officer, "roster", ROSTER, on="2019-01-31")
    assert (entered["persons_added"], entered["refused"]) == (3, 1)
    errors = await ways.http.get(
        f"/registry/v1/imports/{entered['job']}/errors",
        params={"format": "ndjson"},
        headers={"authorization": f"Bearer {county_officer.token}"},
    )
    assert '"row":5' in errors.text
    assert "1966" not in errors.text
    again = await _imported(ways, county_officer, "roster", ROSTER, on="2019-01-31")
    assert (again["persons_added"], again["persons_changed"]) == (0, 0)
    await ways.settle()
    page = await county_officer.get("/registry/v1/households", division=VILLAGE)
    for household in page["items"]:
        whole = await county_officer.get(f"/registry/v1/households/{household['id']}")
        number = whole["number"][-1]
        told[f"household {number}"] = whole["id"]
        told[f"head {number}"] = whole["persons"][0]["id"]
    assert "household 2" in told


async def test_3_a_need_is_captured_verified_and_published_by_different_people(
    village_officer: Caller, town_officer: Caller, told: dict[str, str]
) -> None:
    order = {
        "household_id": told["household 1"],
        "category": "job",
        "consent": {
            "person_id": told["head 1"],
            "text": "need-publication-1",
            "given_on": "2019-05-01",
        },
    }
    told["need"] = need = (await village_officer.post("/matching/v1/needs", order, status=201))[
        "id"
    ]
    await village_officer.post(f"/matching/v1/needs/{need}/verify", status=200, version=1)
    await village_officer.post(f"/matching/v1/needs/{need}/publish", status=403, version=2)
    await town_officer.post(f"/matching/v1/needs/{need}/publish", status=200, version=2)


async def test_4_a_member_is_appointed_to_a_post_and_another_is_refused(
    village_officer: Caller, county_officer: Caller, told: dict[str, str]
) -> None:
    outside = await county_officer.post("/employment/v1/posts", _post(OTHER), status=409)
    assert outside["clauses"] == ["PW-SCOPE-1"]
    unclassed = await county_officer.post("/employment/v1/posts", _post(UNCLASSED), status=409)
    assert unclassed["code"] == "needs_ruling"
    post = (await county_officer.post("/employment/v1/posts", _post(VILLAGE), status=201))["id"]
    at_work = await _appointed(village_officer, county_officer, post, told, "2", status=409)
    assert at_work["clauses"] == ["PW-ELIG-1"]
    appointed = await _appointed(village_officer, county_officer, post, told, "1", status=201)
    told["appointment"], told["employed"] = appointed["id"], appointed["event_id"]


async def test_5_the_need_is_met_and_says_by_what(
    ways: Ways, village_officer: Caller, told: dict[str, str]
) -> None:
    path = f"/matching/v1/needs/{told['need']}"
    if not ways.moves_by_itself:
        assert (await village_officer.get(path))["state"] == "published"  # before the relay runs
    await ways.settle()
    listed = await village_officer.get("/matching/v1/needs", after=told["employed"])
    assert [need["state"] for need in listed["items"]] == ["met"]
    assert listed["as_of"]
    assert listed["lag_ms"] >= 0
    changes = await village_officer.get(f"{path}/history")
    assert [change["became"] for change in changes] == ["draft", "verified", "published", "met"]
    assert changes[-1]["cause_id"] == told["employed"]


async def test_6_the_work_ends_and_the_need_returns_to_be_verified(
    ways: Ways, village_officer: Caller, county_officer: Caller, told: dict[str, str]
) -> None:
    path = f"/employment/v1/appointments/{told['appointment']}/end"
    ended = await county_officer.post(path, {"ended_on": "2019-09-30"}, status=200)
    await ways.settle()
    need = await village_officer.get(f"/matching/v1/needs/{told['need']}", after=ended["event_id"])
    assert need["state"] == "draft"


async def test_7_a_settled_month_shows_on_the_village_card(
    ways: Ways, county_officer: Caller
) -> None:
    station = {"division": VILLAGE, "name": "样本电站", "kw": "300", "connected_on": "2019-01-15"}
    slip = {
        "station_id": (await county_officer.post("/solar/v1/stations", station, status=201))["id"],
        "period": "2019-06",
        "kwh": "38000.500",
        "grid_fen": 1_169_655,
        "subsidy_fen": 1_680_422,
    }
    entered = await county_officer.post("/solar/v1/settlements", slip, status=201)
    finance = ways.caller(Role.FINANCE_OFFICER, COUNTY)
    path = f"/solar/v1/settlements/{entered['id']}/confirm"
    settled = await finance.post(path, status=200)
    await ways.settle()
    card = await ways.anybody().get(f"/matching/v1/villages/{VILLAGE}", after=settled["event_id"])
    (month,) = card["solar_revenue"]
    amounts = (month["month"], month["kwh"], month["grid_fen"], month["subsidy_fen"])
    assert amounts == ("2019-06", "38000.500", 1_169_655, 1_680_422)
    assert (card["class"], card["needs"]) == ("registered_deep", [])


async def _imported(ways: Ways, caller: Caller, kind: str, file: str, **query: Any) -> Any:
    """The result of an import, once its job is done."""
    answer = await ways.http.post(
        f"/registry/v1/imports/{kind}",
        content=file.encode(),
        params={"filename": f"{kind}.csv", **query},
        headers={"authorization": f"Bearer {caller.token}"},
    )
    assert answer.status_code == 202, answer.text
    job = await ways.job(caller, answer.json()["href"])
    assert job["state"] == "done", job
    return job["result"] | {"job": job["id"]}


async def _appointed(
    village: Caller, county: Caller, post: str, told: dict[str, str], number: str, *, status: int
) -> Any:
    """Household `number` is put forward by the village; what the county's appointment comes to."""
    order = {
        "household_id": told[f"household {number}"],
        "person_id": told[f"head {number}"],
        "wish": {"signed_on": "2019-05-10", "text": "post-wish-1"},
        "circumstances": {"cannot_leave": True, "no_work_here": True, "cannot_rise": True},
        "no_conflict_of_interest": True,
    }
    path = f"/employment/v1/posts/{post}/nominations"
    nomination = (await village.post(path, order, status=201))["id"]
    term = {"since": "2019-06-01", "until": "2022-05-31"}
    path = f"/employment/v1/nominations/{nomination}/appoint"
    return await county.post(path, term, status=status)


def _post(village: str) -> dict[str, Any]:
    return {"division": village, "fund": "provincial", "category": "road", "on": "2019-05-20"}
