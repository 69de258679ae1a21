"""The harness of every benchmark: arms interleaved in one run, ratios of rates, one table.

A floor and its product run in turns, so that a slow minute of the machine hits both. Each round
takes the arms in the opposite order of the one before; the first round warms up and is dropped.
The ratio of a row is the median over the rounds of product rate / floor rate of the same round.
"""

import argparse
import asyncio
import gc
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from time import perf_counter

ROUNDS = 7

Work = Callable[[], float | Awaitable[float]]
Preparation = Callable[[], object]


@dataclass(frozen=True)
class Arm:
    """Something to time: `work` does its units and says how many; `before` is not timed."""

    work: Work
    before: Preparation | None = None


@dataclass(frozen=True)
class Row:
    """A claim: the arm `name` reaches at least `bar` of the rate of the arm `floor`.

    A cost of at most n times the floor's is a bar of 1/n. Without a bar the row is only told.
    """

    name: str
    floor: str
    bar: float | None = None


@dataclass(frozen=True)
class Outcome:
    name: str
    floor: str
    bar: float | None
    rate: float
    floor_rate: float
    ratio: float
    lowest: float
    highest: float

    @property
    def passed(self) -> bool:
        return self.bar is None or self.ratio >= self.bar


Rates = Mapping[str, Sequence[float]]


async def interleave(arms: Mapping[str, Arm], rounds: int = ROUNDS) -> Rates:
    """Units per second of each arm in each round, without the first round."""
    rates: dict[str, list[float]] = {name: [] for name in arms}
    order = list(arms)
    for number in range(rounds + 1):
        for name in order:
            rate = await _rate(arms[name])
            if number:
                rates[name].append(rate)
        order.reverse()
    return rates


def judge(rows: Sequence[Row], rates: Rates) -> list[Outcome]:
    return [_outcome(row, rates) for row in rows]


def run(arms: Mapping[str, Arm], rows: Sequence[Row], argv: Sequence[str] | None = None) -> int:
    """The whole of a benchmark's command; its answer is the exit code."""
    return asyncio.run(measured(arms, rows, argv))


async def measured(
    arms: Mapping[str, Arm],
    rows: Sequence[Row],
    argv: Sequence[str] | None = None,
    *,
    least: int = 1,
) -> int:
    """`run` for a benchmark that opens its pools and buses in a loop of its own.

    Short arms take `least` rounds: of a few, the median is the machine's, not the code's.
    """
    options = _options(argv)
    outcomes = judge(rows, await interleave(arms, max(least, options.rounds)))
    print(as_json(outcomes) if options.json else as_table(outcomes))
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def as_table(outcomes: Sequence[Outcome]) -> str:
    lines = [_cells("", "rate/s", "floor/s", "ratio", "range", "bar", "")]
    for outcome in outcomes:
        lines.append(
            _cells(
                f"{outcome.name} / {outcome.floor}",
                f"{outcome.rate:,.0f}",
                f"{outcome.floor_rate:,.0f}",
                f"{outcome.ratio:.2f}",
                f"{outcome.lowest:.2f}-{outcome.highest:.2f}",
                "-" if outcome.bar is None else f"{outcome.bar:.2f}",
                "" if outcome.bar is None else ("ok" if outcome.passed else "BELOW"),
            )
        )
    return "\n".join(lines)


def as_json(outcomes: Sequence[Outcome]) -> str:
    return json.dumps([asdict(outcome) | {"passed": outcome.passed} for outcome in outcomes])


async def _rate(arm: Arm) -> float:
    if arm.before is not None:
        prepared = arm.before()
        if inspect.isawaitable(prepared):
            await prepared
    gc.collect()  # no arm pays for another's garbage
    started = perf_counter()
    done = arm.work()
    units = await done if inspect.isawaitable(done) else done
    return units / (perf_counter() - started)


def _outcome(row: Row, rates: Rates) -> Outcome:
    pairs = zip(rates[row.name], rates[row.floor], strict=True)
    ratios = [rate / floor for rate, floor in pairs]
    return Outcome(
        name=row.name,
        floor=row.floor,
        bar=row.bar,
        rate=median(rates[row.name]),
        floor_rate=median(rates[row.floor]),
        ratio=median(ratios),
        lowest=min(ratios),
        highest=max(ratios),
    )


def _cells(name: str, *cells: str) -> str:
    return f"{name:<58}" + "".join(f"{cell:>12}" for cell in cells)


def _options(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures against the floor in the same run.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true", help="the outcomes as JSON")
    return parser.parse_args(argv)
