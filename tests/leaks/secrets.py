"""What must not be seen of the people who were sown, or of anybody."""

import re
from datetime import date

from libs.common.people import resident_id
from tests.leaks.seed import WRONG, Seeded

_ID = re.compile(r"(?<![0-9])[0-9]{17}[0-9Xx](?![0-9])")


def secrets_of(seeded: Seeded) -> dict[str, list[str]]:
    members = [member for each in seeded.households for member in each.members]
    return {
        "identity": [*(member.identity for member in members), WRONG["identity"]],
        "phone": [*(member.phone or "" for member in members), WRONG["phone"]],
        "name": [*(member.name for member in members), WRONG["name"]],
        "birth": [member.birth_on.isoformat() for member in members],
    }


def valid_ids(text: str) -> list[str]:
    """Anybody's, not only those that were sown here."""
    today = date.today()  # noqa: DTZ011 (whether a number could be somebody's)
    found = _ID.findall(text)
    return [one for one in found if resident_id.check(one.upper(), today).valid]
