"""The canonical form: what a digest covers, and that it reads the same wherever it was written."""

from datetime import UTC, date, datetime, timedelta, timezone
from uuid import UUID

import pytest

from libs.common.records.chain import canonical, day_of, genesis, next_chain

SHANGHAI = timezone(timedelta(hours=8))
NOON = datetime(2019, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("row", "text"),
    [
        pytest.param({"b": 1, "a": 2}, '{"a":2,"b":1}', id="keys are sorted"),
        pytest.param(
            {"岗位": "保洁", "a": {"z": 1, "岗": [None]}}, None, id="Chinese stays as it is"
        ),
        pytest.param({"a": None, "b": 1}, '{"b":1}', id="null and absent are the same"),
        pytest.param(
            {"at": datetime(2019, 3, 1, 20, tzinfo=SHANGHAI)},
            '{"at":"2019-03-01T12:00:00.000000Z"}',
            id="an instant is in UTC with microseconds",
        ),
        pytest.param({"on": date(2019, 3, 1)}, '{"on":"2019-03-01"}', id="a day is a day"),
        pytest.param({"digest": b"\x00\xff"}, '{"digest":"00ff"}', id="bytes are hex"),
        pytest.param(
            {"id": UUID("0199A9E0-0000-7000-8000-00000000000A")},
            '{"id":"0199a9e0-0000-7000-8000-00000000000a"}',
            id="a uuid is in lower case",
        ),
    ],
)
def test_a_row_has_one_canonical_form(row: dict[str, object], text: str | None) -> None:
    wanted = text or '{"a":{"z":1,"岗":[null]},"岗位":"保洁"}'
    assert canonical(row).decode() == wanted


def test_what_has_no_canonical_form_is_refused() -> None:
    with pytest.raises(TypeError):
        canonical({"at": timedelta(1)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("no", 2),
        ("source", "access"),
        ("sealed_at", NOON + timedelta(microseconds=1)),
        ("rows", 4),
        ("digest", b"\x01" * 32),
    ],
)
def test_a_chain_covers_every_part_of_its_seal(name: str, value: object) -> None:
    seal = {"no": 1, "source": "audit", "sealed_at": NOON, "rows": 3, "digest": b"\x00" * 32}
    before = genesis("registry")
    assert next_chain(before, seal) != next_chain(before, seal | {name: value})


def test_two_services_never_share_a_chain() -> None:
    assert genesis("registry") != genesis("matching")


def test_a_day_ends_at_midnight_in_shanghai() -> None:
    assert day_of(datetime(2019, 3, 1, 15, 59, tzinfo=UTC)) == date(2019, 3, 1)
    assert day_of(datetime(2019, 3, 1, 16, 0, tzinfo=UTC)) == date(2019, 3, 2)
