"""Buses that fail on purpose, around a real one."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from libs.common.events.bus import Bus, BusUnavailable, History, Place, Record, Subscription


class Around:
    """Hands everything on: what a failing bus has in common with a sound one."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus

    async def publish(self, records: Sequence[Record]) -> None:
        await self.bus.publish(records)

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        return await self.bus.subscribe(group, topics)

    async def lag(self, group: str, topics: Sequence[str]) -> dict[str, int]:
        return await self.bus.lag(group, topics)

    async def history(self, topics: Sequence[str], since: datetime | None = None) -> History:
        return await self.bus.history(topics, since)

    async def close(self) -> None:
        await self.bus.close()


class Twice(Around):
    """Each record comes twice; of each batch the first fetch is lost, then the first ack is."""

    def __init__(self, bus: Bus) -> None:
        super().__init__(bus)
        self._lost: set[tuple[str, str, int]] = set()

    async def subscribe(self, group: str, topics: Sequence[str]) -> Subscription:
        return _TwiceDelivered(await self.bus.subscribe(group, topics), self._lost)


class _TwiceDelivered:
    def __init__(self, inner: Subscription, lost: set[tuple[str, str, int]]) -> None:
        self._inner = inner
        self._lost = lost

    async def fetch(self, limit: int, wait: float) -> list[Record]:
        records = await self._inner.fetch(max(1, limit // 2), wait)
        self._lose("fetch", records)
        return [*records, *reversed(records)]

    async def ack(self, records: Sequence[Record]) -> None:
        self._lose("ack", records)
        await self._inner.ack(records)

    async def ages(self) -> Mapping[Place, float | None]:
        return await self._inner.ages()

    async def close(self) -> None:
        await self._inner.close()

    def _lose(self, step: str, records: Sequence[Record]) -> None:
        """Once for each batch, known by the record it begins with."""
        if records and (place := (step, records[0].topic, records[0].offset)) not in self._lost:
            self._lost.add(place)
            raise BusUnavailable(f"{step} of {place} lost, for this test")
