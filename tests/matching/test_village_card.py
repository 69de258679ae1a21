"""The village card follows registry and solar, whichever is heard first."""

from datetime import date
from itertools import permutations

from libs.common.events.catalogue.registry import (
    VillageClass,
    VillageReclassified,
    VillageRegistered,
    village_id,
)
from libs.common.events.catalogue.solar import (
    PvRevenueSettled,
    PvStationConnected,
    StationKind,
    VillagePower,
    VillageShare,
)
from libs.common.events.event import Event
from libs.common.ids import new_id
from tests.house import House

FIRST, SECOND = "621123100301", "621123100302"


def a_year_of(village: str) -> list[Event]:
    """A village classed anew, with half of a joint station and a corrected settlement."""
    station, settlement = new_id(), new_id()
    place = {"aggregate_id": village_id(village), "division": village}
    power = tuple(VillagePower(division=each, kw="150") for each in (village, SECOND))

    def settled(version: int, fen: int) -> PvRevenueSettled:
        shares = tuple(
            VillageShare(division=each, grid_fen=fen, subsidy_fen=2 * fen)
            for each in (village, SECOND)
        )
        return PvRevenueSettled(
            aggregate_id=settlement,
            version=version,
            station_id=station,
            period="2019-06",
            kwh="38000.500",
            grid_fen=2 * fen,
            subsidy_fen=4 * fen,
            shares=shares,
        )

    return [
        VillageRegistered.model_validate(place | {"version": 1}),
        VillageReclassified.model_validate(
            place | {"version": 2, "village_class": VillageClass.DEEP, "since": date(2018, 1, 1)}
        ),
        PvStationConnected(
            aggregate_id=station,
            version=1,
            station_id=station,
            division=village,
            kind=StationKind.JOINT,
            kw="300",
            villages=power,
            since=date(2019, 1, 15),
        ),
        settled(1, 100),
        settled(2, 120),
    ]


async def test_the_card_is_the_same_in_any_order(house: House) -> None:
    for number, order in enumerate(list(permutations(range(5)))[::17]):
        village = str(int(FIRST) + 10 + number)
        events = a_year_of(village)
        for place in order:
            await house.hear(events[place])
        card = await house.anybody().get(f"/matching/v1/villages/{village}")
        assert card["class"] == "deep"
        assert [station["kw"] for station in card["solar_stations"]] == ["150.000"]
        months = [
            (m["month"], m["kwh"], m["grid_fen"], m["subsidy_fen"]) for m in card["solar_revenue"]
        ]
        assert months == [("2019-06", "38000.500", 120, 240)], order


async def test_each_village_of_a_joint_station_sees_its_own_share(house: House) -> None:
    await house.hear(
        *a_year_of(FIRST),
        VillageRegistered(aggregate_id=village_id(SECOND), version=1, division=SECOND),
    )
    for village in (FIRST, SECOND):
        card = await house.anybody().get(f"/matching/v1/villages/{village}")
        assert card["solar_revenue"][0]["grid_fen"] == 120
