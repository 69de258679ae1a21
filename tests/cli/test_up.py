"""`weiyuan up` without people: what is there, what is refused, and how it ends."""

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.system import attached
from libs.common.events.bus import Record
from tests.cli.weiyuan import Home, running, until

DIVISIONS = "code,parent,level,name\n621123777,621123,town,好镇\n"
ONE_BAD = f"{DIVISIONS}62112,6211,county,短\n"


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with running("--no-sample") as found:
        yield found


@pytest.fixture(scope="module")
def prefecture(home: Home) -> str:
    return home.run("token", "--role", "prefecture_officer", "--division", "6211").strip()


def test_it_is_alive_and_ready(home: Home) -> None:
    assert home.get("/livez").json() == {"alive": True}
    assert home.get("/readyz").json() == {"ready": True, "reasons": []}


def test_the_front_page_names_the_services_and_asks_nothing_of_others(home: Home) -> None:
    page = home.get("/")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "://" not in page.text.replace(home.url.rstrip("/"), "")
    for service in ("registry", "employment", "solar", "matching"):
        assert f'href="/{service}/docs"' in page.text
        assert home.get(f"/{service}/docs").headers["content-type"].startswith("text/html")
    assert home.get("/welcome.css").headers["content-type"].startswith("text/css")


def test_a_token_opens_what_its_role_may_see(home: Home, prefecture: str) -> None:
    home.get("/registry/v1/villages", status=401)
    assert home.get("/registry/v1/villages", prefecture).json()["items"] == []


def test_a_token_without_its_area_is_refused(home: Home) -> None:
    assert "--division" in home.run("token", "--role", "village_officer", status=2)


def test_a_second_system_is_refused_in_the_same_home_and_on_the_same_port(
    home: Home, tmp_path: Path
) -> None:
    assert home.url in home.run("up", status=2)
    port = home.url.rstrip("/").rpartition(":")[2]
    other = Home(tmp_path / "other")
    assert f"Port {port}" in other.run("up", "--port", port, status=2)
    assert not (tmp_path / "other" / "postgres").exists()


def test_a_file_is_imported_and_imported_again_without_change(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "divisions.csv"
    file.write_text(DIVISIONS)
    first = home.asked("import", "divisions", str(file))
    assert (first["good"], first["divisions_added"]) == (1, 1)
    again = home.asked("import", "divisions", str(file))
    assert again["good"] == 1
    assert "divisions_added" not in again


def test_refused_rows_are_told_beside_the_file_in_both_languages(
    home: Home, tmp_path: Path
) -> None:
    file = tmp_path / "divisions.csv"
    file.write_text(ONE_BAD)
    told = home.asked("import", "divisions", str(file), "--dry-run", status=1)
    assert told["refused"] == 1
    errors = Path(told["errors"]).read_text("utf-8-sig")
    assert "行政区划代码" in errors
    assert "division code" in errors


def test_a_file_of_no_known_form_fails(home: Home, tmp_path: Path) -> None:
    file = tmp_path / "roster.pdf"
    file.write_text("x")
    assert ".csv" in home.run("import", "roster", str(file), status=2)


def test_an_export_is_verified_and_an_altered_one_is_not(home: Home, tmp_path: Path) -> None:
    file, altered = tmp_path / "records.ndjson", tmp_path / "altered.ndjson"
    file.write_text(_sealed(home))
    assert home.asked("verify", str(file))["faults"] == []
    altered.write_text(file.read_text().replace("prefecture_officer", "county_officer"))
    faults = home.asked("verify", str(altered), status=1)["faults"]
    assert "altered" in {fault["code"] for fault in faults}
    assert all(fault["zh"] and fault["en"] for fault in faults)


def _sealed(home: Home) -> str:
    """The sealer takes up a second's records at once; the imports before are among them."""

    def sealed() -> str | None:
        found = home.run("export", "records", "registry")
        return found if '"audit"' in found else None

    return until(sealed) or ""


def test_a_dead_letter_is_listed_shown_retried_and_dropped(home: Home) -> None:
    asyncio.run(_publish_spoilt(home.path))
    waiting = until(lambda: home.asked("dead-letters", "list")["matching"])
    letter = str(waiting[0]["id"])
    assert home.asked("dead-letters", "show", "matching", letter)["value"] == "{}"
    assert home.asked("dead-letters", "retry", "matching", letter, status=1)["error"]
    assert "dead letters" in home.run("doctor", status=1)
    home.run("dead-letters", "drop", "matching", letter)
    home.run("dead-letters", "drop", "matching", letter, status=2)
    assert home.asked("dead-letters", "list") == {"matching": []}


async def _publish_spoilt(home: Path) -> None:
    spoilt = Record(
        "weiyuan.registry.village.v1",
        "621123777200",
        {"ce_type": "weiyuan.village_registered.v1", "ce_id": "no uuid"},
        b"{}",
    )
    async with attached(home) as system:
        await system.bus.publish([spoilt])


def test_a_topic_is_read_again(home: Home) -> None:
    home.run("replay", "matching", "--topic", "weiyuan.solar.station.v1")
    home.run("replay", "matching", "--topic", "no.such.topic", status=2)
    home.run("replay", "registry", status=2)
    assert set(home.asked("lag")["matching"]) > {"weiyuan.solar.station.v1"}


def test_the_doctor_finds_everything_well(home: Home) -> None:
    assert home.asked("doctor")["well"]


def test_what_it_has_taken_in_is_answered_before_it_ends(home: Home, prefecture: str) -> None:
    """The last one: a file is half sent when the system is told to stop."""

    def sent() -> Iterator[bytes]:
        yield DIVISIONS.encode()
        assert home.process
        home.process.send_signal(signal.SIGTERM)
        until(lambda: not _listens(home))
        yield b"621123778,621123,town,\xe4\xb9\x9f\xe5\xa5\xbd\n"

    response = httpx.post(
        f"{home.url}registry/v1/imports/divisions?filename=late.csv",
        content=sent(),
        headers={"authorization": f"Bearer {prefecture}"},
        trust_env=False,
    )
    assert response.status_code == 202
    assert home.process
    home.process.communicate(timeout=30)
    assert home.process.returncode == 0
    assert not (home.path / "run.json").exists()


def _listens(home: Home) -> bool:
    try:
        httpx.get(f"{home.url}livez", trust_env=False)
    except httpx.ConnectError:
        return False
    return True
