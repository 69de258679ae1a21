"""XLSX workbooks: the first sheet, held in memory while it is read, hence of a bounded size."""

import io
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

import polars as pl
from python_calamine import CalamineError, CalamineWorkbook, PasswordError, ZipError

from libs.common.bulk.columns import Header
from libs.common.bulk.tables import BLOCK_ROWS, EXCESS, ROW, tidy
from libs.common.http.problems import Problem

MOST_PACKED = 64 << 20
MOST_UNPACKED = 768 << 20
"""Bytes of a workbook as it arrives, and of all its parts; larger tables come as CSV or NDJSON."""

_PIECE = 1 << 20
_EXACT = 10**15
"""A spreadsheet keeps 15 digits of a number; an identity number typed as one is lost."""


class WorkbookReader:
    def __init__(self, header: Header) -> None:
        self.header = header
        self._file = io.BytesIO()

    def feed(self, piece: bytes) -> Iterator[pl.DataFrame]:
        if self._file.tell() + len(piece) > MOST_PACKED:
            raise Problem("import_too_large", limit=MOST_PACKED)
        self._file.write(piece)
        return iter(())

    def finish(self) -> Iterator[pl.DataFrame]:
        _check_size(self._file)
        try:
            with CalamineWorkbook.from_filelike(self._file) as book:
                rows = book.get_sheet_by_index(0).iter_rows()
                yield from self._read(rows)
        except PasswordError:
            raise Problem("import_password") from None
        except (CalamineError, ZipError):
            raise Problem("import_workbook") from None

    def _read(self, rows: Iterator[list[Any]]) -> Iterator[pl.DataFrame]:
        head, at = next(rows, []), 1
        while head and not any(cell != "" for cell in head):
            head, at = next(rows, []), at + 1
        names = self.header.place([_text(cell) or "" for cell in head])
        self.header.require()
        taken = [place for place, name in enumerate(names) if name]
        while block := list(islice(rows, BLOCK_ROWS)):
            cells = [
                pl.Series(f"c{place}", [_text(row[place]) for row in block], pl.String)
                for place in taken
            ]
            numbers = pl.int_range(at + 1, at + 1 + len(block), dtype=pl.Int32, eager=True)
            at += len(block)
            excess = pl.Series(EXCESS, [False], pl.Boolean).new_from_index(0, len(block))
            frame = pl.DataFrame([*cells, excess, numbers.alias(ROW)])
            yield tidy(frame, self.header, [names[place] for place in taken])


def _text(cell: Any) -> str | None:
    if type(cell) is str:
        return cell or None
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < _EXACT else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat()
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def _check_size(file: io.BytesIO) -> None:
    """Unpack every part and keep none of it: what a part claims of its size may be a lie."""
    try:
        parts = _parts(file)
        left = MOST_UNPACKED
        for place, packed, method in parts:
            left -= _unpacked(file, place, packed, method, left)
    except (zipfile.BadZipFile, zlib.error):
        raise Problem("import_workbook") from None
    file.seek(0)


def _parts(file: io.BytesIO) -> Sequence[tuple[int, int, int]]:
    """Where each part's bytes begin (behind its own header), how many, and how they are packed."""
    found = []
    for part in zipfile.ZipFile(file).infolist():
        file.seek(part.header_offset + 26)
        name, extra = (int.from_bytes(file.read(2), "little") for _ in range(2))
        place = part.header_offset + 30 + name + extra
        found.append((place, part.compress_size, part.compress_type))
    return found


def _unpacked(file: io.BytesIO, place: int, packed: int, method: int, most: int) -> int:
    if method != zipfile.ZIP_DEFLATED:
        return packed
    file.seek(place)
    unpack, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while packed > 0 and not unpack.eof:
        piece = file.read(min(packed, _PIECE))
        if not piece:
            break
        packed -= len(piece)
        while piece:
            size += len(unpack.decompress(piece, _PIECE))
            piece = unpack.unconsumed_tail
            if size > most:
                raise Problem("import_too_large", limit=MOST_UNPACKED)
    return size
