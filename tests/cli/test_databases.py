"""`weiyuan db provision`, passwords from files, `weiyuan keys create`: on a server that asks."""

import stat
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.provision import roles_of
from libs.common.db.urls import url_of, with_passwords
from tests.cli.conftest import Env
from tests.cli.served import serving, weiyuan
from tests.cli.weiyuan import until

ODD = "p@ss:w/rd %41?#&="


@dataclass(frozen=True)
class Strict:
    """A server of its own that asks everybody for a password, and writes down each statement."""

    server: EmbeddedPostgres
    passwords: Path

    @property
    def admin(self) -> str:
        return self.server.admin_url()

    @property
    def registry(self) -> str:
        return self.server.url_template("registry")

    async def connected(self, role: str = "", *, password: str | None = None) -> asyncpg.Connection:
        """As a role of registry, or as the administrator."""
        template = self.registry if role else self.admin
        if password is None:
            return await asyncpg.connect(url_of(with_passwords(template, self.passwords), role))
        return await asyncpg.connect(url_of(template, role), password=password)

    def written(self) -> str:
        return "".join(file.read_text() for file in (self.server.home / "postgres/log").iterdir())

    def change(self, password: str) -> None:
        for role in roles_of("registry"):
            (self.passwords / role).write_text(f"{password}{role}\n")

    def provision(self) -> None:
        done = weiyuan(
            *("db", "provision", "registry", "--apply", self.admin, "--passwords", self.passwords),
            env={},
        )
        assert (done.returncode, done.stderr) == (0, "")


@pytest_asyncio.fixture(scope="module")
async def strict(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Strict]:
    passwords = tmp_path_factory.mktemp("passwords")
    (passwords / "postgres").write_text("administrator")
    with tempfile.TemporaryDirectory(prefix="weiyuan-cli-") as made:
        strict = Strict(EmbeddedPostgres.start(Path(made)), passwords)
        try:
            await _ask_for_passwords(strict)
            strict.change(ODD)
            strict.provision()
            yield strict
        finally:
            strict.server.stop()


async def _ask_for_passwords(strict: Strict) -> None:
    administrator = await asyncpg.connect(strict.admin)
    await administrator.execute("ALTER ROLE postgres PASSWORD 'administrator'")
    (strict.server.home / "postgres/pg_hba.conf").write_text("local all all scram-sha-256\n")
    await administrator.execute("ALTER SYSTEM SET log_statement = 'all'")
    await administrator.execute("SELECT pg_reload_conf()")
    await administrator.close()


@pytest.fixture(scope="module")
def deployed(strict: Strict, env: Env) -> Env:
    """Registry on that server, migrated."""
    given = env | {
        "WEIYUAN_REGISTRY_DATABASE_URL": strict.registry,
        "WEIYUAN_DATABASE_PASSWORDS": str(strict.passwords),
    }
    assert weiyuan("serve", "registry", "migrate", env=given).returncode == 0
    return given


async def test_each_role_has_the_password_of_its_file(strict: Strict) -> None:
    for role in roles_of("registry"):
        connection = await strict.connected(role.partition("_")[2])
        await connection.close()
    for wrong in ("", "something else"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await strict.connected("app", password=wrong)


def test_no_password_was_ever_written_down(strict: Strict) -> None:
    assert "ALTER ROLE registry_app PASSWORD 'SCRAM-SHA-256$" in strict.written()
    assert ODD not in strict.written()


@pytest.mark.parametrize("part", ["api", "worker"])
def test_a_process_logs_in_with_the_files(deployed: Env, part: str) -> None:
    with serving("registry", part, deployed) as served:
        assert served.get("/readyz").json() == {"ready": True, "reasons": []}


async def test_a_password_is_changed_under_a_running_process(strict: Strict, deployed: Env) -> None:
    administrator = await strict.connected()
    with serving("registry", "api", deployed) as served:
        assert served.get("/readyz").status_code == 200
        strict.change("another one ")
        strict.provision()
        await administrator.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'registry_public'"
        )
        until(lambda: served.get("/readyz").status_code == 200)
    await administrator.close()


def test_what_is_printed_is_for_psql_and_has_no_password() -> None:
    told = weiyuan("db", "provision", env={}).stdout
    for service in ("registry", "employment", "solar", "matching"):
        assert f"CREATE DATABASE {service}" in told
        assert f"-- \\password {service}_app" in told
    assert "bus" not in told
    assert "CREATE DATABASE bus" in weiyuan("db", "provision", "bus", env={}).stdout


def test_passwords_are_not_printed(tmp_path: Path) -> None:
    done = weiyuan("db", "provision", "--passwords", tmp_path, env={})
    assert (done.returncode, done.stdout) == (2, "")


def test_what_is_missing_is_told_before_anything_is_made(strict: Strict, tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("administrator")
    command = ("db", "provision", "solar", "--apply", strict.admin, "--passwords", tmp_path)
    missing = weiyuan(*command, env={})
    assert missing.returncode == 1
    assert str(tmp_path / "solar_owner") in missing.stderr
    (tmp_path / "solar_owner").write_text("kurz")
    short = weiyuan(*command, env={})
    assert short.returncode == 2
    assert str(tmp_path / "solar_owner") in short.stderr
    assert "kurz" not in short.stderr
    assert "CREATE ROLE solar_owner" not in strict.written()


def test_keys_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    assert "index-1.key, seal-1.key" in weiyuan("keys", "create", folder, env={}).stdout
    made = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert weiyuan("keys", "create", folder, "--json", env={}).stdout.endswith('"made":[]}\n')
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == made
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
