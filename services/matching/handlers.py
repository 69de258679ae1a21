"""What the need board hears: for each class of events, the facts to keep of them."""

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    FromClause,
    Insert,
    Numeric,
    Text,
    cast,
    func,
    literal,
    null,
)
from sqlalchemy.sql import column

from libs.common.events.catalogue.employment import HouseholdEmployed, HouseholdEmploymentEnded
from libs.common.events.catalogue.registry import (
    HouseholdRegistered,
    HouseholdUpdated,
    VillageReclassified,
    VillageRegistered,
)
from libs.common.events.catalogue.solar import PvRevenueSettled, PvStationConnected
from libs.common.events.reaction import Reaction, newest
from services.matching.models import revenue, situation, station, village, work
from services.matching.reconcile import reconcile


def household_known(events: FromClause) -> Insert:
    """Where a household lives and how many of it can work."""
    names = ("division", "status", "registered", "members", "workers", "able")
    values = {name: events.c[name] for name in names}
    return newest(situation, events, {"household_id": events.c.aggregate_id} | values)


def village_known(events: FromClause) -> Insert:
    """A village's class; its rows are known by their code."""
    values = {
        "division": events.c.division,
        "class": events.c.village_class,
        "since": events.c.since,
    }
    return newest(village, events, values)


def work_began(events: FromClause) -> Insert:
    return _work(events, HouseholdEmployed.type, ended_on=cast(null(), Date))


def work_ended(events: FromClause) -> Insert:
    return _work(events, HouseholdEmploymentEnded.type, ended_on=events.c.ended_on)


def _work(events: FromClause, event_type: str, ended_on: ColumnElement[Any]) -> Insert:
    """An employment carries its whole state, so the newest event of it is enough."""
    names = ("household_id", "person_id", "channel", "monthly_income_fen", "since")
    values = {name: events.c[name] for name in names} | {
        "id": events.c.aggregate_id,
        "ended_on": ended_on,
        "event_id": events.c.event_id,
        "event_type": literal(event_type),
    }
    return newest(work, events, values)


def station_connected(events: FromClause) -> Insert:
    part = _parts(events.c.villages, division=Text, kw=Numeric)
    values = {
        "station_id": events.c.station_id,
        "division": part.c.division,
        "kw": part.c.kw,
        "since": events.c.since,
    }
    return newest(station, events, values)


def revenue_settled(events: FromClause) -> Insert:
    """Each village's share of a settled month; the energy is the station's."""
    share = _parts(events.c.shares, division=Text, grid_fen=BigInteger, subsidy_fen=BigInteger)
    values = {
        "settlement_id": events.c.aggregate_id,
        "division": share.c.division,
        "station_id": events.c.station_id,
        "month": events.c.period,
        "kwh": cast(events.c.kwh, Numeric),
        "grid_fen": share.c.grid_fen,
        "subsidy_fen": share.c.subsidy_fen,
    }
    return newest(revenue, events, values)


def _parts(parts: ColumnElement[Any], **columns: Any) -> Any:
    """The parts inside an event as rows beside it."""
    listed = [column(name, type_) for name, type_ in columns.items()]
    rows = func.jsonb_to_recordset(parts).table_valued(*listed, name="part")
    return rows.render_derived(with_types=True)


REACTION = Reaction(
    handlers={
        VillageRegistered: village_known,
        VillageReclassified: village_known,
        HouseholdRegistered: household_known,
        HouseholdUpdated: household_known,
        HouseholdEmployed: work_began,
        HouseholdEmploymentEnded: work_ended,
        PvStationConnected: station_connected,
        PvRevenueSettled: revenue_settled,
    },
    reconcile=reconcile,
)
