"""The verdict on one identifier: stable codes, to be worded in the reader's language."""

from typing import NamedTuple


class Verdict(NamedTuple):
    reasons: tuple[str, ...] = ()
    """Why it is not valid; none means valid."""
    warnings: tuple[str, ...] = ()
    converts_to: str | None = None
    """The number of today's form offered in place of an old one; never stored unasked."""

    @property
    def valid(self) -> bool:
        return not self.reasons


VALID = Verdict()
NOT_TEXT = Verdict(reasons=("not_text",))
WRONG_LENGTH = Verdict(reasons=("length",))
WRONG_CHARACTERS = Verdict(reasons=("characters",))
LENGTH = 18
