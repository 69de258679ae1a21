"""Masked answers show what is needed and rebuild nobody."""

import uuid
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.people.masking import (
    HIDDEN,
    age_on,
    masked_name,
    masked_value,
    scrub,
)
from tests.common.people.numbers import a_resident_id, resident_ids

NUMBER = a_resident_id()
phones = st.from_regex(r"\A1[3-9][0-9]{9}\Z").filter(str.isascii)


@pytest.mark.parametrize(
    ("name", "masked"),
    [
        pytest.param("张三", "张*", id="two characters"),
        pytest.param("王小明", "王*", id="three characters, one star"),
        pytest.param("欧阳小明", "欧阳*", id="compound surname"),
        pytest.param("司马光", "司马*", id="compound surname, short name"),
        pytest.param("欧阳", "欧*", id="two characters are surname and name"),
        pytest.param("买买提·艾力", "买*", id="no surname"),
        pytest.param("李", "李*", id="one character"),
        pytest.param("", "*", id="none"),
    ],
)
def test_a_name_keeps_its_surname(name: str, masked: str) -> None:
    assert masked_name(name) == masked


@pytest.mark.parametrize(
    ("birth", "on", "age"),
    [
        pytest.param(date(1995, 12, 31), date(2019, 12, 30), 23, id="the day before"),
        pytest.param(date(1995, 12, 31), date(2019, 12, 31), 24, id="the birthday"),
        pytest.param(date(2000, 2, 29), date(2019, 2, 28), 18, id="29 February, not yet"),
        pytest.param(date(2000, 2, 29), date(2019, 3, 1), 19, id="29 February, 1 March"),
        pytest.param(date(2019, 6, 1), date(2019, 6, 1), 0, id="born today"),
    ],
)
def test_age_is_in_full_years(birth: date, on: date, age: int) -> None:
    assert age_on(birth, on) == age


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        pytest.param("62112319951231905", "#################", id="17 digits"),
        pytest.param("62112319951231905X", "#################x", id="an id"),
        pytest.param("张三 138", "某某 ###", id="name and digits"),
        pytest.param("２０１９年", "####某", id="full width"),
        pytest.param("2019-02-30", "####-##-##", id="a date"),
        pytest.param("9" * 21, "#" * 20 + "…", id="long"),
        pytest.param("a\n\0é😀", "x??x?", id="what cannot be shown"),
        pytest.param("", "", id="empty"),
    ],
)
def test_a_refused_value_shows_its_shape(value: str, shape: str) -> None:
    assert masked_value(value) == shape


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        pytest.param(f"id {NUMBER} twice", "id *** twice", id="18 digits"),
        pytest.param("62112319770505928X,62112319770505928x", "***,***", id="check X"),
        pytest.param("old 621123951231905.", "old ***.", id="15 digits"),
        pytest.param(f"resident_id_{NUMBER}", "resident_id_***", id="glued to a word"),
        pytest.param(f"身份证{NUMBER}号", "身份证***号", id="glued to Chinese"),
        pytest.param("621123 19951231 9056", "***", id="in groups"),
        pytest.param("６２１１２３１９９５１２３１９０５６", "***", id="full width"),
        pytest.param(NUMBER + NUMBER, "***", id="two in one"),
        pytest.param(f"{NUMBER}44", "***", id="disabled person's 20 digits"),
        pytest.param("call 13812345678 now", "call *** now", id="phone"),
        pytest.param("+86 138-1234-5678", "+86 ***", id="phone in groups"),
        pytest.param("+8613812345678", "+***", id="phone with country code"),
        pytest.param("013812345678", "***", id="phone behind a zero"),
        pytest.param("6222021234567890123", "***", id="account"),
        pytest.param("6222 0212 3456 7890 123", "***", id="account in groups"),
    ],
)
def test_free_text_loses_what_identifies(text: str, scrubbed: str) -> None:
    assert scrub(text) == scrubbed


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("018f3c2e-9b1a-7c3d-8e4f-123456789012", id="uuid"),
        pytest.param("018F3C2E-9B1A-7C3D-8E4F-13812345678A", id="uuid in capitals"),
        pytest.param("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", id="traceparent"),
        pytest.param("a1234567890123456789012345678901234567890123456789", id="digest"),
        pytest.param("621123100200", id="village code"),
        pytest.param("in 621123100 and 621123", id="town and county codes"),
        pytest.param("amount_fen=15000000000", id="fen like a phone"),
        pytest.param('{"total_fen": 999999999999}', id="fen of 12 digits"),
        pytest.param("2019-03-01T12:00:00.123456Z", id="instant"),
        pytest.param("2019-03-01 12:00:00.123456+00:00", id="instant of a database"),
        pytest.param("took 0.0012345678901234 s", id="a fraction"),
        pytest.param("127.0.0.1:54321", id="address"),
        pytest.param("weiyuan.registry.household.v1 12345", id="topic and offset"),
        pytest.param("", id="empty"),
    ],
)
def test_free_text_keeps_what_identifies_nobody(text: str) -> None:
    assert scrub(text) == text


@given(resident_ids(), phones)
def test_no_masked_answer_rebuilds_an_identifier(number: str, phone: str) -> None:
    assert not any(each.isdigit() for each in masked_value(number))
    assert not any(each.isdigit() for each in masked_value(phone))


@given(
    st.text(st.characters(exclude_categories=["Nd"]), max_size=10),
    resident_ids() | phones,
    st.text(st.characters(exclude_categories=["Nd"]), max_size=10),
)
def test_no_identifier_survives_in_any_text(before: str, number: str, after: str) -> None:
    kept = scrub(f"{before} {number} {after}")
    assert number not in kept
    assert HIDDEN in kept


@given(st.uuids())
def test_no_uuid_is_harmed(one: uuid.UUID) -> None:
    assert scrub(f"subject={one}") == f"subject={one}"
