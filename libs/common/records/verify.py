"""Check an export offline: every digest, the chain, the daily roots, and every decision once more.

Needs the file alone. What a file cannot show is that it was made anew from end to end: for that,
its daily roots are compared with those published at the time (`published`).
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from libs.common.records.chain import batch_digest, day_of, genesis
from libs.common.records.lines import LINE, End, Header, Row, Seal

Rerun = Callable[[Mapping[str, Any]], str | None]
"""What a recorded decision comes to when it is taken again, or None where it is the same."""

FAULTS: Mapping[str, tuple[str, str]] = {
    "unreadable": ("这一行无法读取", "this line cannot be read"),
    "header": ("文件缺少开头行", "the file does not begin with its header"),
    "altered": ("记录 {id} 的内容被改动", "record {id} was altered"),
    "order": ("记录 {id} 的次序不对", "record {id} is out of order"),
    "foreign": (
        "记录 {id} 属于第 {seal} 号封存，却列在第 {under} 号之下",
        "record {id} belongs to seal {seal}, but stands under seal {under}",
    ),
    "count": (
        "第 {no} 号封存应有 {rows} 条记录，实有 {found} 条",
        "seal {no} covers {rows} records, {found} are here",
    ),
    "batch": (
        "第 {no} 号封存与其记录的摘要不符",
        "seal {no} does not match the digests of its records",
    ),
    "chain": (
        "第 {no} 号封存与前一号接不上",
        "seal {no} does not follow from the one before it",
    ),
    "gap": ("第 {before} 号封存之后是第 {no} 号", "seal {before} is followed by seal {no}"),
    "root": ("{day} 的日根与链不符", "the root of {day} does not match the chain"),
    "published": (
        "{day} 的日根与当时公布的不同",
        "the root of {day} is not the one that was published",
    ),
    "decision": (
        "决定 {id} 重新作出时结果不同：{found}",
        "decision {id} comes out differently when taken again: {found}",
    ),
    "cut": ("文件不完整，缺少结尾行", "the file is cut off: its last line is missing"),
    "file": (
        "文件在导出之后被改动",
        "the file was changed after it was exported",
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, and on which line of the file."""

    line: int
    code: str
    given: Mapping[str, Any]

    @property
    def zh(self) -> str:
        return FAULTS[self.code][0].format(**self.given)

    @property
    def en(self) -> str:
        return FAULTS[self.code][1].format(**self.given)


@dataclass(slots=True)
class Report:
    service: str = ""
    seals: int = 0
    rows: int = 0
    erased: int = 0
    decisions: int = 0
    roots: dict[str, str] = field(default_factory=dict)
    """Day → root, as the chain in the file gives them."""
    faults: list[Fault] = field(default_factory=list)

    @property
    def exit_status(self) -> int:
        return 1 if self.faults else 0


def verify(
    path: Path, *, rerun: Rerun | None = None, published: Mapping[str, str] | None = None
) -> Report:
    """Read the file once, line by line; without `rerun` decisions are checked as records only."""
    with path.open("rb") as lines:
        return _Reading(rerun, published or {}).of(lines)


class _Reading:
    """What is known while the file goes by; each seal is judged when the next one begins."""

    def __init__(self, rerun: Rerun | None, published: Mapping[str, str]) -> None:
        self._rerun, self._published = rerun, published
        self._report = Report()
        self._line = 0
        self._bytes = hashlib.sha256()
        self._header: Header | None = None
        self._seal: Seal | None = None
        self._seal_line = 0
        self._digests: list[bytes] = []
        self._last_id = ""
        self._in_order = True
        self._ended = False

    def of(self, lines: Iterable[bytes]) -> Report:
        for text in lines:
            self._line += 1
            self._take(text)
            self._bytes.update(text)
        self._close_seal()
        if not self._ended:
            self._fault("cut")
        self._check_roots()
        return self._report

    def _fault(self, code: str, *, line: int | None = None, **given: Any) -> None:
        self._report.faults.append(Fault(self._line if line is None else line, code, given))

    def _take(self, text: bytes) -> None:
        try:
            line = LINE.validate_python(orjson.loads(text))
        except ValueError:
            return self._fault("unreadable")
        if isinstance(line, Header) != (self._line == 1):
            self._fault("header")
        match line:
            case Header():
                self._begin(line)
            case Seal():
                self._open_seal(line)
            case Row():
                self._take_row(line)
            case End():
                self._end(line)

    def _begin(self, header: Header) -> None:
        self._header = header
        self._report.service = header.service
        if header.after == 0 and header.previous != genesis(header.service).hex():
            self._fault("chain", no=1)

    def _open_seal(self, seal: Seal) -> None:
        self._close_seal()
        before, previous = self._before()
        if before is not None and seal.no != before + 1:
            self._fault("gap", before=before, no=seal.no)
        elif previous is not None and not seal.follows(previous):
            self._fault("chain", no=seal.no)
        self._seal, self._seal_line = seal, self._line
        self._digests, self._last_id, self._in_order = [], "", True
        self._report.seals += 1
        self._report.roots[str(day_of(seal.sealed_at))] = seal.chain

    def _before(self) -> tuple[int | None, str | None]:
        if self._seal:
            return self._seal.no, self._seal.chain
        return (self._header.after, self._header.previous) if self._header else (None, None)

    def _close_seal(self) -> None:
        if not (seal := self._seal):
            return
        if len(self._digests) != seal.rows:
            found = len(self._digests)
            self._fault("count", line=self._seal_line, no=seal.no, rows=seal.rows, found=found)
        elif self._in_order and batch_digest(self._digests).hex() != seal.digest:
            self._fault("batch", line=self._seal_line, no=seal.no)

    def _take_row(self, line: Row) -> None:
        self._report.rows += 1
        self._report.erased += line.erased is not None
        if self._seal is None or (line.seal, line.kind) != (self._seal.no, self._seal.source):
            under = self._seal.no if self._seal else 0
            return self._fault("foreign", id=line.id, seal=line.seal, under=under)
        if line.id <= self._last_id:
            self._in_order = False
            self._fault("order", id=line.id)
        self._last_id = line.id
        self._digests.append(bytes.fromhex(line.digest))
        if line.altered:
            return self._fault("altered", id=line.id)
        if line.kind == "decision" and line.erased is None:
            self._check_decision(line.row)

    def _check_decision(self, row: Mapping[str, Any]) -> None:
        self._report.decisions += 1
        if self._rerun and (found := self._rerun(row)):
            self._fault("decision", id=row["id"], found=found)

    def _end(self, end: End) -> None:
        self._ended = True
        if end.lines != self._line - 1 or end.digest != self._bytes.hexdigest():
            self._fault("file")

    def _check_roots(self) -> None:
        if not self._header:
            return
        found = self._report.roots
        for day in sorted(found.keys() | self._header.roots.keys()):
            if found.get(day) != self._header.roots.get(day):
                self._fault("root", line=1, day=day)
        for day, root in sorted(self._published.items()):
            inside = self._header.first <= date.fromisoformat(day) <= self._header.last
            if inside and found.get(day) != root:
                self._fault("published", line=1, day=day)
