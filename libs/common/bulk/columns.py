"""The heads of a table: which column is which, which are dropped, and what is missing."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from libs.common.http.problems import Problem
from libs.common.language import Words
from libs.common.people.masking import scrub

_IGNORED = re.compile(r"[\s_*:()\[\]\-]+")
_FORBIDDEN = re.compile(
    "民族|族别|宗教|信仰|政治|党派|党员|思想|可靠|可信|忠诚|立场"
    "|ethnic|nationalit|religio|belief|politic|party|reliab|trustw|loyal"
)
_MOST_NOTICES = 50
_LONGEST_HEAD = 20

_TEXTS: dict[str, Words] = {
    "column_forbidden": {
        "zh": "不收集这类信息，该列已在入口丢弃",
        "en": "this is not collected; the column was dropped at the door",
    },
    "column_unknown": {
        "zh": "此次导入不用这一列，已丢弃",
        "en": "this import does not use the column; it was dropped",
    },
}


@dataclass(frozen=True)
class Column:
    """A column that an import takes: our name for it, and the heads it has in people's files."""

    name: str
    heads: Sequence[str]
    required: bool = False

    @property
    def term(self) -> Words:
        return {"zh": self.heads[0], "en": self.name}


@dataclass
class Header:
    """The heads of one file, in any order, as far as they have been seen."""

    columns: Sequence[Column]
    found: set[str] = field(default_factory=set)
    notices: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._names = {
            canonical(head): column.name
            for column in self.columns
            for head in (column.name, *column.heads)
        }
        self._noticed: set[str] = set()

    def place(self, heads: Iterable[str]) -> list[str | None]:
        """The column name for each head of a row; None for what is dropped."""
        names = [self._name(head) for head in heads]
        known = [name for name in names if name]
        if repeated := sorted({name for name in known if known.count(name) > 1}):
            raise Problem("import_columns_repeated", columns=self._terms(repeated))
        self.found.update(known)
        return names

    def require(self) -> None:
        """Refuse a file that lacks a column no row can do without."""
        missing = [
            column.name
            for column in self.columns
            if column.required and column.name not in self.found
        ]
        if missing:
            # A file without a head row has people in this place: its own words are not repeated.
            raise Problem("import_columns_missing", columns=self._terms(missing))

    def _name(self, head: str) -> str | None:
        key = canonical(head)
        if key and key not in self._names:
            self._drop(head, key)
        return self._names.get(key)

    def _drop(self, head: str, key: str) -> None:
        if key in self._noticed or len(self.notices) >= _MOST_NOTICES:
            return
        self._noticed.add(key)
        code = "column_forbidden" if _FORBIDDEN.search(key) else "column_unknown"
        shown = scrub(head.strip())[:_LONGEST_HEAD]
        self.notices.append({"code": code, "column": shown, "message": _TEXTS[code]})

    def _terms(self, names: Sequence[str]) -> list[Words]:
        return [column.term for column in self.columns if column.name in names]


def canonical(head: str) -> str:
    """A head without what people write differently: width, case, spaces, brackets, stars."""
    return _IGNORED.sub("", unicodedata.normalize("NFKC", head).casefold().lstrip("\ufeff"))
