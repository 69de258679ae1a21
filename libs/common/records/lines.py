"""The lines of an export of sealed records: NDJSON, one object a line, told apart by `kind`.

- `header`: service, first and last day, exported_at, the daily roots (day → chain) and, where there
  is a seal, number and chain of the one before the first (`after`, `previous`; at the start 0 and
  the genesis);
- `seal`: no, source, sealed_at, rows, digest, chain; after it come its rows, in the order of ids:
- `audit`, `access`, `decision`: seal, digest and `row`, the canonical contents. A row erased by law
  has `erased` (when) and its id alone in `row`; its digest still holds the chain together;
- `end`: how many lines came before it, and the SHA-256 of all their bytes.

Digests and chains are in hex. Rows not yet sealed are left to the next export.
"""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from libs.common.records.chain import next_chain, row_digest

_Hex = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Header(_Line):
    kind: Literal["header"]
    service: str
    first: date
    last: date
    exported_at: AwareDatetime
    roots: dict[str, _Hex]
    after: int | None = None
    previous: _Hex | None = None


class Seal(_Line):
    kind: Literal["seal"]
    no: int
    source: str
    sealed_at: AwareDatetime
    rows: int
    digest: _Hex
    chain: _Hex

    def follows(self, previous: str) -> bool:
        chained = {
            "no": self.no,
            "source": self.source,
            "sealed_at": self.sealed_at,
            "rows": self.rows,
            "digest": self.digest,
        }
        return next_chain(bytes.fromhex(previous), chained).hex() == self.chain


class Row(_Line):
    kind: Literal["audit", "access", "decision"]
    seal: int
    digest: _Hex
    erased: AwareDatetime | None = None
    row: dict[str, Any]

    @property
    def id(self) -> str:
        return str(self.row.get("id"))

    @property
    def altered(self) -> bool:
        return self.erased is None and row_digest(self.row).hex() != self.digest


class End(_Line):
    kind: Literal["end"]
    lines: int
    digest: _Hex


LINE: TypeAdapter[Header | Seal | Row | End] = TypeAdapter(
    Annotated[Header | Seal | Row | End, Field(discriminator="kind")]
)
