"""The embedded system's home: who runs it, known from `run.json` and a lock that dies with it."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, Self

from pydantic import BaseModel

from cli.say import fail

_ATTEMPTS, _PAUSE = 5, 0.05


class Running(BaseModel):
    """What `run.json` tells others of the running system."""

    pid: int
    port: int
    url: str
    started_at: datetime

    @classmethod
    def at(cls, home: Path) -> Self | None:
        """The system that runs there; a file that a kill left behind names one that is gone."""
        try:
            found = cls.model_validate_json(_file(home).read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return found if _held(home) else None

    def announce(self, home: Path) -> None:
        write(_file(home), self.model_dump_json())


def write(path: Path, text: str) -> None:
    """Whole or not at all, for its owner's eyes."""
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    aside.rename(path)


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """One running system a home; the lock dies with its holder, however it dies."""
    try:
        home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
    except OSError as error:
        fail(f"{home} 无法使用：{error.strerror}", f"{home} cannot be used: {error.strerror}")
    with _lock(home).open("a") as lock:
        if not _taken(lock):
            _fail_running(home)
        try:
            yield
        finally:
            _file(home).unlink(missing_ok=True)


def _taken(lock: IO[str]) -> bool:
    """Asked more than once: who looks whether it is held holds it for a moment."""
    for _ in range(_ATTEMPTS):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            time.sleep(_PAUSE)
    return False


def _fail_running(home: Path) -> None:
    found = Running.at(home)
    where, who = (found.url, f"pid {found.pid}") if found else (str(home), "starting")
    fail(
        f"这里已有系统在运行：{where}（{who}）。另开一套请用 --home 指定其他目录。",
        f"A system is already running here: {where} ({who}). For another, name another --home.",
    )


def _file(home: Path) -> Path:
    return home / "run.json"


def _lock(home: Path) -> Path:
    return home / "up.lock"


def _held(home: Path) -> bool:
    """Asked with a shared lock, given back at once."""
    try:
        with _lock(home).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False
