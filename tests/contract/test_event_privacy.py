"""What may be known on the bus: no name, identifier, contact or illness fits into an event."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from libs.common.events.catalogue import EVENTS
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.catalogue.matching import NeedPublished, Unit
from libs.common.events.event import Event
from libs.common.events.reference import schema_of
from libs.common.ids import new_id
from tests.contract.samples import an_employment

CLASSES = [pytest.param(event, id=event.name) for event in EVENTS.values()]

ALLOWED = {
    "id": "aggregate_id household_id person_id employment_id undertaking_id workshop_id station_id"
    " lot_id contract_id need_id offer_id",
    "version": "version",
    "date": "since until ended_on sold_on delivered_on",
    "month": "month period",
    "year": "year",
    "village code": "division from_division",
    "division code": "area",
    "code": "village_class status attributes measure category channel kind course use product"
    " grade unit outcome",
    "clause id": "clause",
    "count": "members workers able places",
    "see unit": "quantity",
    "yes or no": "registered rights_kept",
    "fen 分": "amount_fen monthly_income_fen monthly_fen grid_fen subsidy_fen",
    "kWh": "kwh",
    "kW": "kw",
    "parts": "shares villages uses",
}
"""Every field there may be, by what it holds: a new one is added after asking what it tells."""

PRIVATE = re.compile(
    r"(^|_)(names?|phone|mobile|tel|e?mail|address|number|card|identity|account|bank|birth|age|sex"
    r"|gender|ethnic|nation|religion|belief|health|ill|illness|disability|disease|diagnosis|photo"
    r"|note|remark|text|reason|title)(_|$)"
)
ENVELOPE = {"event_id", "time"}
FREE = ["张三", "Zhang San", "ZHANG-SAN", "zhang san", "13812345678", "621123199512319056", ""]


def leaves(event: type[Event]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field of an event and of its parts, without null and lists around it."""
    schema = schema_of(event)
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part["properties"].items():
            value = field.get("anyOf", [field])[0]
            yield name, value.get("items", value)


def holds(value: dict[str, Any]) -> str:
    if "$ref" in value:
        return "parts"
    return str(value.get("x-unit") or {"uuid": "id"}.get(value["format"], value["format"]))


@pytest.mark.parametrize("event", CLASSES)
def test_every_field_is_on_the_allow_list(event: type[Event]) -> None:
    allowed = {(name, kind) for kind, names in ALLOWED.items() for name in names.split()}
    assert {(name, holds(value)) for name, value in leaves(event)} <= allowed


def test_the_allow_list_holds_nothing_that_is_gone() -> None:
    used = {name for event in EVENTS.values() for name, _ in leaves(event)}
    assert set(" ".join(ALLOWED.values()).split()) == used


@pytest.mark.parametrize("event", CLASSES)
def test_no_field_is_called_what_is_private_or_the_envelopes(event: type[Event]) -> None:
    assert [name for name, _ in leaves(event) if PRIVATE.search(name) or name in ENVELOPE] == []


@pytest.mark.parametrize("event", CLASSES)
def test_no_field_takes_a_name_or_an_identifier(event: type[Event]) -> None:
    for name, value in leaves(event):
        match value:
            case {"type": "string", "pattern": pattern}:
                fits = [text for text in FREE if re.search(pattern, text)]
                assert (name, fits) == (name, ["13812345678"] if name == "kwh" else [])
            case {"type": "string"}:
                assert value["format"] in {"uuid", "date"}, name
            case {"type": "integer"}:
                assert value["maximum"] < 10**17, f"{name} would take an id number"
            case _:
                assert "$ref" in value or value["type"] == "boolean", name


@pytest.mark.parametrize("event", CLASSES)
def test_every_list_has_an_end(event: type[Event]) -> None:
    fields = schema_of(event)["properties"].values()
    assert all("maxItems" in field for field in fields if field.get("type") == "array")


def test_a_publisher_can_not_send_a_code_that_is_not_listed() -> None:
    with pytest.raises(ValueError, match="space_work is not one of"):
        HouseholdEmployed(**an_employment().model_dump() | {"channel": "space_work"})


@pytest.mark.parametrize("category", ["medical", "disability_aid", "other"])
def test_a_need_that_would_reveal_an_illness_travels_as_other(category: str) -> None:
    need = NeedPublished(
        aggregate_id=new_id(),
        version=1,
        need_id=new_id(),
        household_id=new_id(),
        division="621123100201",
        category=category,
        quantity=1,
        unit=Unit.ITEM,
    )
    assert json.loads(need.data())["category"] == "other"
    newer = need.data().replace(b'"other"', f'"{category}"'.encode())
    assert NeedPublished.receive(newer, event_id=need.event_id, time=need.time).category == "other"
