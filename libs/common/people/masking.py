"""What may be shown of a person to those who need no more: no digit of any identifier."""

import re
import unicodedata
from datetime import date

HIDDEN = "***"
MOST_SHOWN = 20

_COMPOUND = (
    "欧阳 司马 上官 诸葛 东方 独孤 南宫 皇甫 尉迟 公孙 慕容 司徒 司空 令狐 长孙 宇文 轩辕 夏侯 "
    "百里 呼延 东郭 南门 西门 端木 万俟 闻人 赫连 澹台 公冶 宗政 濮阳 淳于 单于 太叔 申屠 仲孙 "
    "钟离 鲜于 闾丘 拓跋 完颜 第五"
)
COMPOUND_SURNAMES = frozenset(_COMPOUND.split())
"""复姓: they keep both characters when a name is masked."""

# What looks like an identifier but is none is matched first and kept.
_KEPT = (
    r"(?<![0-9a-f])[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}(?![0-9a-f])",  # uuid
    r"(?<![0-9a-z])(?=\d*[a-f])[0-9a-f]{32,}(?![0-9a-z])",  # trace ids, digests
    r"_fen\W{1,4}\d{1,12}(?!\d)",  # money
    r"(?<!\d)0\.\d+",  # a fraction
)
_SENSITIVE = (
    r"(?<!\d)\d{17}x",
    r"(?<!\d)\d{6}[ -]\d{8}[ -]\d{3}[\dx]",  # a resident id in its groups
    r"(?<!\d)\d{4}(?:[ -]\d{4}){3}(?:[ -]?\d{1,3})?(?!\d)",  # a bank card in its groups
    r"(?<!\d)\d{13,}",  # ids of 15 and 18 digits, accounts, +86 phones, the disabled's 20 digits
    r"(?<!\d)0?1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)",
)
_SCRUBBED = re.compile(f"({'|'.join(_KEPT)})|{'|'.join(_SENSITIVE)}", re.IGNORECASE)


def masked_name(name: str) -> str:
    """姓+*: the surname and one star, however long the name.

    A name of three characters or more that begins with a known compound surname (复姓) keeps both
    characters; every other name, also of peoples without surnames, keeps its first.
    """
    compound = len(name) > 2 and name[:2] in COMPOUND_SURNAMES
    return f"{name[: 2 if compound else 1]}*"


def age_on(birth: date, on: date) -> int:
    """Full years; one born on 29 February completes them on 1 March in other years."""
    return on.year - birth.year - ((on.month, on.day) < (birth.month, birth.day))


def masked_value(value: str) -> str:
    """The shape of a refused value for an error report: finds the fault, not the person."""
    shape = "".join(_shape_of(character) for character in value[:MOST_SHOWN])
    return f"{shape}…" if len(value) > MOST_SHOWN else shape


def scrub(text: str) -> str:
    """Free text without what looks like a resident id, a phone or a bank account."""
    return _SCRUBBED.sub(lambda found: found[1] or HIDDEN, text)


def _shape_of(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] == "L":
        return "某" if unicodedata.east_asian_width(character) == "W" else "x"
    if kind[0] == "N":
        return "#"
    return character if kind[0] in "PSZ" and character.isascii() else "?"
