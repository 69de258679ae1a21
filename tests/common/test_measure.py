"""The harness of the benchmarks: fair turns, the first round dropped, bars judged by the ratio."""

import json

import pytest

from benchmarks.measure import Arm, Row, as_json, as_table, interleave, judge


async def test_arms_take_turns_in_alternating_order_and_the_first_round_is_dropped() -> None:
    turns: list[str] = []

    async def product() -> float:
        turns.append("product")
        return 1

    def floor() -> float:
        turns.append("floor")
        return 1

    async def prepare() -> None:
        turns.append("prepare")

    rates = await interleave({"floor": Arm(floor), "product": Arm(product, prepare)}, rounds=2)
    assert turns == [
        *("floor", "prepare", "product"),
        *("prepare", "product", "floor"),
        *("floor", "prepare", "product"),
    ]
    assert {name: len(each) for name, each in rates.items()} == {"floor": 2, "product": 2}


@pytest.mark.parametrize(
    ("bar", "passed"),
    [
        pytest.param(0.5, True, id="reached exactly"),
        pytest.param(0.51, False, id="missed"),
        pytest.param(None, True, id="told, not judged"),
    ],
)
def test_a_row_is_judged_by_the_median_of_its_paired_ratios(
    bar: float | None, passed: bool
) -> None:
    rates = {"floor": [100.0, 10.0, 100.0], "product": [50.0, 9.0, 30.0]}
    [outcome] = judge([Row("product", "floor", bar)], rates)
    assert (outcome.ratio, outcome.lowest, outcome.highest) == (0.5, 0.3, 0.9)
    assert (outcome.rate, outcome.floor_rate) == (30.0, 100.0)
    assert outcome.passed is passed
    assert ("BELOW" in as_table([outcome])) is not passed
    assert json.loads(as_json([outcome]))[0]["passed"] is passed
