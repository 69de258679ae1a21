"""The first journey, walked over HTTP with one token a step and told in a few lines."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pydantic import BaseModel

from cli.api import Api, Refused
from cli.tokens import Claims, token
from libs.common.contracts import HouseholdFacts, LabourAbility
from libs.common.http.roles import Role

_ON = "2019-06-01"
_WISH = {"signed_on": "2019-05-10", "text": "post-wish-1"}
_CIRCUMSTANCES = {"cannot_leave": True, "no_work_here": True, "cannot_rise": True}
_ABLE = (LabourAbility.ORDINARY, LabourAbility.SKILLED, LabourAbility.WEAK)
_MET_WITHIN = 60.0
_SLIP = {"period": "2019-06", "kwh": "38000.500", "grid_fen": 1169655, "subsidy_fen": 1680422}


class Link(BaseModel, frozen=True):
    """Where a step can be looked at; `role` and `division` say whose token it takes."""

    path: str
    role: Role | None = None
    division: str | None = None


class Step(BaseModel, frozen=True):
    zh: str
    en: str
    links: list[Link] = []


@dataclass(frozen=True)
class Places:
    """The villages the journey goes to: one that may have posts, one that may not."""

    village: str
    other: str

    @property
    def town(self) -> str:
        return self.village[:9]

    @property
    def county(self) -> str:
        return self.village[:6]


class Tour:
    """One walk; its keys make a walk that was broken off go on where it stood."""

    def __init__(self, home: Path, http: httpx.AsyncClient, places: Places, walk: str) -> None:
        self._home, self._http, self._at, self._walk = home, http, places, walk
        self._village = self._caller(Role.VILLAGE_OFFICER, places.village)
        self._town = self._caller(Role.TOWN_OFFICER, places.town)
        self._county = self._caller(Role.COUNTY_OFFICER, places.county)
        self._finance = self._caller(Role.FINANCE_OFFICER, places.county)
        self._steps: list[Step] = []

    async def walk(self) -> list[Step]:
        family, neighbour = await self._families()
        await self._publish(neighbour, "neighbour")
        need = await self._publish(family, "family")
        self._tell_needs()
        appointment = await self._appoint(family)
        await self._meet(need, appointment)
        await self._end(need, appointment)
        await self._refuse()
        await self._settle()
        return self._steps

    def _caller(self, role: Role, division: str) -> Api:
        return Api(self._http, token(self._home, Claims(role, division)))

    def _key(self, step: str) -> str:
        return f"tour-{self._walk}-{step}"

    def _tell(self, zh: str, en: str, *links: Link) -> None:
        self._steps.append(Step(zh=zh, en=en, links=list(links)))

    def _as_village(self, path: str) -> Link:
        return Link(path=path, role=Role.VILLAGE_OFFICER, division=self._at.village)

    async def _families(self) -> list[HouseholdFacts]:
        """Two registered households in which nobody works and somebody could."""
        page = await self._village.get(
            "/registry/v1/households", division=self._at.village, limit=200
        )
        found: list[HouseholdFacts] = []
        for listed in page["items"]:
            path = f"/registry/v1/households/{listed['id']}/facts"
            facts = HouseholdFacts.model_validate(await self._village.get(path, on=_ON))
            if facts.registered and facts.working == 0 and _willing(facts):
                found.append(facts)
            if len(found) == 2:
                return found
        raise LookupError(f"{self._at.village} has no two households in which nobody works")

    async def _publish(self, facts: HouseholdFacts, name: str) -> str:
        """登记, 核实, 发布: captured and verified by the village, published by the town."""
        order = {
            "household_id": str(facts.household_id),
            "category": "job",
            "consent": {
                "person_id": str(_willing(facts)),
                "text": "need-publication-1",
                "given_on": "2019-05-01",
            },
        }
        captured = await self._village.post(
            "/matching/v1/needs", order, key=self._key(f"{name}-capture")
        )
        path = f"/matching/v1/needs/{captured['id']}"
        await self._village.post(f"{path}/verify", version=1, key=self._key(f"{name}-verify"))
        await self._town.post(f"{path}/publish", version=2, key=self._key(f"{name}-publish"))
        return path

    def _tell_needs(self) -> None:
        self._tell(
            "两户无人就业：村里登记并核实其就业需求，由镇上另一名干部发布。",
            "Two households in which nobody works: the village captured and verified their need "
            "of a job, an officer of the town published it.",
            Link(path="/matching/v1/needs"),
        )

    async def _appoint(self, facts: HouseholdFacts) -> Mapping[str, Any]:
        order = {
            "division": self._at.village,
            "fund": "provincial",
            "category": "road",
            "on": "2019-05-20",
        }
        post = await self._county.post("/employment/v1/posts", order, key=self._key("post"))
        nomination = await self._village.post(
            f"/employment/v1/posts/{post['id']}/nominations",
            {
                "household_id": str(facts.household_id),
                "person_id": str(_willing(facts)),
                "wish": _WISH,
                "circumstances": _CIRCUMSTANCES,
                "no_conflict_of_interest": True,
            },
            key=self._key("nominate"),
        )
        appointed: Mapping[str, Any] = await self._county.post(
            f"/employment/v1/nominations/{nomination['id']}/appoint",
            {"since": _ON, "until": "2022-05-31"},
            key=self._key("appoint"),
        )
        return appointed

    async def _meet(self, need: str, appointed: Mapping[str, Any]) -> None:
        began = time.monotonic()
        await self._heard(need, appointed["event_id"])
        waited = int((time.monotonic() - began) * 1000)
        appointment = f"/employment/v1/appointments/{appointed['id']}"
        self._tell(
            "县上聘用其中一人到乡村公益性岗位，逐条依据留存；"
            f"{waited} 毫秒后需求自动变为“已满足”。",
            "The county appointed a member to a public-welfare post, each clause decided and kept; "
            f"{waited} ms later the need was met by itself.",
            self._as_village(appointment),
        )

    async def _heard(self, path: str, event_id: str) -> Any:
        """Read once the board has the event; after a large import it may have much to read."""
        deadline = time.monotonic() + _MET_WITHIN
        while True:
            try:
                return await self._village.get(path, after=event_id)
            except Refused as refused:
                if refused.code != "not_yet" or time.monotonic() > deadline:
                    raise

    async def _end(self, need: str, appointed: Mapping[str, Any]) -> None:
        ended = await self._county.post(
            f"/employment/v1/appointments/{appointed['id']}/end",
            {"ended_on": "2019-09-30"},
            key=self._key("end"),
        )
        await self._heard(need, ended["event_id"])
        self._tell(
            "后来离岗（不问原因）：需求退回草稿，由村里重新核实；每次变化都有原因可查。",
            "Later the post was left (nobody asks why): the need came back as a draft to verify, "
            "each change with its cause.",
            self._as_village(f"{need}/history"),
        )

    async def _refuse(self) -> None:
        order = {
            "division": self._at.other,
            "fund": "provincial",
            "category": "road",
            "on": "2019-05-20",
        }
        try:
            await self._county.post("/employment/v1/posts", order, key=self._key("refused"))
        except Refused as refused:
            if refused.code != "refused":
                raise
            clauses = ", ".join(refused.problem["clauses"])
            decision = refused.problem["decision"]
            self._tell(
                f"“其他村”不能设岗：系统拒绝，并指明条款 {clauses}。",
                f"A post in a village of the class “other” was refused, citing {clauses}.",
                Link(
                    path=f"/employment/v1/decisions/{decision}",
                    role=Role.COUNTY_OFFICER,
                    division=self._at.county,
                ),
            )

    async def _settle(self) -> None:
        station = await self._county.post(
            "/solar/v1/stations",
            {
                "division": self._at.village,
                "name": "样本电站",
                "kw": "300",
                "connected_on": "2019-01-15",
            },
            key=self._key("station"),
        )
        slip = {"station_id": station["id"], **_SLIP}
        entered = await self._county.post(
            "/solar/v1/settlements", slip, key=self._key("settlement")
        )
        path = f"/solar/v1/settlements/{entered['id']}/confirm"
        confirmed = await self._finance.post(path, key=self._key("confirm"))
        card = f"/matching/v1/villages/{self._at.village}"
        await self._heard(card, confirmed["event_id"])
        self._tell(
            "光伏电站六月电费 28,500.77 元，一人录入、财政确认，已列入村情卡。",
            "A month of a solar station, 28,500.77 yuan, entered by one officer and confirmed by "
            "another, stands on the village's card.",
            Link(path=card),
        )


def _willing(facts: HouseholdFacts) -> Any:
    """A member who may be put forward for a post 公益性岗位, if there is one."""
    for member in facts.members:
        outside = (member.subsistence, member.cadre, member.cadre_family, facts.subsistence)
        if member.able in _ABLE and (member.age or 0) >= 18 and not any(outside):
            return member.person_id
    return None
