"""What every reader yields: a frame of text, one column per declared name, and the row numbers."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import polars as pl

from libs.common.bulk.columns import Header

ROW = "row"
"""The row as a person counts it in the file: the head is row 1; lines of NDJSON have no head."""
EXCESS = "excess"
"""Whether the row has more cells than there are heads, or is no row at all."""

BLOCK_BYTES = 1 << 20
BLOCK_ROWS = 5_000


class Reader(Protocol):
    """Takes a file in pieces as they come and yields frames; memory holds one block at a time."""

    header: Header

    def feed(self, piece: bytes) -> Iterator[pl.DataFrame]: ...

    def finish(self) -> Iterator[pl.DataFrame]:
        """What was left over, after the last piece."""
        ...


def tidy(frame: pl.DataFrame, header: Header, names: Sequence[str | None]) -> pl.DataFrame:
    """Declared columns only, trimmed, blank cells null; a row with none of them filled is gone.

    `frame` has a column for each of `names` in this order, then `excess` and `row`.
    """
    at = {name: cell for name, cell in zip(names, frame.columns, strict=False) if name}
    cells = list(at.values())
    trimmed = pl.col(cells).str.strip_chars()
    frame = frame.with_columns(pl.when(trimmed != "").then(trimmed)).filter(
        pl.any_horizontal(pl.col(cells).is_not_null()) | pl.col(EXCESS)
    )
    declared = [
        pl.col(at[column.name]).alias(column.name)
        if column.name in at
        else pl.lit(None, pl.String).alias(column.name)
        for column in header.columns
    ]
    return frame.select(*declared, pl.col(EXCESS), pl.col(ROW).cast(pl.Int32))
