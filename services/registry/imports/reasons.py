"""The words of each reason, in both languages."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from libs.common.bulk import verdicts
from libs.common.language import Words


def words(code: str) -> Words:
    return verdicts.reason(code, _own())


@cache
def _own() -> Mapping[str, Words]:
    found: dict[str, Words] = tomllib.loads(
        files(__package__).joinpath("reasons.toml").read_text("utf-8")
    )
    return found
