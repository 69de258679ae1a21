"""The first start with the sample, what a kill leaves, and the sample's removal."""

import re
import shlex
import signal
from collections.abc import Iterator

import pytest

from cli.synthetic import villages
from tests.cli.weiyuan import PROGRAM, Home, running

VILLAGE = villages(1)[0]
CARD = f"/matching/v1/villages/{VILLAGE}"


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with running() as found:
        yield found


def test_the_first_start_tells_the_journey(home: Home) -> None:
    told = "\n".join(home.told)
    for step in ("12 sample villages", "roster of 2,000", "public-welfare post", "solar station"):
        assert step in told
    met = re.search(r"(\d+) ms later the need was met", told)
    assert met
    assert "citing PW-SCOPE-1" in told


def test_what_anybody_may_see_needs_no_token(home: Home) -> None:
    card = home.get(CARD).json()
    assert card["class"] == "registered_deep"
    assert [month["month"] for month in card["solar_revenue"]] == ["2019-06"]
    assert [need["state"] for need in home.get("/matching/v1/needs").json()["items"]] == [
        "published"
    ]


def test_every_line_to_paste_answers(home: Home) -> None:
    pasted = [line for line in home.told if line.startswith(("curl", "http://"))]
    assert len(pasted) >= 7
    for line in pasted:
        home.get(*_asked(home, line))


def _asked(home: Home, line: str) -> tuple[str, str | None]:
    """The path and the token that a shell would make of the line."""
    url = shlex.split(line)[-1]
    path = url.removeprefix(home.url.rstrip("/"))
    if not (command := re.search(r"\$\((.+?)\)", line)):
        return path, None
    program, *arguments = shlex.split(command[1])
    assert program in (str(PROGRAM), "weiyuan")
    return path, home.run(*arguments).strip()


def test_the_front_page_shows_the_journey(home: Home) -> None:
    page = home.get("/").text
    assert f'href="{CARD}"' in page
    assert "乡村公益性岗位" in page


def test_a_kill_loses_nothing_and_the_next_start_changes_nothing(home: Home) -> None:
    before = home.get(CARD).json()
    home.end(signal.SIGKILL)
    assert (home.path / "run.json").exists()
    assert "not running" in home.run("doctor", status=1)
    home.up()
    assert "Everything is as it was." in home.told
    assert not [line for line in home.told if "journey" in line]
    assert home.get(CARD).json() == before


def test_the_sample_is_removed_whole_and_can_come_again(home: Home) -> None:
    removed = home.asked("sample", "remove")
    assert removed["registry"]["person"] == 2000
    assert removed["employment"]["post"] == 1
    home.get(CARD, status=404)
    auditor = home.run("token", "--role", "county_officer", "--division", "621123").strip()
    assert home.get("/registry/v1/households", auditor).json()["items"] == []
    assert home.asked("sample", "add")["state"] == "loaded"
    assert home.get(CARD).json()["class"] == "registered_deep"
    assert home.end(signal.SIGTERM) == 0
