"""The embedded server survives what happens to laptops: kills, long paths, stale files, root."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from libs.common.db.embedded import EmbeddedPostgres, EmbeddedPostgresError

AS_ROOT = os.geteuid() == 0
START = """
import sys, time
from pathlib import Path
from libs.common.db.embedded import EmbeddedPostgres
EmbeddedPostgres.start(Path(sys.argv[1]))
print("started", flush=True)
time.sleep(60)
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """Not pytest's own: that one is closed to the account PostgreSQL has when root starts it."""
    with tempfile.TemporaryDirectory(prefix="weiyuan-embedded-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def home(folder: Path) -> Iterator[Path]:
    """A home whose server may be running or not."""
    yield from _a_home(folder / "home")


def _a_home(home: Path) -> Iterator[Path]:
    yield home
    if server := EmbeddedPostgres.attach(home):
        server.stop()


async def _ask(server: EmbeddedPostgres, sql: str) -> Any:
    connection = await asyncpg.connect(server.admin_url())
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


def _pid(home: Path) -> int:
    return int((home / "postgres" / "postmaster.pid").read_text().split()[0])


def _start_and_be_killed(home: Path) -> None:
    process = subprocess.Popen([sys.executable, "-c", START, str(home)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"started\n"
    process.kill()
    process.communicate()


def test_the_first_start_starts_and_the_second_attaches(home: Path) -> None:
    assert EmbeddedPostgres.start(home).started
    assert not EmbeddedPostgres.start(home).started
    assert EmbeddedPostgres.attach(home)


async def test_only_the_account_of_the_server_enters_its_directory(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    assert server.sockets == home / "postgres"
    assert server.sockets.stat().st_mode & 0o777 == 0o700
    assert await _ask(server, "SHOW listen_addresses") == ""


async def test_text_sorts_and_folds_the_same_everywhere(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    words = "SELECT array_agg(word ORDER BY word) FROM unnest('{渭源,b,B,陇西}'::text[]) word"
    assert await _ask(server, words) == ["B", "b", "渭源", "陇西"]
    assert await _ask(server, "SELECT upper('é')") == "É"
    assert await _ask(server, "SHOW server_encoding") == "UTF8"


async def test_what_is_durable_in_production_is_durable_here(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert await _ask(server, f"SHOW {setting}") == "on"


async def test_the_environment_of_the_caller_changes_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = EmbeddedPostgres.start(home)
    server.stop()
    for name, value in {"PGPORT": "9", "PGHOST": "nowhere", "PGUSER": "x", "LC_ALL": "tr"}.items():
        monkeypatch.setenv(name, value)
    server = EmbeddedPostgres.start(home)
    assert server.started
    assert await _ask(server, "SHOW port") == "5432"


async def test_stopping_keeps_what_was_committed_and_takes_no_time(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    await _ask(server, "CREATE TABLE kept AS SELECT 1 AS n")
    server.stop()
    assert EmbeddedPostgres.attach(home) is None
    assert await _ask(EmbeddedPostgres.start(home), "SELECT n FROM kept") == 1


async def test_a_killed_python_leaves_a_server_to_attach_to(home: Path) -> None:
    EmbeddedPostgres.start(home).stop()
    await asyncio.to_thread(_start_and_be_killed, home)
    server = EmbeddedPostgres.start(home)
    assert not server.started
    assert await _ask(server, "SELECT 1") == 1


async def test_a_killed_postmaster_is_started_again_and_nothing_is_lost(home: Path) -> None:
    server = EmbeddedPostgres.start(home)
    await _ask(server, "DROP TABLE IF EXISTS written")
    await _ask(server, "CREATE TABLE written (n int)")
    connection = await asyncpg.connect(server.admin_url())
    for number in range(200):
        await connection.execute("INSERT INTO written VALUES ($1)", number)
    os.kill(_pid(home), signal.SIGKILL)
    server = await asyncio.to_thread(EmbeddedPostgres.start, home)
    connection.terminate()
    assert server.started
    assert await _ask(server, "SELECT count(*) FROM written") == 200


def test_a_zombie_or_a_later_process_with_the_same_pid_is_not_the_server(home: Path) -> None:
    EmbeddedPostgres.start(home)
    file = home / "postgres" / "postmaster.pid"
    lines, owner = file.read_text().splitlines(), file.stat()
    EmbeddedPostgres.start(home).stop()
    zombie = subprocess.Popen(["true"], user=owner.st_uid if AS_ROOT else None)
    while Path(f"/proc/{zombie.pid}/cmdline").read_bytes():
        time.sleep(0.01)
    file.write_text("\n".join([str(zombie.pid), *lines[1:], ""]))
    os.chown(file, owner.st_uid, owner.st_gid)
    assert EmbeddedPostgres.attach(home) is None
    assert EmbeddedPostgres.start(home).started
    zombie.wait()


def test_a_refusal_to_start_is_told_in_the_servers_own_words(home: Path) -> None:
    EmbeddedPostgres.start(home).stop()
    settings = home / "postgres" / "postgresql.auto.conf"
    before = settings.read_text()
    settings.write_text("shared_buffers = 'a lot'\n")
    with pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "shared_buffers"'):
        EmbeddedPostgres.start(home)
    settings.write_text(before)
    assert EmbeddedPostgres.start(home).started


def test_data_of_another_version_is_left_alone(home: Path) -> None:
    EmbeddedPostgres.start(home).stop()
    version = home / "postgres" / "PG_VERSION"
    version.write_text("16\n")
    with pytest.raises(EmbeddedPostgresError, match="was written by PostgreSQL 16"):
        EmbeddedPostgres.start(home)
    version.write_text("18\n")


async def test_long_and_unusual_paths_get_a_short_socket_and_run_beside_each_other(
    folder: Path,
) -> None:
    home = folder / ("很长" * 20) / "50% {off}, it's"
    unfinished = home / "postgres.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("killed in the middle of init")
    server = EmbeddedPostgres.start(home)
    try:
        assert server.sockets.parent == Path("/tmp")
        assert server.sockets.stat().st_mode & 0o777 == 0o700
        assert await _ask(server, "SHOW data_directory") == str(home / "postgres")
        other = EmbeddedPostgres.start(folder / "home")
        assert await _ask(other, "SHOW data_directory") == str(folder / "home" / "postgres")
    finally:
        server.stop()
    server.sockets.chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match="not a private directory"):
        EmbeddedPostgres.start(home)
    server.sockets.rmdir()


@pytest.mark.skipif(not AS_ROOT, reason="only root cannot run PostgreSQL as itself")
def test_root_lets_the_server_pass_through_its_directories_but_not_look_around(
    home: Path, folder: Path
) -> None:
    EmbeddedPostgres.start(home).stop()
    folder.chmod(0o700)
    EmbeddedPostgres.start(home)
    assert folder.stat().st_mode & 0o777 == 0o701
