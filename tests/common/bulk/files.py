"""Files in every form that an import takes, and a reader fed with them piece by piece."""

import gzip
import io
from collections.abc import Sequence
from typing import Any

import orjson
import polars as pl
import xlsxwriter

from libs.common.bulk.columns import Column
from libs.common.bulk.formats import format_of
from libs.common.bulk.reading import reader_of
from libs.common.bulk.tables import Reader

COLUMNS = (
    Column("name", ("姓名",), required=True),
    Column("number", ("户编号", "户编码"), required=True),
    Column("phone", ("联系电话",)),
)

Rows = Sequence[Sequence[Any]]


def read(file: bytes, name: str, *, piece: int = 1 << 20) -> tuple[Reader, pl.DataFrame]:
    reader = reader_of(format_of(name), COLUMNS)
    frames: list[pl.DataFrame] = []
    for start in range(0, len(file), piece):
        frames += reader.feed(file[start : start + piece])
    frames += reader.finish()
    return reader, pl.concat(frames)


def table(file: bytes, name: str, *, piece: int = 1 << 20) -> list[tuple[Any, ...]]:
    """Row number, name, number, phone of each row."""
    _, frame = read(file, name, piece=piece)
    return frame.select("row", "name", "number", "phone").rows()


def written(rows: Rows, name: str) -> bytes:
    """The same table in the form that the name tells."""
    head, *cells = rows
    if name.endswith(".gz"):
        return gzip.compress(written(rows, name.removesuffix(".gz")))
    if name.endswith(".ndjson"):
        return b"\n".join(orjson.dumps(dict(zip(head, row, strict=True))) for row in cells)
    if name.endswith(".xlsx"):
        file = io.BytesIO()
        with xlsxwriter.Workbook(file) as book:
            sheet = book.add_worksheet()
            for at, row in enumerate(rows):
                sheet.write_row(at, 0, row)
        return file.getvalue()
    return "\n".join(",".join(map(str, row)) for row in rows).encode()
