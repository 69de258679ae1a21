"""Synthetic numbers: sequence codes from 900 on, as in the domain rules' own lists."""

from datetime import date
from string import digits

from hypothesis import strategies as st

from libs.common.people.resident_id import check_digit_of

ON = date(2019, 6, 1)
DINGXI = ("621102", "621121", "621122", "621123", "621124", "621125", "621126")


def a_resident_id(county: str = "621123", birth: str = "19951231", sequence: str = "905") -> str:
    body = county + birth + sequence
    return body + check_digit_of(body)


def resident_ids() -> st.SearchStrategy[str]:
    births = st.dates(date(1900, 1, 1), ON).map(lambda day: f"{day:%Y%m%d}")
    sequences = st.integers(900, 999).map(str)
    return st.builds(a_resident_id, st.sampled_from(DINGXI), births, sequences)


def near_resident_ids() -> st.SearchStrategy[str | None]:
    """Valid numbers, numbers one edit away from valid, and anything at all."""
    characters = st.sampled_from([*digits, "x", "X", "O", " ", "\n", "１", "٣", "渭", "\0"])
    edited = st.builds(_edited, resident_ids(), st.integers(0, 18), st.text(characters, max_size=2))
    shaped = st.builds(
        a_resident_id,
        st.from_regex(r"[0-9]{6}", fullmatch=True).filter(str.isascii),
        st.from_regex(r"[012][0-9]{3}[01][0-9][0-3][0-9]", fullmatch=True).filter(str.isascii),
        st.from_regex(r"[09]0[0-9]", fullmatch=True).filter(str.isascii),
    )
    old = resident_ids().map(lambda number: number[:6] + number[8:17])
    lengths = st.text(characters, min_size=14, max_size=19)
    anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    return st.one_of(resident_ids(), edited, shaped, old, lengths, anything, st.none())


def _edited(number: str, at: int, replacement: str) -> str:
    return number[:at] + replacement + number[at + 1 :]
