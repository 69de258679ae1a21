"""The bus as services see it: publish, subscribe, acknowledge; which bus it is, the URL says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Record:
    """One message: the event's data as value, everything about it in the headers."""

    topic: str
    key: str
    headers: dict[str, str]
    value: bytes | None
    partition: int = 0
    offset: int = -1


class BusUnavailable(ConnectionError):
    """The bus cannot be reached now; what was asked may or may not have happened."""


class RecordRefused(Exception):
    """The bus will never take this record of a page, and has taken none of the page."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index


class RecordsGone(Exception):
    """The next records of a group are no longer kept: somebody has to rebuild or rewind it."""

    def __init__(self, group: str, topic: str, offset: int) -> None:
        super().__init__(
            f"{group} stands at {topic}/{offset}, which the bus no longer holds: "
            "rebuild what it feeds, or rewind it to a later offset and accept the loss"
        )


class Subscription(Protocol):
    """A group's place in its topics. An error of the connection ends it: subscribe again."""

    async def fetch(self, limit: int, wait: float) -> list[Record]:
        """The next records, each topic in order; empty when none came within `wait` seconds.

        Without an `ack` the same records come again.
        """

    async def ack(self, records: Sequence[Record]) -> None:
        """These are done, and with them all that came before them."""

    async def close(self) -> None: ...


class Bus(Protocol):
    async def publish(self, records: Sequence[Record]) -> None:
        """All of them or an error; records of one key keep their order."""

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        """A new group begins at the beginning. Waits as long as another process holds the group."""

    async def lag(self, group: str) -> dict[str, int]:
        """How many records the group has not acknowledged, by topic."""

    async def rewind(self, group: str, topic: str, offset: int = 0) -> None:
        """Let the group, running or not, go on from an earlier (or later) record."""

    async def close(self) -> None: ...


async def open_bus(url: str) -> Bus:
    """`postgresql://…` is the log in a database of its own."""
    from libs.common.events.pglog import PostgresLog

    scheme = url.partition("://")[0]
    if scheme in ("postgresql", "postgres"):
        return await PostgresLog.open(url)
    raise ValueError(f"WEIYUAN_BUS_URL: no bus speaks {scheme!r}; set postgresql://…")
