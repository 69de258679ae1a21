"""Yes and no, days and counts as people write them."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from libs.common.bulk.tables import EXCESS, ROW
from libs.common.bulk.values import YES_OR_NO, Reading, count, day, listed, read
from libs.common.bulk.verdicts import SHAPED, Check, Issue, issues, judge, required

yes_or_no = listed(YES_OR_NO)


@pytest.mark.parametrize(
    ("reading", "kind", "text", "value"),
    [
        pytest.param(yes_or_no, pl.Boolean, "是", True, id="是"),
        pytest.param(yes_or_no, pl.Boolean, "YES", True, id="YES"),
        pytest.param(yes_or_no, pl.Boolean, "１", True, id="full-width 1"),
        pytest.param(yes_or_no, pl.Boolean, "无", False, id="无"),
        pytest.param(yes_or_no, pl.Boolean, "也许", None, id="也许"),
        pytest.param(day, pl.Date, "2014-05-01", date(2014, 5, 1), id="ISO"),
        pytest.param(day, pl.Date, "2014/5/1", date(2014, 5, 1), id="slashes"),
        pytest.param(day, pl.Date, "2014.5.1", date(2014, 5, 1), id="dots"),
        pytest.param(day, pl.Date, "2014年5月1日", date(2014, 5, 1), id="年月日"),
        pytest.param(day, pl.Date, "20140501", date(2014, 5, 1), id="eight digits"),
        pytest.param(day, pl.Date, "2014-05-01 00:00:00", date(2014, 5, 1), id="midnight"),
        pytest.param(day, pl.Date, "2014-02-29", None, id="no such day"),
        pytest.param(day, pl.Date, "2014-05", None, id="a month"),
        pytest.param(count, pl.Int32, "3", 3, id="3"),
        pytest.param(count, pl.Int32, "3.0", 3, id="3.0 of a spreadsheet"),
        pytest.param(count, pl.Int32, "３", 3, id="full-width 3"),
        pytest.param(count, pl.Int32, "-3", None, id="-3"),
        pytest.param(count, pl.Int32, "三", None, id="三"),
    ],
)
def test_what_people_write_as_a_value(reading: Reading, kind: Any, text: str, value: Any) -> None:
    column = pl.Series("v", [text, None, text])
    assert read(column, reading, kind).to_list() == [value, None, value]


def test_a_bad_row_tells_all_its_faults_with_values_masked() -> None:
    frame = pl.DataFrame(
        {"name": [None, "李四"], "phone": ["139x", "1"], EXCESS: [False, False], ROW: [2, 3]}
    )
    checks = (SHAPED, *required("name"), Check("phone", "odd", pl.col("phone") == "139x"))
    assert judge(frame, checks).to_list() == [True, False]
    assert sorted(issues(frame, checks)) == [
        Issue(2, "name", "required", None),
        Issue(2, "phone", "odd", "###x"),
    ]
