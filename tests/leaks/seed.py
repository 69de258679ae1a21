"""One of everything in the house: families who are neighbours, one far away, and all about them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from libs.common.events.catalogue.registry import (
    HouseholdRegistered,
    PovertyStatus,
    VillageRegistered,
    village_id,
)
from libs.common.http.roles import Role
from libs.common.process.jobs import finish_jobs
from libs.common.records.seal import seal
from services.registry.main import service as registry
from tests.house import Caller, House
from tests.registry.builders import Household, a_household, a_village

FAMILY = ("慕容雪落", "慕容长庚")
NEIGHBOURS = ("尉迟春晓", "尉迟秋实")
WORKING = ("澹台明月", "澹台清风")
FAR = ("闻人听雨", "闻人望舒")


@dataclass(frozen=True)
class Places:
    """A village, another of its town, and one of another county."""

    village: str
    next_village: str
    far_village: str

    @property
    def town(self) -> str:
        return self.village[:9]

    @property
    def county(self) -> str:
        return self.village[:6]


@dataclass(frozen=True)
class Seeded:
    house: House
    places: Places
    family: Household
    """Its needs are in every state but met; a nomination of its head is open."""
    neighbours: Household
    working: Household
    """Its head has a post, so its need is met."""
    far: Household
    needs: dict[str, str]
    """By state; `leaving` is another published one, `neighbour` and `far` are of others."""
    post: str
    nomination: str
    appointment: str
    decision: str
    station: str
    entered: str
    confirmed: str
    job: str

    @property
    def households(self) -> Sequence[Household]:
        return (self.family, self.neighbours, self.working, self.far)

    def ids_of(self, household: Household) -> set[str]:
        """Everything that would tell of one household."""
        about = {str(household.id), household.number}
        for member in household.members:
            about |= {str(member.id), member.number}
        if household is self.family:
            about |= {self.needs[state] for state in ("draft", "verified", "withdrawn")}
            about.add(self.nomination)
        if household is self.working:
            about |= {self.appointment, self.decision}
        return about


async def seed(house: House, places: Places) -> Seeded:
    database, sealer = house.process.databases["registry"], house.process.sealer
    for code in (places.village, places.next_village, places.far_village):
        await a_village(database, code)
        told = VillageRegistered(aggregate_id=village_id(code), version=1, division=code)
        await house.hear(told)

    async def a_family(names: Sequence[str], division: str) -> Household:
        members = [{"name": name} for name in names]
        made = await a_household(database, sealer, division=division, members=members)
        await house.hear(
            HouseholdRegistered(
                aggregate_id=made.id, version=1, household_id=made.id, division=division,
                registered=True, status=PovertyStatus.POOR, members=2, workers=0, able=2,
            )
        )  # fmt: skip
        return made

    officers = _Officers(house, places.village)
    family = await a_family(FAMILY, places.village)
    neighbours = await a_family(NEIGHBOURS, places.village)
    working = await a_family(WORKING, places.village)
    far = await a_family(FAR, places.far_village)
    needs = {state: await officers.need(family, state) for state in _STEPS}
    needs["leaving"] = await officers.need(family, "published")
    needs["neighbour"] = await officers.need(neighbours, "published")
    needs["met"] = await officers.need(working, "published")
    needs["far"] = await _Officers(house, places.far_village).need(far, "published")
    _, nominated = await officers.nominated(working)
    appointment = await officers.appointed(nominated)
    found = await officers.county.get(f"/employment/v1/appointments/{appointment}")
    post, nomination = await officers.nominated(family)
    station, entered, confirmed = await officers.settled()
    job = await _a_job(house, places)
    await house.drain()
    await _read_and_sealed(house, officers, [family, neighbours])
    return Seeded(
        house=house, places=places, family=family, neighbours=neighbours, working=working, far=far,
        needs=needs, post=post, nomination=nomination, appointment=appointment,
        decision=found["decision_id"], station=station, entered=entered, confirmed=confirmed,
        job=job,
    )  # fmt: skip


_STEPS = {
    "draft": (),
    "verified": ("verify",),
    "published": ("verify", "publish"),
    "withdrawn": ("withdraw",),
}


class _Officers:
    """Those of one village, its town and its county, under names of their own."""

    def __init__(self, house: House, village: str) -> None:
        self._village = village
        self.village = house.caller(Role.VILLAGE_OFFICER, village, subject="seed-village")
        self.town = house.caller(Role.TOWN_OFFICER, village[:9], subject="seed-town")
        self.county = house.caller(Role.COUNTY_OFFICER, village[:6], subject="seed-county")
        self.finance = house.caller(Role.FINANCE_OFFICER, village[:6], subject="seed-finance")

    async def need(self, family: Household, state: str) -> str:
        order = an_order(family)
        need = (await self.village.post("/matching/v1/needs", order, status=201))["id"]
        for version, step in enumerate(_STEPS[state], 1):
            officer = self.town if step == "publish" else self.village
            await officer.post(f"/matching/v1/needs/{need}/{step}", status=200, version=version)
        return str(need)

    async def nominated(self, family: Household) -> tuple[str, str]:
        order = a_post(self._village)
        post = (await self.county.post("/employment/v1/posts", order, status=201))["id"]
        path = f"/employment/v1/posts/{post}/nominations"
        nomination = await self.village.post(path, a_nomination(family), status=201)
        return str(post), str(nomination["id"])

    async def appointed(self, nomination: str) -> str:
        path = f"/employment/v1/nominations/{nomination}/appoint"
        return str((await self.county.post(path, TERM, status=201))["id"])

    async def settled(self) -> tuple[str, str, str]:
        order = a_station(self._village)
        station = (await self.county.post("/solar/v1/stations", order, status=201))["id"]
        entered = await self._entered(station, "2019-06")
        confirmed = await self._entered(station, "2019-05")
        await self.finance.post(f"/solar/v1/settlements/{confirmed}/confirm", status=200)
        return str(station), entered, confirmed

    async def _entered(self, station: str, period: str) -> str:
        slip = a_slip(station, period)
        return str((await self.county.post("/solar/v1/settlements", slip, status=201))["id"])


def an_order(family: Household) -> dict[str, Any]:
    consent = {
        "person_id": str(family.members[0].id),
        "text": "need-publication-1",
        "given_on": "2019-05-01",
    }
    return {"household_id": str(family.id), "category": "job", "quantity": 1, "consent": consent}


def a_post(village: str) -> dict[str, Any]:
    return {"division": village, "fund": "provincial", "category": "road", "on": "2019-05-20"}


def a_nomination(family: Household) -> dict[str, Any]:
    return {
        "household_id": str(family.id),
        "person_id": str(family.members[0].id),
        "wish": {"signed_on": "2019-05-10", "text": "post-wish-1"},
        "circumstances": {"cannot_leave": True, "no_work_here": True, "cannot_rise": True},
        "no_conflict_of_interest": True,
    }


TERM = {"since": "2019-06-01", "until": "2022-05-31"}


def a_station(village: str) -> dict[str, Any]:
    return {"division": village, "name": "样本电站", "kw": "300", "connected_on": "2019-01-15"}


def a_slip(station: str, period: str) -> dict[str, Any]:
    fen = {"grid_fen": 1169655, "subsidy_fen": 1680422}
    return {"station_id": station, "period": period, "kwh": "38000.500", **fen}


ROSTER = "行政村代码,户编号,人编号,姓名,证件号码,与户主关系,脱贫属性,联系电话"
WRONG = {"name": "轩辕问天", "identity": "621123195203048372", "phone": "13900009999"}
"""A person whose row is refused: the check digit is wrong, and the phone has a letter too many."""


async def _a_job(house: House, places: Places) -> str:
    """A roster whose only row is refused, sent by the county and worked off."""
    numbers = f"{places.village},6211230000990001,621123000099000101"
    row = f"{numbers},{WRONG['name']},{WRONG['identity']},户主,未脱贫,{WRONG['phone']}x"
    token = house.issuer.issue(Role.COUNTY_OFFICER, division=places.county, subject="seed-county")
    answer = await house.http.post(
        "/registry/v1/imports/roster",
        params={"filename": "roster.csv", "on": "2018-12-01"},
        content=f"{ROSTER}\n{row}\n".encode(),
        headers={"authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 202, answer.text
    await finish_jobs(house.process, registry)
    job = str(answer.json()["id"])
    done = await Caller(house.http, token).get(f"/registry/v1/jobs/{job}")
    assert (done["state"], done["error"]) == ("done", None)
    return job


async def _read_and_sealed(
    house: House, officers: _Officers, households: Sequence[Household]
) -> None:
    """Somebody has read the households, masked and unmasked, and all of it is on record."""
    reader = officers.village
    for household in households:
        await reader.get(f"/registry/v1/households/{household.id}")
        for member in household.members:
            await reader.get(f"/registry/v1/persons/{member.id}/unmasked", purpose="visit")
    for log in house.process.access_logs.values():
        await log.flush()
    for database in house.process.databases.values():
        await seal(database)
