"""A role's URL: the template's own, with the password that a file holds at that moment."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from libs.common.db.scram import PasswordRefused, verifier
from libs.common.db.urls import url_of, with_passwords
from libs.common.settings import Settings, SettingsError

TEMPLATE = "postgresql://registry_{role}@db:5432/registry?sslmode=verify-full&sslrootcert=%2Fca.crt"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "密 码&"
    made.mkdir()
    (made / "registry_app").write_text("p@ss:w/rd %41?#\n")
    (made / "bus_worker").write_text("bus password")
    return made


def test_without_a_folder_only_the_role_is_put_in() -> None:
    assert url_of(with_passwords(TEMPLATE, None), "app") == TEMPLATE.replace("{role}", "app")
    local = "postgresql://registry_{role}@/registry?host=%2Ftmp%2Fa&port=5432"
    assert url_of(local, "self") == local.replace("{role}", "self")


def test_the_password_is_that_of_the_file_without_the_end_of_its_line(folder: Path) -> None:
    template = with_passwords(TEMPLATE, folder)
    parts = urlsplit(url_of(template, "app"))
    assert (parts.username, unquote(parts.password or "")) == ("registry_app", "p@ss:w/rd %41?#")
    assert (parts.hostname, parts.port, parts.path) == ("db", 5432, "/registry")
    assert parts.query == "sslmode=verify-full&sslrootcert=%2Fca.crt"
    (folder / "registry_app").write_text("changed")
    assert urlsplit(url_of(template, "app")).password == "changed"


def test_a_password_that_is_not_there_is_named(folder: Path) -> None:
    with pytest.raises(FileNotFoundError, match="registry_self"):
        url_of(with_passwords(TEMPLATE, folder), "self")


def test_a_bus_that_is_a_database_is_reached_as_a_worker(folder: Path) -> None:
    bus = "postgresql://bus_{role}@db/bus"
    assert Settings(bus_url=bus).bus == "postgresql://bus_worker@db/bus"
    given = Settings(bus_url=bus, database_passwords=folder)
    assert given.bus == "postgresql://bus_worker:bus%20password@db/bus"


def test_a_bus_that_is_none_has_no_passwords(folder: Path) -> None:
    kafka = "kafka+ssl://broker:9093?ca=ca.crt"
    assert Settings(bus_url=kafka, database_passwords=folder).bus == kafka
    with pytest.raises(SettingsError, match="WEIYUAN_BUS_URL"):
        Settings(bus_url=kafka).database_url("bus")


@pytest.mark.parametrize("password", ["short", "密码密码密码密码密码密码", "with a\ttab in it"])
def test_what_servers_and_drivers_may_read_differently_is_no_password(password: str) -> None:
    with pytest.raises(PasswordRefused) as refused:
        verifier(password)
    assert password not in str(refused.value)
