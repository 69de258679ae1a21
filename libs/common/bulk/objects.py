"""NDJSON in blocks of whole lines: one object for each row, its keys the heads."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson
import polars as pl

from libs.common.bulk.columns import Header
from libs.common.bulk.encoding import Transcoder
from libs.common.bulk.tables import BLOCK_BYTES, EXCESS, ROW, tidy
from libs.common.http.problems import Problem

_NO_OBJECT: dict[str, Any] = {}


class ObjectReader:
    def __init__(self, header: Header) -> None:
        self.header = header
        self._utf8 = Transcoder()
        self._pending = b""
        self._names: dict[str, str | None] = {}
        self._row = 1

    def feed(self, piece: bytes) -> Iterator[pl.DataFrame]:
        self._pending += self._utf8(piece)
        while len(self._pending) >= BLOCK_BYTES:
            end = self._pending.rfind(b"\n", 0, BLOCK_BYTES) + 1
            if not end:
                raise Problem("import_line_too_long", limit=BLOCK_BYTES)
            block, self._pending = self._pending[:end], self._pending[end:]
            yield self._read(block)

    def finish(self) -> Iterator[pl.DataFrame]:
        block, self._pending = self._pending + self._utf8(b"", last=True), b""
        if block.strip() or not self._names:
            yield self._read(block)

    def _read(self, block: bytes) -> pl.DataFrame:
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        rows = range(self._row, self._row + len(lines))
        self._row += len(lines)
        numbers = [row for row, line in zip(rows, lines, strict=True) if line.strip()]
        objects = _objects([line for line in lines if line.strip()])
        first = not self._names
        self._meet(objects)
        if first:
            self.header.require()
        keys = [key for key, name in self._names.items() if name]
        cells: dict[str, Any] = {
            key: pl.Series(key, [_text(row.get(key)) for row in objects], pl.String) for key in keys
        }
        excess = pl.Series(EXCESS, [row is _NO_OBJECT for row in objects], pl.Boolean)
        frame = pl.DataFrame([*cells.values(), excess, pl.Series(ROW, numbers, pl.Int32)])
        return tidy(frame, self.header, [self._names[key] for key in keys])

    def _meet(self, objects: Sequence[dict[str, Any]]) -> None:
        """Keys that no line before had; two of them for one column are refused."""
        new = dict.fromkeys(key for row in objects for key in row if key not in self._names)
        if new:
            keys = [*self._names, *new]
            self._names = dict(zip(keys, self.header.place(keys), strict=True))


def _objects(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """All in one reading; line by line only where one of them is broken."""
    try:
        rows = orjson.loads(b"[" + b",".join(lines) + b"]")
        if len(rows) == len(lines):
            return [row if isinstance(row, dict) else _NO_OBJECT for row in rows]
    except orjson.JSONDecodeError:
        pass
    return [_object(line) for line in lines]


def _object(line: bytes) -> dict[str, Any]:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _NO_OBJECT
    return row if isinstance(row, dict) else _NO_OBJECT


def _text(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, bool | int):
        return str(value).lower()
    return orjson.dumps(value).decode()
