"""Synthetic people: nobody real, the same each time, a county's mixture."""

from collections import defaultdict
from itertools import islice

from cli.synthetic import REGION, people, villages
from libs.common.clock import today
from libs.common.people import resident_id
from libs.common.people.code_tables import code_tables

ROWS = list(people(villages(12), 4_000))


def test_their_numbers_pass_every_check_and_belong_to_no_county() -> None:
    assert REGION not in code_tables().counties
    verdicts = [resident_id.check(row["identity"], today()) for row in ROWS]
    assert {verdict.reasons for verdict in verdicts} == {()}
    assert len({row["identity"] for row in ROWS}) == len(ROWS)
    assert {row["synthetic"] for row in ROWS} == {"是"}


def test_the_same_seed_makes_the_same_people() -> None:
    assert list(islice(people(villages(12), 4_000), 100)) == ROWS[:100]
    assert list(islice(people(villages(12), 4_000, seed=1), 100)) != ROWS[:100]


def test_households_have_one_head_and_about_half_of_them_a_worker() -> None:
    households = defaultdict(list)
    for row in ROWS:
        households[row["household_number"]].append(row)
    heads = {sum(row["relation"] == "户主" for row in each) for each in households.values()}
    assert heads == {1}
    assert {len(each) for each in households.values()} == {1, 2, 3, 4, 5, 6}
    working = [any(row["working"] == "是" for row in each) for each in households.values()]
    assert 0.4 < sum(working) / len(working) < 0.6
    assert len({row["village"] for row in ROWS}) == 12
