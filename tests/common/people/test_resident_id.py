"""GB 11643-1999, against the lists of the domain rules and an independent implementation."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.exceptions import ValidationError

from libs.common.people.code_tables import code_tables
from libs.common.people.resident_id import (
    REASONS,
    WARNINGS,
    Sex,
    birth_of,
    check,
    check_digit_of,
    normalise,
    sex_of,
)
from libs.common.people.verdict import VALID
from tests.common.people.numbers import ON, a_resident_id, resident_ids

VALID_NUMBERS = [
    pytest.param("621123196802299010", "male", date(1968, 2, 29), id="Part 0.1 item 1"),
    pytest.param("621102194003159029", "female", date(1940, 3, 15), id="Part 3 安定"),
    pytest.param("621121200411049037", "male", date(2004, 11, 4), id="Part 3 通渭"),
    pytest.param("621122198806309047", "female", date(1988, 6, 30), id="Part 3 陇西"),
    pytest.param("621123199512319056", "male", date(1995, 12, 31), id="Part 3 渭源"),
    pytest.param("621124197010109064", "female", date(1970, 10, 10), id="Part 3 临洮"),
    pytest.param("621125200002299073", "male", date(2000, 2, 29), id="Part 3 漳县, leap century"),
    pytest.param("621126198311189085", "female", date(1983, 11, 18), id="Part 3 岷县"),
    pytest.param("621123201808099099", "male", date(2018, 8, 9), id="Part 3 child"),
    pytest.param("62112319770505928X", "female", date(1977, 5, 5), id="Part 3 check X"),
    pytest.param("11010519491231002X", "female", date(1949, 12, 31), id="the standard's first"),
    pytest.param("810000199408230021", "female", date(1994, 8, 23), id="Hong Kong residence"),
    pytest.param(a_resident_id("830000"), "male", date(1995, 12, 31), id="Taiwan residence"),
    pytest.param(a_resident_id("710000"), "male", date(1995, 12, 31), id="71 exists"),
]

WARNED_NUMBERS = [
    pytest.param("622424195407189101", ["county_unknown"], id="Part 3 historic 6224"),
    pytest.param("62242619720115903X", ["county_unknown"], id="Part 3 historic 6224, X"),
    pytest.param("621199199512319053", ["county_unknown"], id="Part 3 region unknown"),
    pytest.param("440524188001010014", ["county_unknown"], id="the standard's second, historic"),
    pytest.param("62112319770505928x", ["lower_case_x"], id="Part 0.1 item 21"),
    pytest.param(a_resident_id("621100"), ["county_unknown"], id="a prefecture is no county"),
    pytest.param(a_resident_id("620824"), ["county_unknown"], id="华亭县, a city since 2018"),
    pytest.param(a_resident_id("110199"), ["county_unknown"], id="another province"),
    pytest.param("62242619720115903x", ["lower_case_x", "county_unknown"], id="both"),
]

INVALID_NUMBERS = [
    pytest.param("621123199512319055", ["check_digit"], id="Part 3 check digit"),
    pytest.param("621123199512319506", ["check_digit"], id="Part 3 swapped digits"),
    pytest.param("621123196802299016", ["check_digit"], id="Part 0.1 item 1, as first listed"),
    pytest.param("621123196602299016", ["birth_date"], id="Part 3 29 Feb 1966"),
    pytest.param("621123199513019055", ["birth_date"], id="Part 3 month 13"),
    pytest.param("621123199504319056", ["birth_date"], id="Part 3 31 April"),
    pytest.param("621123209912319051", ["birth_in_future"], id="Part 3 future"),
    pytest.param("621123199512310000", ["sequence_zero"], id="Part 3 sequence 000"),
    pytest.param("62112319951231905", ["length"], id="Part 3 17 characters"),
    pytest.param("621123951231905", ["fifteen_digits"], id="Part 3 15 digits"),
    pytest.param("621123O99512319056", ["characters"], id="Part 3 letter O"),
    pytest.param(a_resident_id("161123"), ["province"], id="no province 16"),
    pytest.param(a_resident_id("001123"), ["province"], id="no province 00"),
    pytest.param(a_resident_id("661123"), ["province"], id="no province 66"),
    pytest.param(a_resident_id("911123"), ["province"], id="no province 91"),
    pytest.param(a_resident_id(birth="00000101"), ["birth_date"], id="year 0"),
    pytest.param(a_resident_id(birth="19000229"), ["birth_date"], id="1900 was no leap year"),
    pytest.param(a_resident_id(birth="20190602"), ["birth_in_future"], id="born tomorrow"),
    pytest.param("", ["length"], id="empty"),
    pytest.param(" 62112319951231905", ["characters"], id="a space inside 18"),
    pytest.param("621123199512319056\n", ["length"], id="a line end"),
    pytest.param("６２１１２３１９９５１２３１９０５６", ["characters"], id="full width"),
    pytest.param("X21123199512319056", ["characters"], id="an X in front"),
    pytest.param(None, ["not_text"], id="null"),
    pytest.param(621123199512319056, ["not_text"], id="a number"),
    pytest.param(["621123199512319056"], ["not_text"], id="a list"),
    pytest.param(
        "161123209913310000",
        ["province", "birth_date", "sequence_zero", "check_digit"],
        id="every fault is named",
    ),
]


@pytest.mark.parametrize(("number", "sex", "birth"), VALID_NUMBERS)
def test_a_valid_number_tells_birth_and_sex(number: str, sex: str, birth: date) -> None:
    assert check(number, ON) == VALID
    assert birth_of(number) == birth
    assert sex_of(number) == Sex(sex)


@pytest.mark.parametrize(("number", "warnings"), WARNED_NUMBERS)
def test_a_doubt_warns_and_refuses_nothing(number: str, warnings: list[str]) -> None:
    verdict = check(number, ON)
    assert verdict.valid
    assert list(verdict.warnings) == warnings


@pytest.mark.parametrize(("number", "reasons"), INVALID_NUMBERS)
def test_a_fault_is_named_by_its_code(number: object, reasons: list[str]) -> None:
    verdict = check(number, ON)
    assert not verdict.valid
    assert list(verdict.reasons) == reasons


def test_a_number_is_judged_on_a_day() -> None:
    born_that_day = a_resident_id(birth="20190601")
    assert check(born_that_day, date(2019, 6, 1)).valid
    assert check(born_that_day, date(2019, 5, 31)).reasons == ("birth_in_future",)


@pytest.mark.parametrize(
    ("old", "offered", "reasons"),
    [
        pytest.param("621123951231905", "621123199512319056", (), id="derivable"),
        pytest.param("622424540718910", "622424195407189101", (), id="historic county"),
        pytest.param("161123951231905", None, ("province",), id="no such province"),
        pytest.param("621123951331905", None, ("birth_date",), id="no such day"),
        pytest.param("621123951231000", None, ("sequence_zero",), id="sequence 000"),
        pytest.param("621123051231997", None, (), id="a centenarian's: the century is open"),
    ],
)
def test_fifteen_digits_are_offered_as_eighteen(
    old: str, offered: str | None, reasons: tuple[str, ...]
) -> None:
    verdict = check(old, ON)
    assert verdict.reasons == ("fifteen_digits", *reasons)
    assert verdict.converts_to == offered
    assert offered is None or check(offered, ON).valid


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        pytest.param(" 62112319770505928x\u3000", "62112319770505928X", id="spaces and x"),
        pytest.param("６２１１２３１９７７０５０５９２８Ｘ", "62112319770505928X", id="full width"),
        pytest.param("621123199512319056", "621123199512319056", id="as it is"),
    ],
)
def test_the_edge_normalises_what_people_type(typed: str, stored: str) -> None:
    assert normalise(typed) == stored
    assert check(stored, ON) == VALID


def test_every_code_is_worded_in_both_languages() -> None:
    messages = code_tables().messages
    for code in (*REASONS, *WARNINGS):
        assert messages[code].zh
        assert messages[code].en


@given(resident_ids())
def test_generated_numbers_are_valid_and_agree_with_stdnum(number: str) -> None:
    assert check(number, ON) == VALID
    assert ric.calc_check_digit(number) == number[-1]


@given(st.from_regex(r"\A[0-9]{17}\Z").filter(str.isascii))
def test_the_check_digit_is_the_standards_weighted_sum(body: str) -> None:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    assert check_digit_of(body) == "10X98765432"[total % 11]


@given(resident_ids(), st.integers(0, 17), st.integers(1, 9))
def test_one_wrong_digit_never_passes(number: str, at: int, step: int) -> None:
    wrong = "X" if number[at] != "X" and at == 17 and step == 1 else _moved(number[at], step)
    assert not check(number[:at] + wrong + number[at + 1 :], ON).valid


@given(resident_ids(), st.integers(0, 16))
def test_two_neighbours_swapped_never_pass(number: str, at: int) -> None:
    swapped = number[:at] + number[at + 1] + number[at] + number[at + 2 :]
    assert swapped == number or not check(swapped, ON).valid


def test_every_county_of_ours_is_one_stdnum_dates_as_current() -> None:
    ours_alone = {
        *("330113", "330114"),  # 临平, 钱塘 of 杭州, since 2021
        *("620200", "441900", "442000", "460400"),  # cities without counties
        *("460300", "710000", "810000", "820000", "830000"),
    }
    counties = code_tables().counties
    assert {county for county in counties if not _current_by_stdnum(county)} == ours_alone


def _current_by_stdnum(county: str) -> bool:
    if county.endswith("00"):
        return False
    for year in (2019, 2024):
        with suppress(ValidationError, KeyError):
            return bool(ric.get_birth_place(f"{county}{year}0101000X"))
    return False


def _moved(digit: str, step: int) -> str:
    return "0" if digit == "X" else str((int(digit) + step) % 10)
