"""A person's second try at what could not be taken in."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import FromClause, Insert, func

from libs.common.db.database import Database
from libs.common.events import dead_letters, replay
from libs.common.events.bus import Bus, Record
from libs.common.events.catalogue.employment import HouseholdEmployed
from libs.common.events.consumer import Consumer
from libs.common.events.reaction import Reaction, newest
from tests.common.events.facts import (
    BOARD,
    HANDLERS,
    POISON,
    employed,
    publish,
    reconcile,
    work,
)


def mended(events: FromClause) -> Insert:
    """Takes in what the ordinary handler's table refuses."""
    income = func.least(events.c.monthly_income_fen, POISON - 1)
    values = {
        "employment_id": events.c.aggregate_id,
        "household_id": events.c.household_id,
        "channel": events.c.channel,
        "monthly_income_fen": income,
    }
    return newest(work, events, values)


MENDED = Reaction({**HANDLERS, HouseholdEmployed: mended}, reconcile)


@pytest_asyncio.fixture
async def letter(bus: Bus, database: Database) -> AsyncIterator[asyncpg.Record]:
    """The one open dead letter: an income beyond what the table takes."""
    await publish(bus, employed(monthly_income_fen=POISON))
    await Consumer(database, bus, BOARD).drain()
    (only,) = await dead_letters.waiting(database, "matching")
    yield only
    for still in await dead_letters.waiting(database, "matching"):
        await dead_letters.drop(database, still["id"])


async def test_a_list_says_what_and_why_and_one_letter_shows_all(
    database: Database, letter: asyncpg.Record
) -> None:
    assert letter["type"] == "weiyuan.household_employed.v1"
    assert letter["attempts"] == 1
    assert "CheckViolationError" in letter["error"]
    whole = await dead_letters.show(database, letter["id"])
    assert whole is not None
    assert whole["headers"]["ce_id"] == str(whole["event_id"])
    assert str(POISON).encode() in whole["value"]
    assert await dead_letters.show(database, 10**9) is None


async def test_a_retry_that_fails_again_says_why_and_leaves_it_open(
    database: Database, letter: asyncpg.Record
) -> None:
    assert "CheckViolationError" in (
        await dead_letters.retry(database, BOARD, letter["id"]) or "it went in"
    )
    (still,) = await dead_letters.waiting(database, "matching")
    assert (still["id"], still["attempts"]) == (letter["id"], 2)


async def test_a_retry_takes_the_record_in_once_the_cause_is_mended(
    database: Database, bus: Bus, letter: asyncpg.Record
) -> None:
    assert await dead_letters.retry(database, MENDED, letter["id"]) is None
    assert await dead_letters.waiting(database, "matching") == []
    whole = await dead_letters.show(database, letter["id"])
    assert whole is not None
    assert whole["state"] == "retried"
    with pytest.raises(LookupError, match="no dead letter"):
        await dead_letters.retry(database, MENDED, letter["id"])

    # The bus brings it once more: the inbox knows it.
    record = Record(whole["topic"], whole["key"], whole["headers"], whole["value"])
    await bus.publish([record])
    await Consumer(database, bus, BOARD).drain()
    assert await dead_letters.count(database, "matching") == 0


async def test_a_letter_that_comes_again_unmended_is_open_again(
    database: Database, bus: Bus, letter: asyncpg.Record
) -> None:
    await dead_letters.drop(database, letter["id"])
    assert await dead_letters.count(database, "matching") == 0
    await replay.replay(database, bus, BOARD, topics=[letter["topic"]])
    again = {each["id"]: each for each in await dead_letters.waiting(database, "matching")}
    assert again[letter["id"]]["attempts"] == 2


async def test_a_dropped_letter_can_be_neither_dropped_nor_retried(
    database: Database, letter: asyncpg.Record
) -> None:
    await dead_letters.drop(database, letter["id"])
    with pytest.raises(LookupError, match="no dead letter"):
        await dead_letters.drop(database, letter["id"])
    with pytest.raises(LookupError, match="no dead letter"):
        await dead_letters.retry(database, MENDED, letter["id"])
