"""The `weiyuan` command: `up` as a process of its own, what is asked beside it in this one."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
from typer.testing import CliRunner

from cli.main import app
from libs.common.db.embedded import EmbeddedPostgres

PROGRAM = Path(sys.executable).with_name("weiyuan")
_PATIENCE = 60

T = TypeVar("T")


@dataclass
class Home:
    """A home, and the system that runs in it."""

    path: Path
    process: subprocess.Popen[str] | None = None
    told: list[str] = field(default_factory=list)
    url: str = ""

    def up(self, *options: str) -> None:
        """Return when it says that it runs; `told` is what it said until then."""
        self.process = subprocess.Popen(
            [PROGRAM, "up", "--port", "0", *options],
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout
        self.told = []
        for line in self.process.stdout:
            self.told.append(line.strip())
            if line.startswith("Running at"):
                self.url = orjson.loads((self.path / "run.json").read_bytes())["url"]
                return
        raise AssertionError("\n".join(self.told))

    def end(self, number: signal.Signals) -> int:
        assert self.process
        self.process.send_signal(number)
        self.process.communicate(timeout=_PATIENCE)
        return self.process.returncode

    def run(self, *arguments: str, status: int = 0) -> str:
        """One command; what it printed."""
        done = CliRunner().invoke(app, arguments, env=self._environment())
        assert done.exit_code == status, (done.output, done.exception)
        return done.output if status == 2 else done.stdout

    def asked(self, *arguments: str, status: int = 0) -> Any:
        return orjson.loads(self.run(*arguments, "--json", status=status))

    def get(self, path: str, token: str | None = None, status: int = 200) -> httpx.Response:
        headers = {"authorization": f"Bearer {token}"} if token else {}
        response = httpx.get(f"{self.url.rstrip('/')}{path}", headers=headers, trust_env=False)
        assert response.status_code == status, response.text
        return response

    def clear(self) -> None:
        """Nothing of it stays behind, however the test ended."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        if server := EmbeddedPostgres.attach(self.path):
            server.stop()

    def _environment(self) -> dict[str, str]:
        kept = {name: each for name, each in os.environ.items() if name[:8] != "WEIYUAN_"}
        return kept | {"WEIYUAN_HOME": str(self.path), "WEIYUAN_LANG": "en"}


def until(seen: Callable[[], T]) -> T:
    """What `seen` finds once it finds something."""
    deadline = time.monotonic() + _PATIENCE
    while not (found := seen()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


@contextmanager
def running(*options: str) -> Iterator[Home]:
    """In a directory of its own: another test run may close that of pytest to PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="weiyuan-cli-") as made:
        home = Home(Path(made))
        try:
            home.up(*options)
            yield home
        finally:
            home.clear()
