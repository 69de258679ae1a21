"""Comma-separated files in blocks of whole records, quoted line breaks and all."""

import csv
import io
from collections.abc import Iterator, Sequence

import polars as pl
from polars.exceptions import ComputeError

from libs.common.bulk.columns import Header
from libs.common.bulk.encoding import Transcoder
from libs.common.bulk.tables import BLOCK_BYTES, EXCESS, ROW, tidy
from libs.common.http.problems import Problem

_LONGEST_RECORD = 1 << 20
_END = "\0end"


class DelimitedReader:
    def __init__(self, header: Header) -> None:
        self.header = header
        self._utf8 = Transcoder()
        self._pending = b""
        self._names: list[str | None] | None = None
        self._row = 1

    def feed(self, piece: bytes) -> Iterator[pl.DataFrame]:
        self._pending += self._utf8(piece)
        while len(self._pending) >= BLOCK_BYTES:
            cut = _end_of_records(self._pending, BLOCK_BYTES)
            block, self._pending = self._pending[:cut], self._pending[cut:]
            yield from self._read(block)

    def finish(self) -> Iterator[pl.DataFrame]:
        block, self._pending = self._pending + self._utf8(b"", last=True), b""
        yield from self._read(block)
        if self._names is None:
            self.header.require()

    def _read(self, block: bytes) -> Iterator[pl.DataFrame]:
        if self._names is None:
            end = _end_of_head(block)
            head, block = block[:end], block[end:]
            # Without a line break of any other kind, a lone carriage return is only a blank.
            heads = next(csv.reader(io.StringIO(head.decode().replace("\r", " "))), [])
            self._names = self.header.place(heads)
            self.header.require()
            self._row = 2
        if not block.strip():
            return
        names = self._names
        cells = [f"c{place}" for place in range(len(names))]
        frame = self._parsed(block, [*cells, EXCESS])
        numbered = frame.with_columns(
            pl.col(EXCESS).is_not_null(),
            pl.int_range(self._row, self._row + frame.height, dtype=pl.Int32).alias(ROW),
        )
        self._row += frame.height
        yield tidy(numbered, self.header, names)

    def _parsed(self, block: bytes, cells: Sequence[str]) -> pl.DataFrame:
        """The last cell is null unless a row has more of them than there are heads."""
        head = f"{','.join(cells)}\n".encode()
        try:
            return pl.read_csv(
                io.BytesIO(head + block), infer_schema=False, truncate_ragged_lines=True
            )
        except ComputeError:
            return self._parsed_leniently(block.decode(), cells)

    def _parsed_leniently(self, text: str, cells: Sequence[str]) -> pl.DataFrame:
        """Record by record: a stray quote spoils its own cell only."""
        lines = text if text.endswith("\n") else f"{text}\n"
        try:
            rows = list(csv.reader(io.StringIO(f"{lines}{_END}", newline="")))
        except csv.Error:
            raise Problem("import_quotes", row=self._row) from None
        if rows.pop() != [_END]:
            raise Problem("import_quotes", row=self._row + len(rows))
        filled = [(row + [None] * len(cells))[: len(cells)] for row in rows]
        return pl.DataFrame(filled, schema=dict.fromkeys(cells, pl.String), orient="row")


def _end_of_records(block: bytes, most: int) -> int:
    """Behind the last line break that no quote is open at, or behind the last one at all."""
    end = block.rfind(b"\n", 0, most)
    open_quotes = block.count(b'"', 0, end + 1)
    at = end
    while open_quotes % 2 and at >= 0:
        before = block.rfind(b"\n", 0, at)
        open_quotes -= block.count(b'"', before + 1, at + 1)
        at = before
    found = at if at >= 0 else end
    if found < 0:
        raise Problem("import_line_too_long", limit=_LONGEST_RECORD)
    return found + 1


def _end_of_head(block: bytes) -> int:
    at = block.find(b"\n")
    while at >= 0 and block.count(b'"', 0, at) % 2:
        at = block.find(b"\n", at + 1)
    return at + 1 if at >= 0 else len(block)
