"""A settled month: two people, one month once, and every fen as it was entered."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
import pytest_asyncio

from libs.common.db.database import Scope
from libs.common.http.roles import Role
from tests.house import Caller, House
from tests.registry.builders import VILLAGE, a_village

COUNTY = VILLAGE[:6]


@pytest.fixture(scope="module")
def clerk(house: House) -> Caller:
    return house.caller(Role.COUNTY_OFFICER, COUNTY)


@pytest.fixture(scope="module")
def checker(house: House) -> Caller:
    return house.caller(Role.FINANCE_OFFICER, COUNTY)


@pytest_asyncio.fixture(scope="module")
async def station(house: House, clerk: Caller) -> str:
    await a_village(house.process.databases["registry"], VILLAGE)
    order = {"division": VILLAGE, "name": "样本电站", "kw": "300", "connected_on": "2019-01-15"}
    return str((await clerk.post("/solar/v1/stations", order, status=201))["id"])


def a_slip(station: str, period: str, **values: Any) -> dict[str, Any]:
    slip = {"kwh": "38000.500", "grid_fen": 1_169_655, "subsidy_fen": 1_680_422}
    return {"station_id": station, "period": period} | slip | values


async def test_nothing_is_settled_before_a_second_officer_confirms(
    house: House, clerk: Caller, checker: Caller, station: str
) -> None:
    """X-17: four eyes on every money step."""
    entered = await clerk.post("/solar/v1/settlements", a_slip(station, "2019-03"), status=201)
    assert entered["event_id"] is None
    path = f"/solar/v1/settlements/{entered['id']}/confirm"
    alone = await clerk.post(path, status=409)
    assert alone["code"] == "same_person"
    confirmed = await checker.post(path, status=200)
    assert confirmed["event_id"]
    again = await checker.post(path, status=409)
    assert again["code"] == "illegal_transition"


async def test_a_month_is_entered_once_however_many_try(
    house: House, clerk: Caller, station: str
) -> None:
    slips = [a_slip(station, "2019-04", grid_fen=fen) for fen in range(5)]
    answers = await asyncio.gather(*(_status(house, clerk, slip) for slip in slips))
    assert sorted(answers) == [201, 409, 409, 409, 409]


async def test_a_retry_with_its_key_is_answered_as_the_first_time(
    house: House, clerk: Caller, checker: Caller, station: str
) -> None:
    entered = await clerk.post("/solar/v1/settlements", a_slip(station, "2019-05"), status=201)
    path, key = f"/solar/v1/settlements/{entered['id']}/confirm", uuid4().hex
    answers = [await checker.post(path, status=200, key=key) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    async with house.process.databases["solar"].reading(Scope.worker()) as db:
        sent = "SELECT count(*) FROM outbox WHERE event_id = $1::text::uuid"
        assert await db.fetchval(sent, answers[0]["event_id"]) == 1


@pytest.mark.parametrize(
    ("slip", "status", "code"),
    [
        pytest.param({"period": "2018-12"}, 409, "before_connection", id="before connection"),
        pytest.param({"period": "2019-13"}, 422, "malformed", id="no such month"),
        pytest.param({"period": "２０１９-06"}, 422, "malformed", id="full-width digits"),
        pytest.param({"period": "9998-12"}, 409, "month_to_come", id="a month to come"),
        pytest.param({"grid_fen": True}, 422, "malformed", id="true is no money"),
        pytest.param({"grid_fen": -1}, 422, "malformed", id="negative money"),
        pytest.param({"grid_fen": 1.5}, 422, "malformed", id="half a fen"),
        pytest.param({"kwh": "1e400"}, 422, "malformed", id="energy without end"),
        pytest.param({"station_id": str(uuid4())}, 404, "not_found", id="unknown station"),
    ],
)
async def test_a_wrong_slip_is_refused_and_says_why(
    clerk: Caller, station: str, slip: dict[str, Any], status: int, code: str
) -> None:
    order = a_slip(station, "2019-07") | slip
    answer = await clerk.post("/solar/v1/settlements", order, status=status)
    assert answer["code"] == code


async def test_money_needs_a_key(house: House, clerk: Caller, station: str) -> None:
    response = await house.http.post(
        "/solar/v1/settlements",
        json=a_slip(station, "2019-08"),
        headers={"authorization": f"Bearer {clerk.token}"},
    )
    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_required"


async def _status(house: House, caller: Caller, slip: dict[str, Any]) -> int:
    headers = {"authorization": f"Bearer {caller.token}", "idempotency-key": uuid4().hex}
    response = await house.http.post("/solar/v1/settlements", json=slip, headers=headers)
    return response.status_code
