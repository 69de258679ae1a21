"""A short torture in every test run; the long one is `make torture`."""

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
