"""A short torture in every test run; the long ones are `make torture`."""

import sys

import pytest

from tests.databases import Run
from tests.faults.places import kafka_places, log_places
from tests.faults.torture import Plan, Report, long_plan, torture
from tests.kafka import NoKafka, jars


@pytest.fixture
def real_broker() -> None:
    try:
        jars()
    except NoKafka as reason:
        pytest.skip(f"no real broker to torture: {reason}")


def judge(report: Report, transactions: int, *troubles: str) -> None:
    assert report.faults == []
    assert len(report.emitted) == transactions
    assert all(report.troubles[trouble] for trouble in troubles), report.troubles


async def test_nothing_is_lost_or_doubled_when_relay_and_consumer_are_killed_at_random(
    run: Run,
) -> None:
    plan = Plan(transactions=1_500, seed=2018, pause=0.06, calm=0.4)
    judge(await torture(plan, await log_places(run)), 1_500, "relay", "reader")


@pytest.mark.usefixtures("real_broker")
async def test_nothing_is_lost_or_doubled_when_kafka_itself_is_killed_at_random(run: Run) -> None:
    plan = Plan(transactions=1_500, seed=241, pause=0.3, calm=2.0)
    async with kafka_places(run) as places:
        judge(await torture(plan, places), 1_500, "broker killed")


@pytest.mark.torture
async def test_nothing_is_lost_or_doubled_in_fifty_thousand_transactions(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    report = await torture(long_plan(kafka=False), await log_places(run))
    with capsys.disabled():
        sys.stdout.write(f"\n{report}\n")
    judge(report, 50_000, "relay", "reader")


@pytest.mark.torture
@pytest.mark.usefixtures("real_broker")
async def test_nothing_is_lost_or_doubled_in_fifty_thousand_transactions_on_kafka(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    async with kafka_places(run) as places:
        report = await torture(long_plan(kafka=True), places)
    with capsys.disabled():
        sys.stdout.write(f"\n{report}\n")
    troubles = ("relay", "reader", "broker killed", "broker paused", "connections cut")
    judge(report, 50_000, *troubles)
