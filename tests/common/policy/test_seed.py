"""Every clause shipped quotes the policy word for word."""

import re
from pathlib import Path

import pytest

from libs.common.policy.clauses import Clause, Clauses

ROOT = Path(__file__).parents[3]
SEED = ROOT.parent / "shared" / "seed"
FOLDERS = sorted(ROOT.glob("services/**/clauses"))


def segments(quote: str) -> list[str]:
    return [part for part in re.split("…+", quote) if part]


@pytest.mark.skipif(not SEED.is_dir(), reason="the seed policies are not beside this repository")
@pytest.mark.parametrize("clause", list(Clauses.load(FOLDERS)), ids=lambda c: f"{c.id} {c.version}")
def test_each_segment_of_a_quote_is_in_the_policy(clause: Clause) -> None:
    texts = "".join(path.read_text(encoding="utf-8") for path in sorted(SEED.glob("*.txt")))
    assert segments(clause.quote), "a clause quotes something"
    assert [part for part in segments(clause.quote) if part not in texts] == []
    assert clause.section in texts or clause.section == "导语"


def test_the_services_ship_clauses() -> None:
    assert "PW-SCOPE-1" in {clause.id for clause in Clauses.load(FOLDERS)}
