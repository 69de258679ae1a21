"""The envelope: what the relay writes is what a consumer, and the CloudEvents SDK, reads."""

import json
from datetime import datetime
from pathlib import Path

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary
from cloudevents.core.formats.json import JSONFormat

from libs.common.events.bus import Record
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.catalogue.solar import PvRevenueSettled
from libs.common.events.envelope import UnknownType, Unreadable, decode
from libs.common.events.event import Event
from tests.contract import samples
from tests.contract.samples import a_record, an_employment

SAMPLES = [pytest.param(path, id=path.stem) for path in sorted(samples.FOLDER.glob("*.json"))]


def a_sample(event: type[Event], headers: dict[str, str | None] | None = None) -> Record:
    """The sample with some headers changed, or left out where None."""
    record = samples.read(samples.path_of(event))
    changed = record.headers | (headers or {})
    kept = {name: value for name, value in changed.items() if value is not None}
    return Record(record.topic, record.key, kept, record.value)


def structured(record: Record, **changes: object) -> Record:
    envelope = {
        name.removeprefix("ce_"): value
        for name, value in record.headers.items()
        if name != "content-type"
    }
    envelope |= {"datacontenttype": "application/json", "data": json.loads(record.value or b"")}
    headers = {"content-type": "application/CloudEvents+json; charset=utf-8"}
    return Record(record.topic, record.key, headers, json.dumps(envelope | changes).encode())


@pytest.mark.parametrize("path", SAMPLES)
def test_both_modes_say_the_same(path: Path) -> None:
    record = samples.read(path)
    assert decode(structured(record)) == decode(record)


@pytest.mark.parametrize("path", SAMPLES)
def test_the_cloudevents_sdk_reads_our_record_the_same(path: Path) -> None:
    record = samples.read(path)
    event = decode(record)
    headers = {name: value.encode() for name, value in record.headers.items()}
    judge = from_binary(
        KafkaMessage(headers, record.key.encode(), record.value or b""), JSONFormat()
    )
    assert judge.get_attributes() == {
        "specversion": "1.0",
        "id": str(event.event_id),
        "source": f"/weiyuan/{record.topic.split('.')[1]}",
        "type": event.type,
        "time": event.time,
        "datacontenttype": "application/json",
        "partitionkey": event.key,
        "traceparent": record.headers["ce_traceparent"],
    }
    assert judge.get_data() == json.loads(event.data())


def test_id_and_time_travel_in_the_envelope_alone() -> None:
    event = an_employment()
    assert {"event_id", "time", "type", "name"}.isdisjoint(json.loads(event.data()))
    assert decode(a_record(event, "weiyuan.employment.work.v1")) == event


def test_times_are_written_in_utc() -> None:
    local = datetime.fromisoformat("2019-06-17T08:30:00.5+08:00")
    event = an_employment().model_copy(update={"time": local})
    record = a_record(event, "weiyuan.employment.work.v1")
    assert record.headers["ce_time"] == "2019-06-17T00:30:00.500000Z"
    assert "ce_traceparent" not in record.headers


@pytest.mark.parametrize(
    ("headers", "value", "reason"),
    [
        pytest.param({"ce_id": None}, b"{}", "no CloudEvents attribute 'ce_id'", id="no id"),
        pytest.param({"ce_time": None}, b"{}", "no CloudEvents attribute 'ce_time'", id="no time"),
        pytest.param({"ce_specversion": "0.3"}, b"{}", "not CloudEvents 1.0", id="old envelope"),
        pytest.param({"ce_id": "7"}, None, "not a UUID", id="id of another kind"),
        pytest.param({"ce_time": "2019-06-17T08:30:00"}, None, "RFC 3339", id="no offset"),
        pytest.param({"ce_time": "yesterday"}, None, "RFC 3339", id="no instant"),
        pytest.param({"content-type": "text/csv"}, b"a,b", "neither JSON", id="other content"),
        pytest.param({}, b"", "data: json_invalid", id="empty"),
        pytest.param({}, b'{"version": 1', "data: json_invalid", id="cut off"),
        pytest.param({}, b"\xff\xfe", "data: json_invalid", id="not UTF-8"),
        pytest.param({}, b"[]", "data: model_type", id="not an object"),
        pytest.param(
            {"content-type": "application/cloudevents+json"}, b"{", "not JSON", id="broken"
        ),
        pytest.param(
            {"content-type": "application/cloudevents-batch+json"}, b"[]", "one", id="batch"
        ),
        pytest.param(
            {"ce_type": "weiyuan.household_employed.v2"}, None, "newer", id="next version"
        ),
    ],
)
def test_what_cannot_be_read_says_why(
    headers: dict[str, str | None], value: bytes | None, reason: str
) -> None:
    sample = a_sample(HouseholdEmployed, headers)
    record = Record(
        sample.topic, sample.key, sample.headers, value if value is not None else sample.value
    )
    with pytest.raises(Unreadable, match=reason):
        decode(record)


def test_a_record_without_data_is_unreadable() -> None:
    sample = a_sample(HouseholdEmployed)
    with pytest.raises(Unreadable, match="no data"):
        decode(Record(sample.topic, sample.key, sample.headers, None))
    with pytest.raises(Unreadable, match="no data"):
        decode(structured(sample, data=None))


def test_an_unreadable_value_is_named_by_place_and_never_shown() -> None:
    sample = a_sample(PvRevenueSettled)
    settled = json.loads(sample.value or b"")
    settled["shares"][1]["grid_fen"] = "张三"
    del settled["period"]
    broken = Record(sample.topic, sample.key, sample.headers, json.dumps(settled).encode())
    with pytest.raises(Unreadable) as refused:
        decode(broken)
    assert str(refused.value) == "period: missing; shares.1.grid_fen: int_type"


@pytest.mark.parametrize(
    "event_type", ["weiyuan.house_painted.v1", "org.example.created", "", "weiyuan..v1"]
)
def test_an_event_never_heard_of_is_told_from_a_broken_one(event_type: str) -> None:
    with pytest.raises(UnknownType):
        decode(a_sample(HouseholdEmployed, {"ce_type": event_type}))
