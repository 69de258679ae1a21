"""Heads in any order and spelling; what is not collected is dropped and said to be."""

import pytest

from libs.common.bulk.columns import Header
from libs.common.http.problems import Problem
from tests.common.bulk.files import COLUMNS


@pytest.mark.parametrize(
    "heads",
    [
        pytest.param(["姓名", "户编号"], id="Chinese"),
        pytest.param(["number", "name"], id="English, in another order"),
        pytest.param([" 姓 名 ", "户编码*"], id="spaces and a star"),
        pytest.param(["ＮＡＭＥ", "户　编号"], id="full width"),
        pytest.param(["\ufeffName", "NUMBER"], id="a mark and capitals"),
    ],
)
def test_heads_are_known_however_they_are_written(heads: list[str]) -> None:
    header = Header(COLUMNS)
    assert set(header.place(heads)) == {"name", "number"}
    header.require()
    assert header.notices == []


@pytest.mark.parametrize(
    ("head", "code"),
    [
        pytest.param("民族", "column_forbidden", id="民族"),
        pytest.param("宗教 信仰", "column_forbidden", id="宗教信仰"),
        pytest.param("政治面貌", "column_forbidden", id="政治面貌"),
        pytest.param("Ethnicity", "column_forbidden", id="ethnicity"),
        pytest.param("religion", "column_forbidden", id="religion"),
        pytest.param("Reliability score", "column_forbidden", id="reliability"),
        pytest.param("是否可靠", "column_forbidden", id="可靠"),
        pytest.param("文化程度", "column_unknown", id="文化程度"),
    ],
)
def test_a_column_that_is_dropped_is_named(head: str, code: str) -> None:
    header = Header(COLUMNS)
    assert header.place(["姓名", head, "户编号"]) == ["name", None, "number"]
    assert [(notice["code"], notice["column"]) for notice in header.notices] == [(code, head)]
    assert header.notices[0]["message"].keys() == {"zh", "en"}


def test_missing_columns_are_named_in_both_languages_and_nothing_of_the_file_is() -> None:
    header = Header(COLUMNS)
    header.place(["张三", "621123199512319056"])
    with pytest.raises(Problem) as refused:
        header.require()
    assert refused.value.body("zh")["columns"] == ["姓名", "户编号"]
    assert refused.value.body("en")["columns"] == ["name", "number"]
    assert "张三" not in str(refused.value.body("zh"))


def test_a_head_that_is_an_identity_number_is_not_repeated() -> None:
    header = Header(COLUMNS)
    header.place(["姓名", "户编号", "621123199512319056"])
    assert "6211" not in str(header.notices)
