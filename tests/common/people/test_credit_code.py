"""GB 32100-2015, against the lists of the domain rules and an independent implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import uscc

from libs.common.people.code_tables import code_tables
from libs.common.people.credit_code import (
    REASONS,
    WARNINGS,
    check,
    check_character_of,
    organisation_check_of,
)
from libs.common.people.verdict import VALID

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def a_credit_code(kind: str = "91", region: str = "621123", organisation: str = "MA7TE5TA") -> str:
    body = kind + region + organisation + organisation_check_of(organisation)
    return body + check_character_of(body)


VALID_CODES = [
    pytest.param("91621123MA7TE5TA26", id="Part 3 firm"),
    pytest.param("92621123MA7TE5TB0X", id="Part 3 个体工商户"),
    pytest.param("93621123MA7TE5TC9P", id="Part 3 cooperative"),
    pytest.param("93621102MA7TE5TD75", id="Part 3 cooperative of 安定"),
    pytest.param("91621121MA7TE5TE5N", id="Part 3 firm of 通渭"),
    pytest.param("92621122MA7TE5TF3W", id="Part 3 个体工商户 of 陇西"),
    pytest.param("52621124MJTE5TGH2D", id="Part 3 private non-profit"),
    pytest.param("11621123013999909R", id="Part 3 organ"),
    pytest.param("54621123MF7TE5TJ4R", id="Part 0.1 item 2, pair 54"),
    pytest.param("N2621123MF7TE5TK29", id="Part 3 village collective"),
    pytest.param("91350100M000100Y43", id="the standard's example"),
    pytest.param(a_credit_code("N1"), id="N1"),
    pytest.param(a_credit_code("N3"), id="N3"),
    pytest.param(a_credit_code("N9"), id="N9"),
    pytest.param(a_credit_code("A1"), id="A1"),
    pytest.param(a_credit_code("Y1"), id="Y1"),
    pytest.param(a_credit_code(region="100000"), id="Part 0.1 item 3, national registrar"),
    pytest.param(a_credit_code(region="620000"), id="a province registers"),
    pytest.param(a_credit_code(region="621100"), id="a prefecture registers"),
    pytest.param(a_credit_code(region="710000"), id="71 exists"),
]

INVALID_CODES = [
    pytest.param("91621123MA7TE5TA27", ["check_character"], id="Part 3 18th"),
    pytest.param("91621123MA7TE5TA13", ["organisation_check"], id="Part 3 17th"),
    pytest.param("91621123IA7TE5TA26", ["characters"], id="Part 3 letter I"),
    pytest.param("91621123ma7te5ta26", ["lower_case"], id="Part 3 case"),
    pytest.param("91621123MA7TE5TA2", ["length"], id="Part 3 17 characters"),
    pytest.param("91999999MA7TE5TA2N", ["province"], id="Part 3 region"),
    pytest.param("01621123MA7TE5TA2F", ["registrar_class"], id="Part 3 registrar 0"),
    pytest.param("94621123MA7TE5TA2W", ["registrar_class"], id="Part 3 pair 94"),
    pytest.param("91621123AM7TE5TA26", ["organisation_check", "check_character"], id="Part 3 swap"),
    pytest.param("91350100M000100Y4Z", ["characters"], id="Part 3 Z, not 3"),
    pytest.param(a_credit_code(region="161123"), ["province"], id="no province 16"),
    pytest.param(a_credit_code(region="100001"), ["province"], id="only 100000 of 10"),
    pytest.param("9162112OMA7TE5TA26", ["characters"], id="letter in the region"),
    pytest.param("91621123MA7TE5TAX6", ["organisation_check", "check_character"], id="17th X"),
    pytest.param("91621123MA7TE5TAA6", ["characters"], id="17th a letter"),
    pytest.param("91621123ıa7te5ta26", ["characters"], id="not a letter of ours"),
    pytest.param("", ["length"], id="empty"),
    pytest.param("91621123MA7TE5TA26\n", ["length"], id="a line end"),
    pytest.param(None, ["not_text"], id="null"),
    pytest.param({"code": "91621123MA7TE5TA26"}, ["not_text"], id="an object"),
]


@pytest.mark.parametrize("code", VALID_CODES)
def test_a_valid_code_is_valid_without_a_doubt(code: str) -> None:
    assert check(code) == VALID


@pytest.mark.parametrize(("code", "reasons"), INVALID_CODES)
def test_a_fault_is_named_by_its_code(code: object, reasons: list[str]) -> None:
    verdict = check(code)
    assert not verdict.valid
    assert list(verdict.reasons) == reasons


@pytest.mark.parametrize(
    "region",
    [
        pytest.param("622424", id="渭源 until 2003"),
        pytest.param("621199", id="never given"),
        pytest.param("628800", id="no such prefecture"),
    ],
)
def test_an_unknown_region_of_a_real_province_warns(region: str) -> None:
    verdict = check(a_credit_code(region=region))
    assert verdict.valid
    assert verdict.warnings == ("region_unknown",)


@pytest.mark.parametrize("code", VALID_CODES)
def test_stdnum_agrees_but_for_the_letters_in_front(code: str) -> None:
    if code[:2].isdigit():
        assert uscc.is_valid(code)
    assert uscc.calc_check_digit(code) == code[-1]


def test_every_pair_of_the_standard_is_known() -> None:
    listed = (
        "11 12 13 19 21 29 31 32 33 34 35 39 41 49 51 52 53 54 59 61 62 69 71 72 79 81 89 "
        "91 92 93 A1 A9 N1 N2 N3 N9 Y1"
    )
    assert code_tables().registrar_classes == set(listed.split())


def test_every_code_is_worded_in_both_languages() -> None:
    messages = code_tables().messages
    for code in (*REASONS, *WARNINGS):
        assert messages[code].zh
        assert messages[code].en


@given(st.text(ALPHABET, min_size=17, max_size=17))
def test_the_check_character_is_the_standards_weighted_sum(body: str) -> None:
    weights = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
    total = sum(ALPHABET.index(each) * weight for each, weight in zip(body, weights, strict=True))
    assert check_character_of(body) == ALPHABET[(31 - total % 31) % 31]


@given(st.text(ALPHABET, min_size=8, max_size=8))
def test_the_organisation_check_is_the_standards_weighted_sum(body: str) -> None:
    weights = (3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(each, 36) * weight for each, weight in zip(body, weights, strict=True))
    check_value = 11 - total % 11
    assert organisation_check_of(body) == {10: "X", 11: "0"}.get(check_value, str(check_value))


@given(st.text(ALPHABET, min_size=8, max_size=8), st.integers(0, 17), st.sampled_from(ALPHABET))
def test_one_wrong_character_never_passes(organisation: str, at: int, wrong: str) -> None:
    code = a_credit_code(organisation=organisation)
    changed = code[:at] + wrong + code[at + 1 :]
    assert changed == code or not check(changed).valid
