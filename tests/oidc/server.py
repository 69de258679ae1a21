"""Keycloak for tests: the real one, from Maven, where Java and Maven are.

`deploy/keycloak/pom.xml` names the version; `build/keycloak` keeps it. It runs in development mode
on an in-memory database and is up in a quarter of a minute, with the realm of
`deploy/compose/keycloak` imported as a deployment imports it.
"""

import fcntl
import os
import secrets
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import httpx

_ROOT = Path(__file__).parents[2]
REALM_FILE = _ROOT / "deploy" / "compose" / "keycloak" / "weiyuan-realm.json"
ADMIN = "weiyuan-tests"
CONSOLE_URL = "http://127.0.0.1:8443"
"""Nobody listens there: tests read where a browser would be sent, and do not follow."""
PROVINCIAL_DIVISION = "6211"
_POM = _ROOT / "deploy" / "keycloak" / "pom.xml"
_CACHE = _ROOT / "build" / "keycloak"
_READY_WITHIN = 180.0  # the first start on a machine compiles for half a minute
_STOPPED_WITHIN = 20.0
_JVM = "-Xms256m -Xmx512m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dfile.encoding=UTF-8"


class NoKeycloak(Exception):
    """Why there is no Keycloak here."""


@dataclass(frozen=True)
class Keycloak:
    """A running server, and the secret of the client `ADMIN` that administers it."""

    url: str
    secret: str


@contextmanager
def keycloak_at(home: Path) -> Iterator[Keycloak]:
    """A server of its own in `home`; `NoKeycloak` where none can be had."""
    if missing := [name for name in ("java", "mvn") if not shutil.which(name)]:
        raise NoKeycloak(f"no {' and no '.join(missing)} on this machine")
    keycloak = Keycloak(f"http://127.0.0.1:{_free_port()}", secrets.token_urlsafe(24))
    _CACHE.mkdir(parents=True, exist_ok=True)
    with (_CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the first to start compiles into the distribution
        process = _start(_distribution(), home, keycloak)
        try:
            _wait_until_ready(process, keycloak, home / "log")
        except BaseException:
            _stop(process)
            raise
    try:
        yield keycloak
    finally:
        _stop(process)


def version() -> str:
    found = ElementTree.parse(_POM).findtext(".//{*}keycloak.version")
    assert found
    return found


def _distribution() -> Path:
    """Fetched once."""
    folder = _CACHE / version()
    if not folder.exists():
        fresh = folder.with_suffix(".new")
        shutil.rmtree(fresh, ignore_errors=True)
        goal = ["dependency:unpack-dependencies", f"-DoutputDirectory={fresh}"]
        done = subprocess.run(
            ["mvn", "-q", "-B", "-f", str(_POM), *goal, f"-DmarkersDirectory={fresh}/.markers"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NoKeycloak(f"mvn could not fetch it: {done.stdout[-500:]}")
        fresh.rename(folder)
    return folder / f"keycloak-{version()}"


def _start(distribution: Path, home: Path, keycloak: Keycloak) -> "subprocess.Popen[bytes]":
    """The distribution is shared and stays as it is; what a server writes is under `home`."""
    (home / "bin").mkdir(parents=True)
    shutil.copy(distribution / "bin" / "kc.sh", home / "bin")
    for name in ("lib", "conf", "providers", "themes"):
        (home / name).symlink_to(distribution / name)
    (home / "data" / "import").mkdir(parents=True)
    shutil.copy(REALM_FILE, home / "data" / "import")
    port = keycloak.url.rpartition(":")[2]
    options = ["--db=dev-mem", "--http-host=127.0.0.1", f"--http-port={port}", "--import-realm"]
    given = {
        "JAVA_OPTS": _JVM,
        "KC_BOOTSTRAP_ADMIN_CLIENT_ID": ADMIN,
        "KC_BOOTSTRAP_ADMIN_CLIENT_SECRET": keycloak.secret,
        "KEYCLOAK_CONSOLE_URL": CONSOLE_URL,
        "KEYCLOAK_PROVINCIAL_DIVISION": PROVINCIAL_DIVISION,
    }
    inherited = {name: os.environ[name] for name in ("PATH", "JAVA_HOME") if name in os.environ}
    with (home / "log").open("wb") as log:
        return subprocess.Popen(
            [*_dying_with_us(), str(home / "bin" / "kc.sh"), "start-dev", *options],
            env=inherited | given,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _dying_with_us() -> list[str]:
    """A worker that is killed leaves no server behind, where the system can promise that."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _wait_until_ready(process: "subprocess.Popen[bytes]", keycloak: Keycloak, log: Path) -> None:
    deadline = time.monotonic() + _READY_WITHIN
    with httpx.Client(base_url=keycloak.url, trust_env=False) as http:
        while not _answers(http):
            if process.poll() is not None or time.monotonic() > deadline:
                end = "\n".join(log.read_text(errors="replace").splitlines()[-40:])
                raise RuntimeError(f"Keycloak {version()} did not start; its log ends:\n{end}")
            time.sleep(0.2)


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/realms/weiyuan/.well-known/openid-configuration").is_success
    except httpx.TransportError:
        return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """The script and its JVM are one group; nothing in memory is worth waiting for long."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            os.killpg(process.pid, number)
            try:
                process.wait(_STOPPED_WITHIN)
            except subprocess.TimeoutExpired:
                continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
