"""The clock: instants in UTC, policy days in Asia/Shanghai; rules get dates as arguments."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")

_shift = timedelta(0)


def set_to(instant: datetime | None) -> None:
    """Let time run on from `instant` (embedded system and tests only); None is the real time."""
    global _shift
    _shift = timedelta(0) if instant is None else instant - datetime.now(UTC)


def now() -> datetime:
    return datetime.now(UTC) + _shift


def today() -> date:
    """The policy day: a date in Asia/Shanghai."""
    return now().astimezone(SHANGHAI).date()
