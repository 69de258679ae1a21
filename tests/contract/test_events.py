"""The catalogue as a contract: what was published once stays readable for ever."""

import json
import re
from pathlib import Path

import pytest

from libs.common.events.bus import Record
from libs.common.events.catalogue import (
    EVENTS,
    PUBLISHERS,
    TOPICS,
    publishers_of,
    topic_of,
    topics_of,
)
from libs.common.events.catalogue.employment import HouseholdEmployed, HouseholdEmploymentEnded
from libs.common.events.catalogue.matching import NeedPublished
from libs.common.events.catalogue.registry import HouseholdRegistered, PovertyStatus, village_id
from libs.common.events.envelope import decode
from libs.common.events.event import Event
from libs.common.ids import new_id
from tests.contract import samples
from tests.contract.samples import a_record, an_employment

SAMPLES = [pytest.param(path, id=path.stem) for path in sorted(samples.FOLDER.glob("*.json"))]
CLASSES = [pytest.param(event, id=event.name) for event in EVENTS.values()]


def test_each_event_has_a_sample_and_each_sample_an_event() -> None:
    assert {path.stem for path in samples.FOLDER.iterdir()} == {e.name for e in EVENTS.values()}


@pytest.mark.parametrize("path", SAMPLES)
def test_what_was_published_is_read_in_full(path: Path) -> None:
    record = samples.read(path)
    event = decode(record)
    published, read = json.loads(record.value or b""), json.loads(event.data())
    assert {name: read.get(name) for name in published} == published
    assert event.name == path.stem
    assert event.key == record.key
    assert record.topic in topics_of([type(event)])


@pytest.mark.parametrize("path", SAMPLES)
def test_what_is_published_today_looks_as_it_did(path: Path) -> None:
    record = samples.read(path)
    again = a_record(decode(record), record.topic, record.headers["ce_traceparent"])
    assert (again.topic, again.key, again.headers) == (record.topic, record.key, record.headers)


@pytest.mark.parametrize("path", SAMPLES)
def test_fields_of_a_newer_publisher_are_passed_over(path: Path) -> None:
    record = samples.read(path)
    newer = json.loads(record.value or b"") | {"added_later": {"deep": [1]}, "name": "none"}
    read = decode(Record(record.topic, record.key, record.headers, json.dumps(newer).encode()))
    assert read == decode(record)


def test_a_code_of_a_newer_publisher_is_kept_as_it_came() -> None:
    event = an_employment()
    newer = event.data().replace(b'"public_post"', b'"space_work"')
    read = HouseholdEmployed.receive(newer, event_id=event.event_id, time=event.time)
    assert read.channel == "space_work"


def test_a_need_of_the_village_itself_is_keyed_by_the_village() -> None:
    published = decode(samples.read(samples.path_of(NeedPublished)))
    own = published.model_copy(update={"household_id": None})
    assert own.key == "621123100201"


def test_a_village_has_the_same_id_everywhere() -> None:
    assert str(village_id("621123100201")) == "1dac8bdb-b6fc-5b1a-8e8d-94b380fc2aaf"


@pytest.mark.parametrize("event", CLASSES)
def test_an_event_is_named_as_its_class_and_keyed_by_a_field(event: type[Event]) -> None:
    assert event.name == re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
    assert event.type == f"weiyuan.{event.name}.v1"
    assert event.key_field in event.model_fields


def test_an_ended_employment_says_all_that_a_running_one_does() -> None:
    state = HouseholdEmployed.model_fields.keys()
    assert HouseholdEmploymentEnded.model_fields.keys() == state | {"ended_on"}


def test_every_topic_is_its_publishers_own() -> None:
    for service, published in PUBLISHERS.items():
        for event, topic in published.items():
            assert re.fullmatch(rf"weiyuan\.{service}\.[a-z]+\.v1", topic), event.name
    assert set(TOPICS) == {topic for p in PUBLISHERS.values() for topic in p.values()}


def test_an_event_goes_to_each_publishers_own_topic() -> None:
    assert publishers_of(HouseholdEmployed) == ("employment", "solar", "commerce")
    assert topic_of("solar", HouseholdEmployed) == "weiyuan.solar.work.v1"
    assert set(topics_of([HouseholdEmployed, HouseholdRegistered])) == {
        "weiyuan.registry.household.v1",
        "weiyuan.employment.work.v1",
        "weiyuan.solar.work.v1",
        "weiyuan.commerce.work.v1",
    }


@pytest.mark.parametrize("service", ["matching", "console"])
def test_a_service_cannot_publish_what_is_not_its_own(service: str) -> None:
    with pytest.raises(LookupError, match=f"{service} does not publish household_employed"):
        topic_of(service, HouseholdEmployed)


def test_a_sample_that_exists_is_never_written_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "FOLDER", tmp_path)
    kept = tmp_path / "household_employed.json"
    kept.write_text("as it was", "utf-8")
    samples.write_missing()
    assert kept.read_text("utf-8") == "as it was"
    assert len(list(tmp_path.iterdir())) == len(EVENTS)


def test_a_publisher_hands_over_the_codes_it_has_names_for() -> None:
    household = HouseholdRegistered(
        aggregate_id=new_id(),
        version=1,
        household_id=new_id(),
        division="621123100201",
        status=PovertyStatus.POOR,
        registered=True,
    )
    assert json.loads(household.data())["status"] == "poor"
    assert json.loads(household.data())["members"] is None
