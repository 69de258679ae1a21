"""The need board: work that begins meets needs, with inbox, reconciliation and history.

As the worker role, row-level security on; the floor writes the same rows and knows which.
"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from functools import partial
from uuid import UUID

import asyncpg

from benchmarks.homes import a_home
from benchmarks.measure import Arm, Row, measured
from libs.common.db.database import Database, Scope
from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.migrate import upgrade
from libs.common.db.provision import provision
from libs.common.events.catalogue.employment import Channel, HouseholdEmployed
from libs.common.ids import new_id
from services.matching.handlers import REACTION
from services.matching.main import service

HOUSEHOLDS = 4_000
CLAIMS = (
    Row("inbox, facts and reconciliation, 500", "the same rows, 500", bar=0.40),
    Row("inbox, facts and reconciliation, 100", "the same rows, 100"),
)

_NEEDS = """
INSERT INTO need (id, household_id, division, category, quantity, stage, state, consent_person_id,
    consent_text, consent_on, captured_by, captured_at, verified_by, verified_at, published_by,
    published_at, acknowledged, overruled, version)
SELECT uuidv7(), household, '621123100201', 'job', 1, 'published', 'published', household,
    'need-publication-1', '2019-01-01', 'a', now(), 'a', now(), 'b', now(), '{}', '{}', 3
FROM unnest($1::uuid[]) AS household
"""
_SITUATIONS = """
INSERT INTO situation (household_id, division, version)
SELECT household, '621123100201', 1 FROM unnest($1::uuid[]) AS household
"""
_WORK = """
INSERT INTO work (id, household_id, person_id, channel, monthly_income_fen, since, event_id,
    event_type, version)
SELECT *, 'weiyuan.household_employed.v1', 1 FROM unnest($1::uuid[], $2::uuid[], $3::uuid[],
    $4::text[], $5::bigint[], $6::date[], $7::uuid[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version WHERE work.version < excluded.version
"""
_MEET = """
UPDATE need SET state = 'met', version = version + 1 WHERE household_id = ANY($1::uuid[])
"""
_TELL = """
INSERT INTO need_history (id, need_id, division, at, was, became, verb, cause_id, cause_type)
SELECT uuidv7(), need.id, need.division, now(), 'published', 'met', 'meet', event,
    'weiyuan.household_employed.v1'
FROM unnest($1::uuid[], $2::uuid[]) AS given(household, event)
JOIN need ON need.household_id = household
"""
_COUNT = """
UPDATE situation SET running = ARRAY[job]
FROM unnest($1::uuid[], $2::uuid[]) AS given(household, job)
WHERE household_id = household
"""


@dataclass
class Board:
    """The board's database twice: as the worker, and bare."""

    database: Database
    bare: asyncpg.Connection
    households: Sequence[UUID]
    events: Sequence[HouseholdEmployed] = ()

    async def ready(self) -> None:
        """Every household has a published need and no work; the news of it is made."""
        self.events = [_began(household) for household in self.households]
        await self.bare.execute("TRUNCATE work, inbox, need, need_history, situation")
        await self.bare.execute(_NEEDS, self.households)
        await self.bare.execute(_SITUATIONS, self.households)
        await self.bare.execute("VACUUM ANALYZE need, situation")

    async def follow(self, batch: int) -> int:
        for events in self._batches(batch):
            async with self.database.writing(Scope.worker()) as db:
                await REACTION.take_in(db, "matching", events)
        return HOUSEHOLDS

    async def write(self, batch: int) -> int:
        for events in self._batches(batch):
            households = [event.household_id for event in events]
            ids = [event.event_id for event in events]
            async with self.bare.transaction():
                await self.bare.execute(_WORK, *_columns(events))
                await self.bare.execute(_MEET, households)
                await self.bare.execute(_TELL, households, ids)
                await self.bare.execute(
                    _COUNT, households, [event.aggregate_id for event in events]
                )
        return HOUSEHOLDS

    def _batches(self, batch: int) -> Sequence[Sequence[HouseholdEmployed]]:
        return [self.events[start : start + batch] for start in range(0, HOUSEHOLDS, batch)]


def _began(household: UUID) -> HouseholdEmployed:
    return HouseholdEmployed(
        aggregate_id=new_id(),
        version=1,
        household_id=household,
        person_id=household,
        channel=Channel.PUBLIC_POST,
        monthly_income_fen=50_000,
        since=date(2019, 6, 1),
    )


def _columns(events: Sequence[HouseholdEmployed]) -> list[list[object]]:
    names = (
        *("aggregate_id", "household_id", "person_id", "channel", "monthly_income_fen"),
        *("since", "event_id"),
    )
    return [[getattr(event, name) for event in events] for name in names]


def arms(board: Board) -> Mapping[str, Arm]:
    some: dict[str, Arm] = {}
    for batch in (500, 100):
        some[f"the same rows, {batch}"] = Arm(partial(board.write, batch), board.ready)
        some[f"inbox, facts and reconciliation, {batch}"] = Arm(
            partial(board.follow, batch), board.ready
        )
    return some


@asynccontextmanager
async def a_board() -> AsyncIterator[Board]:
    """A server of its own with matching's real schema."""
    home = a_home()
    server = EmbeddedPostgres.start(home)
    try:
        await provision("matching", server.admin_url)
        await upgrade("matching", server.url_template("matching"), service.migrations)
        url = server.url_template("matching")
        database = await Database.open("matching", url, sizes={"worker": 2})
        bare = await asyncpg.connect(server.admin_url("matching"))
        yield Board(database, bare, [new_id() for _ in range(HOUSEHOLDS)])
        await bare.close()
        await database.close()
    finally:
        server.stop()
        shutil.rmtree(home)


async def main() -> int:
    async with a_board() as board:
        return await measured(arms(board), CLAIMS)


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
