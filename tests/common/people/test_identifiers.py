"""The bulk check: a verdict in its place for any JSON, and the column form of the same verdicts."""

import json
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from libs.common.people.code_tables import code_tables
from libs.common.people.identifiers import (
    IdentifierCheck,
    IdentifierVerdicts,
    answer,
    check_items,
)
from libs.common.people.resident_id import REASONS, WARNINGS, check
from libs.common.people.resident_id_bulk import resident_id_flags
from tests.common.people.numbers import ON, near_resident_ids
from tests.common.people.test_resident_id import INVALID_NUMBERS, VALID_NUMBERS, WARNED_NUMBERS

ODD_ITEMS = [
    pytest.param(None, "not_an_object", id="null"),
    pytest.param("621123199512319056", "not_an_object", id="bare text"),
    pytest.param([], "not_an_object", id="list"),
    pytest.param({}, "unknown_kind", id="empty object"),
    pytest.param({"kind": "passport", "value": "E1"}, "unknown_kind", id="unknown kind"),
    pytest.param({"kind": ["resident_id"], "value": "1"}, "unknown_kind", id="kind is a list"),
    pytest.param({"kind": {}, "value": "1"}, "unknown_kind", id="kind is an object"),
    pytest.param({"kind": None, "value": "1"}, "unknown_kind", id="kind is null"),
    pytest.param({"kind": "resident_id"}, "not_text", id="no value"),
    pytest.param({"kind": "resident_id", "value": None}, "not_text", id="value null"),
    pytest.param({"kind": "credit_code", "value": 9.1e300}, "not_text", id="value a number"),
    pytest.param({"kind": "credit_code", "value": [[{}]]}, "not_text", id="value nested"),
    pytest.param({"kind": "resident_id", "value": True}, "not_text", id="value a boolean"),
    pytest.param({"kind": "resident_id", "value": "\ud800" * 18}, "characters", id="surrogates"),
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
items = st.fixed_dictionaries(
    {"kind": st.sampled_from(["resident_id", "credit_code"]) | json_values, "value": json_values}
)


@pytest.mark.parametrize(("item", "reason"), ODD_ITEMS)
def test_an_odd_item_is_invalid_in_its_place(item: Any, reason: str) -> None:
    good = {"kind": "resident_id", "value": "621123199512319056"}
    verdicts = check_items([good, item, good], ON)
    assert [verdict.reasons for verdict in verdicts] == [(), (reason,), ()]
    assert reason in code_tables().messages


def test_the_answer_has_codes_in_order_and_an_offer_only_for_old_numbers() -> None:
    asked = [
        {"kind": "credit_code", "value": "N2621123MF7TE5TK29"},
        {"kind": "resident_id", "value": "62112319770505928x"},
        {"kind": "resident_id", "value": "621123951231905"},
    ]
    assert json.loads(answer(asked, ON))["items"] == [
        {"valid": True, "warnings": [], "reasons": []},
        {"valid": True, "warnings": ["lower_case_x"], "reasons": []},
        {
            "valid": False,
            "warnings": [],
            "reasons": ["fifteen_digits"],
            "converts_to": "621123199512319056",
        },
    ]


@settings(max_examples=30)  # each example is a whole request
@given(st.lists(items | json_values, min_size=1, max_size=20))
def test_whatever_json_comes_gets_its_verdict(asked: list[Any]) -> None:
    received = IdentifierCheck.model_validate_json(json.dumps({"items": asked}))
    answered = IdentifierVerdicts.model_validate_json(answer(received.items, ON))
    assert len(answered.items) == len(asked)
    assert all(verdict.valid == (not verdict.reasons) for verdict in answered.items)


@pytest.mark.parametrize(
    ("count", "accepted"),
    [
        pytest.param(0, False, id="none"),
        pytest.param(1, True, id="one"),
        pytest.param(1000, True, id="a thousand"),
        pytest.param(1001, False, id="one more"),
    ],
)
def test_one_to_a_thousand_items_are_taken(count: int, accepted: bool) -> None:
    if accepted:
        assert len(IdentifierCheck(items=[None] * count).items) == count
    else:
        with pytest.raises(ValidationError):
            IdentifierCheck(items=[None] * count)


def _column_verdicts(numbers: list[str | None]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    flags = resident_id_flags(pl.Series(numbers, dtype=pl.String), ON)
    reasons, warnings = _set_in(flags, REASONS), _set_in(flags, WARNINGS)
    assert flags["valid"].to_list() == [not each for each in reasons]
    return list(zip(reasons, warnings, strict=True))


def _set_in(flags: pl.DataFrame, codes: tuple[str, ...]) -> list[tuple[str, ...]]:
    rows = flags.select(codes).iter_rows()
    return [tuple(code for code, is_set in zip(codes, row, strict=True) if is_set) for row in rows]


def _single_verdicts(numbers: list[str | None]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    verdicts = [check(number, ON) for number in numbers]
    return [(verdict.reasons, verdict.warnings) for verdict in verdicts]


def test_the_column_gives_the_single_verdicts_for_every_listed_number() -> None:
    listed = [case.values[0] for case in (*VALID_NUMBERS, *WARNED_NUMBERS, *INVALID_NUMBERS)]
    numbers = [number for number in listed if number is None or isinstance(number, str)]
    assert len(numbers) > 40
    assert _column_verdicts(numbers) == _single_verdicts(numbers)


@given(st.lists(near_resident_ids(), max_size=30))
def test_the_column_gives_the_single_verdicts_for_anything(numbers: list[str | None]) -> None:
    assert _column_verdicts(numbers) == _single_verdicts(numbers)
