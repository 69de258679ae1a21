"""The first journey through processes apart, over Kafka; then workers that come and go."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import orjson
import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient

from libs.common.events.catalogue import EVENTS, topics_of
from libs.common.events.catalogue.employment import Channel, HouseholdEmployed
from libs.common.events.envelope import to_record
from libs.common.events.kafka import Kafka
from libs.common.events.kafka_client import KafkaUrl
from libs.common.ids import new_id
from libs.common.people.keys import KeyRing
from tests.cli.served import ISSUER, Login, weiyuan
from tests.databases import UrlOf
from tests.house import outgoing
from tests.journeys.apart import Apart, apart, started
from tests.journeys.first_journey import (  # noqa: F401 - steps and fixtures, found by name
    county_officer,
    test_1_divisions_and_classes_come_from_files,
    test_2_a_roster_goes_in_with_its_bad_row_reported,
    test_3_a_need_is_captured_verified_and_published_by_different_people,
    test_4_a_member_is_appointed_to_a_post_and_another_is_refused,
    test_5_the_need_is_met_and_says_by_what,
    test_6_the_work_ends_and_the_need_returns_to_be_verified,
    test_7_a_settled_month_shows_on_the_village_card,
    told,
    town_officer,
    village_officer,
)
from tests.kafka import KafkaForTests

TOPICS = Path(__file__).parents[2] / "deploy" / "kafka" / "topics.toml"
SERVICES = ("registry", "employment", "solar", "matching")
EVENTS_OF_A_STREAM = 3_000


@pytest_asyncio.fixture(scope="module")
async def ways(
    url_of: UrlOf, kafka: KafkaForTests, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Apart]:
    keys = tmp_path_factory.mktemp("deployment") / "keys"
    KeyRing.create(keys, embedded=False)
    urls = {f"WEIYUAN_{name.upper()}_DATABASE_URL": await url_of(name) for name in SERVICES}
    bus = Kafka(kafka.url)
    with Login.opened() as login:
        env = urls | {
            "WEIYUAN_BUS_URL": kafka.url,
            "WEIYUAN_KEYS": str(keys),
            "WEIYUAN_ISSUER": ISSUER,
            "WEIYUAN_JWKS_URL": login.jwks_url,
        }
        if kafka.makes_topics:
            applied = weiyuan("topics", "apply", TOPICS, "--replication", "1", "--json", env=env)
            assert applied.returncode == 0, applied.stderr
            assert set(orjson.loads(applied.stdout)) == set(topics_of(EVENTS.values()))
        async with apart(env, login, bus) as ways:
            yield ways
    await bus.close()


async def members(kafka: KafkaForTests) -> list[int]:
    """How many partitions each member of matching's group has."""
    admin = AIOKafkaAdminClient(**KafkaUrl.parse(kafka.url).connection())
    await admin.start()
    try:
        (answer,) = await admin.describe_consumer_groups(["weiyuan.matching"])
    finally:
        await admin.close()
    return [len(each[4]) for each in answer.groups[0][5]]


@pytest.fixture
def real(kafka: KafkaForTests) -> KafkaForTests:
    if not kafka.makes_topics:
        pytest.skip(f"{kafka.name} describes no groups")
    return kafka


async def until_members(kafka: KafkaForTests, count: int) -> None:
    async with asyncio.timeout(60):
        while len(shares := await members(kafka)) != count or not all(shares):  # noqa: ASYNC110
            await asyncio.sleep(0.1)


def employed() -> HouseholdEmployed:
    return HouseholdEmployed(
        aggregate_id=new_id(),
        version=1,
        household_id=new_id(),
        person_id=new_id(),
        channel=Channel.WORKSHOP,
        monthly_income_fen=60_000,
        since="2019-06-01",
    )


async def streamed(ways: Apart, url_of: UrlOf) -> int:
    """Publish a stream of new employments page by page; how many of them the board knows."""
    events = [employed() for _ in range(EVENTS_OF_A_STREAM)]
    for start in range(0, len(events), 100):
        await ways.bus.publish([to_record(outgoing(each)) for each in events[start : start + 100]])
        await asyncio.sleep(0.01)
    await ways.settle()
    board = await asyncpg.connect((await url_of("matching")).format(role="worker"))
    try:
        found: int = await board.fetchval(
            "SELECT count(*) FROM work JOIN situation USING (household_id)"
            " WHERE work.id = ANY($1) AND running = ARRAY[work.id]",
            [each.aggregate_id for each in events],
        )
        return found
    finally:
        await board.close()


async def test_two_workers_share_the_partitions(ways: Apart, real: KafkaForTests) -> None:
    await until_members(real, 2)


async def test_a_worker_killed_in_the_middle_leaves_its_work_to_the_other(
    ways: Apart, url_of: UrlOf
) -> None:
    streaming = asyncio.create_task(streamed(ways, url_of))
    await asyncio.sleep(0.1)
    ways.workers["matching"][0].tell(signal.SIGKILL)
    assert await streaming == EVENTS_OF_A_STREAM


async def test_a_worker_told_to_end_finishes_its_batch_and_leaves_the_group(
    ways: Apart, url_of: UrlOf, real: KafkaForTests
) -> None:
    (third,) = started(ways.stack, ways.env, [("matching", "worker")])
    await until_members(real, 2)
    second = ways.workers["matching"][1]
    streaming = asyncio.create_task(streamed(ways, url_of))
    await asyncio.sleep(0.1)
    second.tell()
    assert await asyncio.to_thread(second.ended) == 0
    assert len(await members(real)) <= 1  # it said so; nobody waited for its session to run out
    assert await streaming == EVENTS_OF_A_STREAM
    assert third.process.poll() is None


async def test_operators_ask_and_rebuild_where_a_worker_runs(ways: Apart) -> None:
    env = {
        name: value
        for name, value in ways.env.items()
        if "DATABASE" not in name or "MATCHING" in name
    }
    lag = weiyuan("lag", "--json", env=env)
    assert lag.returncode == 0, lag.stderr
    assert set(orjson.loads(lag.stdout)["matching"].values()) == {0}
    rebuilt = weiyuan("rebuild", "matching", "--json", env=env)
    assert rebuilt.returncode == 0, rebuilt.stderr
    assert orjson.loads(rebuilt.stdout)["events"] >= 2 * EVENTS_OF_A_STREAM
