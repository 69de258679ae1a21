"""Every form of a table gives the same rows, numbered as a person counts them in the file."""

import gzip
import io
import zipfile
from datetime import date
from typing import Any

import pytest
import xlsxwriter

from libs.common.bulk.formats import Format, format_of
from libs.common.bulk.tables import BLOCK_BYTES
from libs.common.http.problems import Problem
from tests.common.bulk.files import Rows, read, table, written

ROWS: Rows = (("姓名", "户编号", "联系电话"), ("张三", "H1", "139"), ("李四", "H2", ""))


@pytest.mark.parametrize("name", ["f.csv", "F.CSV", "f.csv.gz", "f.xlsx"])
def test_each_form_with_a_head_row_counts_from_it(name: str) -> None:
    assert table(written(ROWS, name.lower()), name) == [
        (2, "张三", "H1", "139"),
        (3, "李四", "H2", None),
    ]


@pytest.mark.parametrize("name", ["f.ndjson", "f.jsonl", "f.ndjson.gz"])
def test_lines_of_ndjson_have_no_head_row(name: str) -> None:
    form = name.replace("jsonl", "ndjson")
    assert [row for row, *_ in table(written(ROWS, form), name)] == [1, 2]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        pytest.param("名册.csv", Format.CSV, id="csv"),
        pytest.param("a.b.NDJSON.GZ", Format.NDJSON_GZ, id="packed"),
        pytest.param("x.xlsx", Format.XLSX, id="workbook"),
    ],
)
def test_the_ending_tells_the_form(name: str, form: Format) -> None:
    assert format_of(name) is form


@pytest.mark.parametrize("name", ["roster", "roster.xls", "roster.xlsx.gz", "csv"])
def test_another_ending_is_refused(name: str) -> None:
    with pytest.raises(Problem) as refused:
        format_of(name)
    assert refused.value.code == "import_format"


@pytest.mark.parametrize(
    "encode",
    [
        pytest.param(lambda text: text.encode(), id="UTF-8"),
        pytest.param(lambda text: text.encode("utf-8-sig"), id="UTF-8 with its mark"),
        pytest.param(lambda text: text.encode("gb18030"), id="GB18030"),
    ],
)
@pytest.mark.parametrize("piece", [1, 3, 1000])
def test_both_encodings_are_read_however_the_file_is_cut(encode: Any, piece: int) -> None:
    text = "姓名,户编号,联系电话\n张三,H1,139\n㐂四,H2,\n"
    assert table(encode(text), "f.csv", piece=piece) == [
        (2, "张三", "H1", "139"),
        (3, "㐂四", "H2", None),
    ]


def test_gb18030_shows_only_where_the_first_chinese_word_stands() -> None:
    file = b"name,number\n" + b"Li,H1\n" * 200_000 + "张三,H2\n".encode("gb18030")
    assert table(file, "f.csv")[-1] == (200_002, "张三", "H2", None)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        pytest.param(
            '"张\n三",H1,1\n李四,H2,2',
            [(2, "张\n三", "H1", "1"), (3, "李四", "H2", "2")],
            id="a quoted line break",
        ),
        pytest.param(
            '张"三,H1,1\n李四,H2,2\n',
            [(2, '张"三', "H1", "1"), (3, "李四", "H2", "2")],
            id="a stray quote",
        ),
        pytest.param(
            '张三,"H""1",1\n', [(2, "张三", 'H"1', "1")], id="a doubled quote"
        ),
        pytest.param(
            "\n,,\n张三,H1,1\n", [(4, "张三", "H1", "1")], id="blank rows are counted"
        ),
        pytest.param("张三,H1\r\n李四,H2\r\n", [(2, "张三", "H1", None), (3, "李四", "H2", None)],
                     id="short rows"),
        pytest.param(
            " 张三 ,\u3000H1, \n", [(2, "张三", "H1", None)], id="spaces around are cut"
        ),
    ],
)  # fmt: skip
def test_csv_as_people_write_it(text: str, rows: list[Any]) -> None:
    assert table(f"姓名,户编号,联系电话\n{text}".encode(), "f.csv", piece=5) == rows


def test_a_row_with_more_cells_than_heads_is_told_apart() -> None:
    _, frame = read("姓名,户编号\n张,三,H1\n李四,H2\n".encode(), "f.csv")
    assert frame.select("row", "excess").rows() == [(2, True), (3, False)]


def test_a_line_that_is_no_object_is_told_apart() -> None:
    lines = '{"姓名": "张三", "户编号": 7}\n[1]\n\n{"姓名":\n{"户编号": true, "姓名": null}'
    _, frame = read(lines.encode(), "f.ndjson")
    assert frame.select("row", "name", "number", "excess").rows() == [
        (1, "张三", "7", False),
        (2, None, None, True),
        (4, None, None, True),
        (5, None, "true", False),
    ]


def test_cells_of_a_workbook_are_read_as_they_are_shown() -> None:
    file = io.BytesIO()
    with xlsxwriter.Workbook(file) as book:
        sheet = book.add_worksheet()
        sheet.write_row(1, 1, ["姓名", "户编号", "联系电话"])
        sheet.write_row(3, 1, ["张三", 621123100201, 13900000000.0])
        sheet.write(4, 1, "李四")
        sheet.write_number(4, 2, 621123199512319056)
        sheet.write_datetime(4, 3, date(2014, 5, 1), book.add_format({"num_format": "yyyy-mm-dd"}))
    assert table(file.getvalue(), "f.xlsx") == [
        (4, "张三", "621123100201", "13900000000"),
        (5, "李四", "6.211231995123191e+17", "2014-05-01"),  # a spreadsheet keeps 15 digits
    ]


@pytest.mark.parametrize(
    ("file", "name", "code"),
    [
        pytest.param(b"\xff\xfe\xff\xff", "f.csv", "import_encoding", id="no encoding we know"),
        pytest.param("张三".encode() + b"\xff\xff,1\n" * 3, "f.csv", "import_encoding",
                     id="neither one nor the other"),
        pytest.param('姓名,户编号\n"张三,H1\n李四,H2\n'.encode(), "f.csv", "import_quotes",
                     id="a quote never closed"),
        pytest.param("姓名\n张三\n".encode(), "f.csv", "import_columns_missing", id="one less"),
        pytest.param("姓名,户编号\r张三,H1\r".encode(), "f.csv", "import_columns_missing",
                     id="lines that end in carriage returns alone"),
        pytest.param(b"", "f.csv", "import_columns_missing", id="nothing"),
        pytest.param(b'{"a": 1}', "f.ndjson", "import_columns_missing", id="other keys"),
        pytest.param("姓名,name,户编号\n".encode(), "f.csv", "import_columns_repeated", id="twice"),
        pytest.param(b"no workbook", "f.xlsx", "import_workbook", id="no workbook"),
        pytest.param(b"no gzip", "f.csv.gz", "import_unpacking", id="no gzip"),
        pytest.param(gzip.compress(b"name,number\n" * 9)[:-9], "f.csv.gz", "import_unpacking",
                     id="half a gzip"),
        pytest.param(b"name,number\n" + b"x" * (BLOCK_BYTES + 1), "f.csv", "import_line_too_long",
                     id="a line without end"),
        pytest.param(gzip.compress(b"name,number\n" + b"a,b\n" * (1 << 24)), "f.csv.gz",
                     "import_too_large", id="a bomb"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_refused_whole(file: bytes, name: str, code: str) -> None:
    with pytest.raises(Problem) as refused:
        read(file, name)
    assert refused.value.code == code


def test_a_workbook_that_lies_about_its_size_is_no_way_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("libs.common.bulk.workbook.MOST_UNPACKED", 4 << 20)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", bytes(8 << 20))
    lying = file.getvalue().replace((8 << 20).to_bytes(4, "little"), (99).to_bytes(4, "little"))
    assert lying != file.getvalue()
    with pytest.raises(Problem) as refused:
        read(lying, "f.xlsx")
    assert refused.value.code == "import_too_large"


def test_a_large_file_comes_in_blocks_that_lose_no_row() -> None:
    rows = [("姓名", "户编号", "联系电话"), *(("张三", f"H{n}", '"a\nb"') for n in range(300_000))]
    reader, frame = read(written(rows, "f.csv"), "f.csv", piece=777_777)
    assert frame.get_column("row").to_list() == list(range(2, 300_002))
    assert frame.get_column("number").n_unique() == 300_000
    assert reader.header.found == {"name", "number", "phone"}
