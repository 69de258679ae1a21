"""A short torture in every test run; the long one is `make torture`."""

import sys

import pytest

from tests.databases import Run
from tests.faults.torture import Places, Plan, torture


async def test_nothing_is_lost_or_doubled_when_relay_and_consumer_are_killed_at_random(
    run: Run,
) -> None:
    plan = Plan(transactions=1_500, seed=2018, pause=0.06, calm=0.4)
    report = await torture(plan, await Places.make(run))
    assert report.faults == []
    assert len(report.emitted) == 1_500
    assert report.kills["relay"] > 0
    assert report.kills["consumer"] > 0


@pytest.mark.torture
async def test_nothing_is_lost_or_doubled_in_fifty_thousand_transactions(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    report = await torture(Plan(transactions=50_000, seed=1), await Places.make(run))
    with capsys.disabled():
        sys.stdout.write(f"\n{report}\n")
    assert report.faults == []
    assert len(report.emitted) == 50_000
