"""Unified social credit codes (统一社会信用代码): GB 32100-2015 around a GB 11714 code."""

import re

from libs.common.people.code_tables import NATIONAL_REGISTRAR, code_tables
from libs.common.people.verdict import (
    LENGTH,
    NOT_TEXT,
    VALID,
    WRONG_CHARACTERS,
    WRONG_LENGTH,
    Verdict,
)

REASONS = (
    "not_text",
    "length",
    "characters",
    "lower_case",
    "registrar_class",
    "province",
    "organisation_check",
    "check_character",
)
WARNINGS = ("region_unknown",)

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_SHAPE = re.compile(r"[*]{2}[0-9]{6}[*]{8}[0-9X][*]".replace("*", _ALPHABET))
# Each letter's value by the standard, written as the digit that int() gives this value.
_AS_DIGITS = str.maketrans(_ALPHABET, "0123456789ABCDEFGHIJKLMNOPQRSTU")
_ORGANISATION_CHECK = "0X987654321"
_LOWER_CASE = Verdict(reasons=("lower_case",))


def check(value: object) -> Verdict:
    """Judge a code as it stands: lower case is not corrected, since it is printed in capitals."""
    if not isinstance(value, str):
        return NOT_TEXT
    if len(value) != LENGTH:
        return WRONG_LENGTH
    if not _SHAPE.fullmatch(value):
        return _misspelt(value)
    reasons = _reasons(value)
    warnings = _warnings(value)
    return Verdict(reasons, warnings) if reasons or warnings else VALID


def check_character_of(body: str) -> str:
    """The 18th character for the first 17.

    Character i is weighed by 3^i mod 31. 34 is 3 mod 31, so the code read backwards in base 34 is
    that sum, done by int() in one step.
    """
    return _ALPHABET[-int(body[::-1].translate(_AS_DIGITS), 34) % 31]


def organisation_check_of(body: str) -> str:
    """The 9th character of an organisation code (组织机构代码) for its first eight.

    Character i is weighed by 2^(8-i) mod 11; 35 is 2 mod 11, and int() gives letters the values
    GB 11714 gives them.
    """
    return _ORGANISATION_CHECK[2 * int(body, 35) % 11]


def _reasons(code: str) -> tuple[str, ...]:
    tables = code_tables()
    reasons = []
    if code[:2] not in tables.registrar_classes:
        reasons.append("registrar_class")
    if code[2:4] not in tables.provinces and code[2:8] != NATIONAL_REGISTRAR:
        reasons.append("province")
    if organisation_check_of(code[8:16]) != code[16]:
        reasons.append("organisation_check")
    if check_character_of(code[:17]) != code[17]:
        reasons.append("check_character")
    return tuple(reasons)


def _warnings(code: str) -> tuple[str, ...]:
    tables = code_tables()
    if code[2:8] not in tables.regions and code[2:4] in tables.provinces:
        return ("region_unknown",)
    return ()


def _misspelt(text: str) -> Verdict:
    if text.isascii() and _SHAPE.fullmatch(text.upper()):
        return _LOWER_CASE
    return WRONG_CHARACTERS
