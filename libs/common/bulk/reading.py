"""A reader for each form, fed with pieces as they arrive."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Sequence

import polars as pl

from libs.common.bulk.columns import Column, Header
from libs.common.bulk.delimited import DelimitedReader
from libs.common.bulk.formats import Format
from libs.common.bulk.objects import ObjectReader
from libs.common.bulk.tables import Reader
from libs.common.bulk.unpack import Unpacked
from libs.common.bulk.workbook import WorkbookReader


def reader_of(form: Format, columns: Sequence[Column]) -> Reader:
    header = Header(columns)
    match form:
        case Format.CSV:
            return DelimitedReader(header)
        case Format.CSV_GZ:
            return Unpacked(DelimitedReader(header))
        case Format.NDJSON:
            return ObjectReader(header)
        case Format.NDJSON_GZ:
            return Unpacked(ObjectReader(header))
        case Format.XLSX:
            return WorkbookReader(header)


async def frames(reader: Reader, pieces: AsyncIterable[bytes]) -> AsyncIterator[pl.DataFrame]:
    """The blocks of a file as its pieces arrive, parsed beside the event loop."""
    async for piece in pieces:
        async for frame in _each(reader.feed(piece)):
            yield frame
    async for frame in _each(reader.finish()):
        yield frame


async def _each(blocks: Iterator[pl.DataFrame]) -> AsyncIterator[pl.DataFrame]:
    while (frame := await asyncio.to_thread(next, blocks, None)) is not None:
        yield frame
