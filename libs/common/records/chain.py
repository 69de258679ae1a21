"""The format of sealed records: canonical rows, their digests, and the chain over batches of them.

- A row is canonical as a JSON object without its null members (so that a column added later
  changes no old digest) and without what the seal writes into it: keys sorted by code point, UTF-8,
  no white space; uuids in lower case, instants in UTC as `2019-03-01T08:00:00.000000Z`, days as
  `2019-03-01`, binary values in hex.
- Its digest is the SHA-256 of that.
- A seal's digest is the SHA-256 of its rows' digests, one after the other, in the order of ids.
- A seal's chain is the SHA-256 of the chain before it, followed by the canonical form of the seal:
  number, source, instant, number of rows, digest. Before the first stands the service's genesis.
- A day's root is the chain of the last seal of that day in Asia/Shanghai.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson

from libs.common.clock import SHANGHAI

SEAL_COLUMNS = frozenset({"digest", "seal_no", "erased_at"})
"""What the seal and the law write into a row after it was made; everything else is sealed."""

_CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME


def canonical(row: Mapping[str, Any]) -> bytes:
    present = {name: value for name, value in row.items() if value is not None}
    return orjson.dumps(present, default=_plain, option=_CANONICAL)


def _plain(value: object) -> str:
    match value:
        case datetime():
            return instant_text(value)
        case date():
            return value.isoformat()
        case bytes():
            return value.hex()
        case UUID():  # asyncpg's own class
            return str(value)
        case _:
            raise TypeError(f"{type(value).__name__} has no canonical form")


def instant_text(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def row_digest(row: Mapping[str, Any]) -> bytes:
    return sha256(canonical(row)).digest()


def batch_digest(digests: Iterable[bytes]) -> bytes:
    return sha256(b"".join(digests)).digest()


def genesis(service: str) -> bytes:
    """What the first seal of a service follows: two services never share a chain."""
    return sha256(f"weiyuan/{service}".encode()).digest()


def next_chain(previous: bytes, seal: Mapping[str, Any]) -> bytes:
    """`seal` holds no, source, sealed_at, rows and digest; what else it holds is not chained."""
    chained = {name: seal[name] for name in ("no", "source", "sealed_at", "rows", "digest")}
    return sha256(previous + canonical(chained)).digest()


def day_of(instant: datetime) -> date:
    """The day whose root a seal of this instant belongs to."""
    return instant.astimezone(SHANGHAI).date()
