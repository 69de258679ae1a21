"""Every measured claim against its floor, one benchmark after the other, in one table."""

import argparse
import json
import subprocess
import sys

from benchmarks.measure import Outcome, as_table

BENCHMARKS = ("identifiers", "bus", "kafka", "board", "http_reads", "roster")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("names", nargs="*", default=BENCHMARKS, metavar="BENCHMARK")
    options = parser.parse_args()
    outcomes, notes, broken = [], [], 0
    for name in options.names:
        print(f"{name} …", file=sys.stderr, flush=True)
        ran = _run(name, options.rounds)
        table, *said = ran.stdout.splitlines() or ["[]"]
        outcomes += [_outcome(row) for row in json.loads(table)]
        notes += [f"{name}: {line}" for line in said]
        broken += table == "[]"
    print(as_table(outcomes), *notes, sep="\n")
    return 1 if broken or not all(outcome.passed for outcome in outcomes) else 0


def _run(name: str, rounds: int) -> subprocess.CompletedProcess[str]:
    """In a process of its own: no benchmark warms or burdens another."""
    command = [sys.executable, "-m", f"benchmarks.{name}", "--json", "--rounds", str(rounds)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)


def _outcome(row: dict[str, object]) -> Outcome:
    row.pop("passed")
    return Outcome(**row)  # type: ignore[arg-type]


if __name__ == "__main__":
    sys.exit(main())
