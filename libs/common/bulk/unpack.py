"""Gzip in front of a reader: unpacked piece by piece, refused when it swells like a bomb."""

import zlib
from collections.abc import Iterator

import polars as pl

from libs.common.bulk.tables import Reader
from libs.common.http.problems import Problem

MOST_UNPACKED = 8 << 30
MOST_TIMES = 100
"""Lists of people pack to a tenth; a file that unpacks to a hundred times its size is no list."""

_PIECE = 1 << 20
_GZIP = zlib.MAX_WBITS | 16


class Unpacked:
    def __init__(self, inner: Reader) -> None:
        self.header = inner.header
        self._inner = inner
        self._unpack = zlib.decompressobj(_GZIP)
        self._taken = self._given = 0

    def feed(self, piece: bytes) -> Iterator[pl.DataFrame]:
        self._taken += len(piece)
        while piece:
            yield from self._inner.feed(self._next(piece))
            if self._unpack.eof:
                piece = self._unpack.unused_data  # gzip files may be strung together
                if piece:
                    self._unpack = zlib.decompressobj(_GZIP)
            else:
                piece = self._unpack.unconsumed_tail

    def finish(self) -> Iterator[pl.DataFrame]:
        yield from self._inner.feed(self._unpack.flush())
        if not self._unpack.eof:
            raise Problem("import_unpacking")
        yield from self._inner.finish()

    def _next(self, piece: bytes) -> bytes:
        try:
            plain = self._unpack.decompress(piece, _PIECE)
        except zlib.error:
            raise Problem("import_unpacking") from None
        self._given += len(plain)
        limit = min(MOST_UNPACKED, _PIECE + MOST_TIMES * self._taken)
        if self._given > limit:
            raise Problem("import_too_large", limit=limit)
        return plain
