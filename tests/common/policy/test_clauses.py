"""Clauses as dated rows: which is in force, and what a row must be to be read at all."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from libs.common.policy.clauses import Basis, Clause, Clauses, NotInForce

VILLAGE = "621123101201"
ON = date(2019, 3, 1)


def a_row(**changes: Any) -> Clause:
    row: dict[str, Any] = {
        "id": "XX-1",
        "document": "某号文件",
        "section": "一",
        "title": {"zh": "某条", "en": "A clause"},
        "quote": "某句",
        "kind": "H",
        "basis": "TEXT",
        "rank": "prefecture",
        "division": "6211",
        "effective_from": date(2018, 12, 22),
        "interpreter": {"zh": "某局", "en": "a bureau"},
        "conditions": {"plain": {"zh": "{found}", "en": "{found}"}},
    }
    return Clause.model_validate(row | changes)


PREFECTURE = a_row()
NEWER = a_row(effective_from=date(2019, 1, 1))
PROVINCE = a_row(rank="province", division="62", effective_from=date(2018, 1, 1))
STATE = a_row(rank="state", division="", effective_from=date(2017, 1, 1))
COUNTY = a_row(rank="county", division="621123", effective_from=date(2019, 2, 1))
LEFT_TO_COUNTY = a_row(leaves_to="county")
ELSEWHERE = a_row(rank="county", division="621122", effective_from=date(2019, 2, 1))
ENDED = a_row(effective_from=date(2019, 2, 1), effective_to=ON)
ENDING = a_row(effective_from=date(2019, 2, 1), effective_to=date(2019, 3, 2))
TODAY = a_row(effective_from=ON)
TOMORROW = a_row(effective_from=date(2019, 3, 2))


@pytest.mark.parametrize(
    ("rows", "prevails"),
    [
        pytest.param([PREFECTURE, NEWER], NEWER, id="the newest of a rank"),
        pytest.param([NEWER, PREFECTURE], NEWER, id="in any order"),
        pytest.param([NEWER, PROVINCE], PROVINCE, id="a province before a prefecture"),
        pytest.param([PROVINCE, STATE], STATE, id="the state before a province"),
        pytest.param([PREFECTURE, COUNTY], PREFECTURE, id="a prefecture before a county"),
        pytest.param([LEFT_TO_COUNTY, COUNTY], COUNTY, id="what is left to the county"),
        pytest.param([LEFT_TO_COUNTY], LEFT_TO_COUNTY, id="left to a county that is silent"),
        pytest.param([LEFT_TO_COUNTY, PROVINCE], PROVINCE, id="left below a province's word"),
        pytest.param([PREFECTURE, ENDED], PREFECTURE, id="effective_to is exclusive"),
        pytest.param([PREFECTURE, ENDING], ENDING, id="the last day still holds"),
        pytest.param([PREFECTURE, TODAY], TODAY, id="the first day holds"),
        pytest.param([PREFECTURE, TOMORROW], PREFECTURE, id="tomorrow's row waits"),
        pytest.param([LEFT_TO_COUNTY, ELSEWHERE], LEFT_TO_COUNTY, id="another county's row"),
    ],
)
def test_the_row_in_force(rows: list[Clause], prevails: Clause) -> None:
    assert Clauses(rows).in_force("XX-1", ON, VILLAGE) is prevails


def test_without_a_row_nothing_is_in_force() -> None:
    clauses = Clauses([PREFECTURE])
    before = date(2018, 12, 21)
    assert clauses.in_force("XX-1", before, VILLAGE) == NotInForce("XX-1", before, VILLAGE)
    assert clauses.in_force("XX-2", ON, VILLAGE) == NotInForce("XX-2", ON, VILLAGE)
    assert clauses.in_force("XX-1", ON, "620102001001").id == "XX-1"
    assert isinstance(clauses.in_force("XX-1", ON, "620102001001"), NotInForce)


def test_a_version_is_there_once() -> None:
    with pytest.raises(ValueError, match="a change is a new row"):
        Clauses([PREFECTURE, a_row(quote="改过的一句")])


def test_the_rows_a_decision_cites_are_found_again() -> None:
    clauses = Clauses([PREFECTURE, NEWER, PROVINCE])
    assert clauses.cited("XX-1", PREFECTURE.version) is PREFECTURE
    assert clauses.cited("XX-1", "gone") is clauses.cited("XX-9", NEWER.version) is None


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"division": "62"}, "is not a prefecture code", id="rank and place agree"),
        pytest.param({"division": "621a"}, "division", id="a code is digits"),
        pytest.param({"parameters": {"rate": 0.5}}, "parameters", id="no floats"),
        pytest.param({"colour": "red"}, "colour", id="no unknown keys"),
        pytest.param(
            {"conditions": {"plain": {"zh": "{fund}", "en": ""}}}, "fund", id="templates fill in"
        ),
        pytest.param(
            {"conditions": {"plain": {"zh": "", "en": "{fund}"}}}, "fund", id="in English too"
        ),
        pytest.param({"parameters": {"posts": True}}, "parameters", id="yes is no number"),
        pytest.param(
            {
                "basis": "DEFAULT",
                "conditions": {"plain": {"basis": "LAW", "zh": "", "en": ""}},
            },
            "claims more",
            id="no condition claims more than its clause",
        ),
    ],
)
def test_an_unsound_row_is_not_read(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises((ValidationError, KeyError), match=complaint):
        a_row(**changes)


@pytest.mark.parametrize("basis", [Basis.TEXT, Basis.LAW])
def test_a_condition_may_rest_on_text_or_law_under_either(basis: Basis) -> None:
    conditions = {"plain": {"basis": "LAW", "zh": "", "en": ""}}
    assert a_row(basis=basis, conditions=conditions).conditions["plain"].basis is Basis.LAW


def test_parameters_are_typed() -> None:
    row = a_row(parameters={"posts": 3, "rate": "0.5", "until": ON, "codes": ["a", "b"]})
    assert (row.number("posts"), row.codes("codes")) == (3, ("a", "b"))
    assert (row.parameters["rate"], row.parameters["until"]) == ("0.5", ON)
    with pytest.raises(TypeError, match="rate is not a whole number"):
        row.number("rate")
    with pytest.raises(TypeError, match="posts is not a list"):
        row.codes("posts")


def test_files_and_folders_are_read_with_their_document(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    toml = """
    [document]
    document = "某号文件"
    interpreter = { zh = "某局", en = "a bureau" }
    rank = "prefecture"
    division = "6211"
    effective_from = 2018-12-22
    [terms]
    a = { zh = "甲", en = "A" }
    [[clause]]
    id = "XX-1"
    section = "一"
    title = { zh = "某条", en = "A clause" }
    quote = "某句"
    kind = "H"
    basis = "TEXT"
    conditions.plain = { zh = "{found}", en = "{found}" }
    """
    (tmp_path / "more" / "rows.toml").write_text(toml, encoding="utf-8")
    single = tmp_path / "single.toml"
    plain = toml.replace("[terms]", "").replace('a = { zh = "甲", en = "A" }', "")
    single.write_text(plain.replace("XX-1", "XX-2"), encoding="utf-8")
    rows = {row.id: row for row in Clauses.load([tmp_path / "more", single])}
    assert set(rows) == {"XX-1", "XX-2"}
    assert (rows["XX-1"].words("a", "zh"), rows["XX-2"].words("a", "zh")) == ("甲", "a")
    assert rows["XX-1"].words(("a", "z"), "en") == "A, z"
    assert rows["XX-1"].effective_from == date(2018, 12, 22)
