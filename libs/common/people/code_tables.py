"""The published code tables (GB/T 2260, GB 32100-2015) and the words for each verdict code."""

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

NATIONAL_REGISTRAR = "100000"


class Text(NamedTuple):
    zh: str
    en: str


class CodeTables(NamedTuple):
    provinces: frozenset[str]
    counties: frozenset[str]
    """In force at some time since 2019; others in a real province are unknown or historic."""
    regions: frozenset[str]
    """Where an organisation can be registered: the nation, a province, a prefecture or a county."""
    registrar_classes: frozenset[str]
    messages: Mapping[str, Text]


@cache
def code_tables() -> CodeTables:
    source = files(__package__).joinpath("code_tables.toml").read_text("utf-8")
    tables = tomllib.loads(source)
    provinces = frozenset(_each(tables["provinces"]["codes"], width=2))
    counties = frozenset(
        prefecture + code
        for prefecture, codes in tables["counties"].items()
        for code in _each(codes, width=2)
    )
    above = {f"{prefecture}00" for prefecture in tables["counties"]}
    above |= {f"{province}0000" for province in provinces}
    return CodeTables(
        provinces=provinces,
        counties=counties,
        regions=counties | above | {NATIONAL_REGISTRAR},
        registrar_classes=frozenset(
            registrar + code
            for registrar, codes in tables["registrar_classes"].items()
            for code in _each(codes, width=1)
        ),
        messages={code: Text(**text) for code, text in tables["messages"].items()},
    )


def _each(codes: str, *, width: int) -> Iterator[str]:
    """The codes of a list such as `02 21-26`."""
    for part in codes.split():
        first, _, last = part.partition("-")
        for code in range(int(first), int(last or first) + 1):
            yield f"{code:0{width}d}"
