"""Killed at any point, an import is taken up by the next worker: nothing lost, nothing doubled."""

import asyncio
import contextlib
import random
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
import pytest_asyncio

from cli.synthetic import people, villages
from libs.common.events.retry import LOST
from libs.common.process import jobs
from tests.registry.imports.conftest import Office, codes

PEOPLE, BATCH = 3_000, 100
PLACES = villages(4)
ROSTER = [dict(row) for row in people(PLACES, PEOPLE)]
HOUSEHOLDS = len({row["household_number"] for row in ROSTER})

Where = Callable[[dict[str, object]], bool]


@pytest_asyncio.fixture(autouse=True)
async def places(prefecture: Office) -> None:
    await prefecture.imported("divisions", codes(PLACES), on="2010-01-01")
    await prefecture.owner.execute("TRUNCATE household, person, outbox, audit, job, import_issue")


@asynccontextmanager
async def a_worker(office: Office) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Killed by what it yields, or at the end."""
    settings = office.process.settings
    given = (settings.home, settings.bus_url, settings.registry_database_url, BATCH)
    command = ("-m", "tests.registry.imports.worker", *map(str, given))
    worker = await asyncio.create_subprocess_exec(sys.executable, *command)

    async def kill() -> None:
        if worker.returncode is None:
            worker.send_signal(signal.SIGKILL)
        await worker.wait()

    try:
        yield kill
    finally:
        await kill()


async def until(office: Office, href: str, reached: Where, within: float = 60) -> bool:
    """Whether the job reached this before it ended."""
    async with asyncio.timeout(within):
        while (job := await office.job(href))["state"] in ("queued", "running"):
            if reached(job["progress"]):
                return True
            await asyncio.sleep(0.002)
    return False


async def assert_whole(office: Office, refused: int = 0) -> None:
    counted = "SELECT count(*), count(DISTINCT identity_index), max(version) FROM person"
    assert await office.table(counted) == [(PEOPLE - refused, PEOPLE - refused, 1)]
    assert await office.table("SELECT count(*), sum(members) FROM household") == [
        (HOUSEHOLDS, PEOPLE - refused)
    ]
    events = await office.events()
    assert len(events) == len({event.aggregate_id for event in events}) == HOUSEHOLDS
    for table in ("import_chunk", "import_person"):
        assert await office.table(f"SELECT 1 FROM {table}") == [], table


async def test_killed_again_and_again_it_comes_to_the_same_end(office: Office) -> None:
    chance = random.Random(7)
    href = await office.send("roster", ROSTER)
    for _ in range(3):
        async with a_worker(office) as kill:
            wanted = chance.randrange(1, PEOPLE - BATCH)
            merging = await until(
                office,
                href,
                lambda p, least=wanted: p["phase"] == "merging" and p["done"] >= least,  # type: ignore[misc]
            )
            await kill()
            if not merging:
                break
    await office.finish()
    result = (await office.job(href))["result"]
    assert (result["persons_added"], result["households_added"]) == (PEOPLE, HOUSEHOLDS)
    assert (result["good"], result["refused"], result["persons_changed"]) == (PEOPLE, 0, 0)
    await assert_whole(office)


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param("TRUNCATE import_person", id="a crash that empties it"),
        pytest.param("DELETE FROM import_person WHERE row % 3 = 0", id="a part of it"),
    ],
)
async def test_staging_that_is_gone_is_made_again_and_the_cursor_stays(
    office: Office, lost: str
) -> None:
    bad = {"household_number": "X1", "person_number": "X1-1", "identity": "621123199512319055"}
    rows = [*ROSTER, {**ROSTER[0], **bad}]
    href = await office.send("roster", rows)
    async with a_worker(office) as kill:
        assert await until(office, href, lambda p: p["phase"] == "merging")
        await kill()
    await office.owner.execute(lost)
    await office.finish()
    result = (await office.job(href))["result"]
    assert (result["persons_added"], result["refused"]) == (PEOPLE, 1)
    assert await office.faults({"job": href[-36:]}) == [(PEOPLE + 2, "identity", "check_digit")]
    await assert_whole(office)


async def test_a_server_that_hangs_up_is_waited_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.registry.imports.roster.BATCH", BATCH)
    href = await office.send("roster", ROSTER)
    working = asyncio.create_task(office.finish())
    assert await until(office, href, lambda p: p["phase"] == "merging")
    await office.owner.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE usename = 'registry_worker' AND datname = current_database()"
    )
    with contextlib.suppress(*LOST, asyncpg.PostgresError):  # its own session is lost with them
        await working
    await office.finish()
    await assert_whole(office)


async def test_killed_while_it_reads_it_reads_again(office: Office) -> None:
    href = await office.send("roster", ROSTER)
    async with a_worker(office) as kill:
        await until(office, href, lambda p: p["phase"] != "received")
        await kill()
    await office.finish()
    await assert_whole(office)


async def test_two_workers_do_a_job_once(office: Office) -> None:
    href = await office.send("roster", ROSTER[:200])
    await asyncio.gather(office.finish(), office.finish())
    await until(office, href, lambda _: False)
    assert await office.table("SELECT (progress->>'attempt')::int FROM job") == [(1,)]


async def test_a_job_that_takes_its_worker_down_each_time_ends(office: Office) -> None:
    href = await office.send("roster", ROSTER[:10])
    tried = f"jsonb_build_object('attempt', {jobs.MOST_ATTEMPTS})"
    await office.owner.execute(f"UPDATE job SET progress = progress || {tried}")
    await office.finish()
    job = await office.job(href)
    assert (job["state"], job["error"]["code"]) == ("failed", "job_given_up")
    assert await office.table("SELECT 1 FROM import_chunk") == []
