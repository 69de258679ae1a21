"""Clauses: policy as dated rows, and which row is in force on a day in a place."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from libs.common.language import Language

Parameter = (
    Annotated[int, Field(strict=True)]
    | Annotated[str, Field(strict=True)]
    | Annotated[date, Field(strict=True)]
    | tuple[str, ...]
)
"""A count, a decimal written as a string (never a float), a day, or a list of codes."""
Value = bool | int | str | tuple[str, ...] | None
"""What a condition found or needs: JSON, so that a stored decision reads back as it was."""


class Kind(StrEnum):
    """How a clause works: a hard gate, a norm with waivers, a grant somebody decides, and so on."""

    HARD = "H"
    SOFT = "S"
    DISCRETIONARY = "D"
    CAP = "C"
    FORMULA = "F"
    TARGET = "T"
    REPORT = "R"
    AUTHORITY = "A"
    WORKFLOW = "W"
    PROHIBITION = "P"
    LIST = "L"


class Basis(StrEnum):
    """Where a rule comes from, which decides what it may do (`findings.weigh`)."""

    TEXT = "TEXT"
    LAW = "LAW"
    DERIVED = "DERIVED"
    DEFAULT = "DEFAULT"
    ETHICS = "ETHICS"


REFUSING = frozenset({Basis.TEXT, Basis.LAW})


class Rank(StrEnum):
    """Who issued the row; a higher rank prevails (省上有最新政策,按省上政策执行)."""

    STATE = "state"
    PROVINCE = "province"
    PREFECTURE = "prefecture"
    COUNTY = "county"


_CODE_LENGTH = {Rank.STATE: 0, Rank.PROVINCE: 2, Rank.PREFECTURE: 4, Rank.COUNTY: 6}


class Text(BaseModel, frozen=True, extra="forbid"):
    """The same words in Chinese and in English."""

    zh: str
    en: str

    def of(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


class ConditionText(Text, frozen=True):
    """The wording of one condition, and its basis where that is weaker than the clause's."""

    basis: Basis | None = None


_WORDS = {
    None: Text(zh="未知", en="unknown"),
    True: Text(zh="是", en="yes"),
    False: Text(zh="否", en="no"),
}


class Clause(BaseModel, frozen=True, extra="forbid"):
    """One version of one rule (条款): its source, its basis, its numbers and its wording."""

    id: str
    document: str
    section: str
    title: Text
    quote: str
    kind: Kind
    basis: Basis
    rank: Rank
    leaves_to: Rank | None = None
    division: str = Field(pattern=r"^[0-9]*$")
    effective_from: date
    effective_to: date | None = None
    interpreter: Text
    parameters: Mapping[str, Parameter] = {}
    conditions: Mapping[str, ConditionText] = {}
    terms: Mapping[str, Text] = {}

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if len(self.division) != _CODE_LENGTH[self.rank]:
            raise ValueError(f"{self.id}: {self.division!r} is not a {self.rank} code")
        for name, wording in self.conditions.items():
            if wording.basis in REFUSING and self.basis not in REFUSING:
                raise ValueError(f"{self.id}: {name} claims more than the clause's basis")
            for template in (wording.zh, wording.en):
                template.format(found="", needed="")
        return self

    @property
    def version(self) -> str:
        return f"{self.rank}/{self.division}/{self.effective_from}"

    def covers(self, on: date, division: str) -> bool:
        """`effective_to` is the first day on which the row no longer holds."""
        begun = self.effective_from <= on
        ended = self.effective_to is not None and self.effective_to <= on
        return begun and not ended and division.startswith(self.division)

    def precedence(self) -> tuple[float, date]:
        """Higher rank, then newest; a row that leaves the matter to a rank yields to that rank."""
        weight = (
            -_CODE_LENGTH[self.rank]
            if self.leaves_to is None
            else -_CODE_LENGTH[self.leaves_to] - 0.5
        )
        return weight, self.effective_from

    def number(self, name: str) -> int:
        value = self.parameters[name]
        if not isinstance(value, int):
            raise TypeError(f"{self.id}: {name} is not a whole number")
        return value

    def codes(self, name: str) -> tuple[str, ...]:
        value = self.parameters[name]
        if not isinstance(value, tuple):
            raise TypeError(f"{self.id}: {name} is not a list of codes")
        return value

    def words(self, value: Value, language: Language) -> str:
        """A found or needed value as people read it."""
        if value is None or isinstance(value, bool):
            return _WORDS[value].of(language)
        if isinstance(value, tuple):
            return ("、" if language == "zh" else ", ").join(self.words(v, language) for v in value)
        text = str(value)
        return self.terms[text].of(language) if text in self.terms else text


@dataclass(frozen=True, slots=True)
class NotInForce:
    """No row of the clause holds on that day in that place: somebody has to rule."""

    id: str
    on: date
    division: str


class Clauses:
    """The rows a process knows: its services' files and, later, the rulings in its database."""

    def __init__(self, rows: Iterable[Clause]) -> None:
        self._rows: dict[str, dict[str, Clause]] = {}
        for row in rows:
            versions = self._rows.setdefault(row.id, {})
            if row.version in versions:
                raise ValueError(f"{row.id} {row.version} is there twice; a change is a new row")
            versions[row.version] = row

    @classmethod
    def load(cls, paths: Iterable[Path]) -> Self:
        """Each path is a TOML file or a folder of them."""
        return cls(row for path in paths for row in _read(path))

    def __iter__(self) -> Iterator[Clause]:
        return (row for versions in self._rows.values() for row in versions.values())

    def in_force(self, clause_id: str, on: date, division: str) -> Clause | NotInForce:
        rows = [r for r in self._rows.get(clause_id, {}).values() if r.covers(on, division)]
        return max(rows, key=Clause.precedence) if rows else NotInForce(clause_id, on, division)

    def cited(self, clause_id: str, version: str) -> Clause | None:
        """The row a decision was taken under, whatever came later; None if it is not there."""
        return self._rows.get(clause_id, {}).get(version)


def _read(path: Path) -> Iterable[Clause]:
    if path.is_dir():
        return (row for file in sorted(path.glob("*.toml")) for row in _read(file))
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    common = content["document"] | {"terms": content.get("terms", {})}
    return (Clause.model_validate(common | row) for row in content["clause"])
