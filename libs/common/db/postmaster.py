"""Is the server of a data directory alive? Its files say so; the process itself is asked."""

import os
import socket
import struct
import time
from pathlib import Path
from typing import NamedTuple

PORT = 5432  # names the socket; nothing listens on TCP

_NO_SUCH_PID = 2**31 - 1


class Postmaster(NamedTuple):
    pid: int
    sockets: Path
    ready: bool


def ready(data: Path) -> Postmaster | None:
    """The running server, once it takes connections: a killed one may look alive for a moment."""
    while (found := running(data)) and not (found.ready and _answers(found.sockets)):
        time.sleep(0.02)
    return found


def _answers(sockets: Path) -> bool:
    """Ask for TLS, as any client may before it says who it is: the answer is one byte."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        try:
            client.connect(str(sockets / f".s.PGSQL.{PORT}"))
            client.sendall(struct.pack("!ii", 8, 80877103))
            return client.recv(1) != b""
        except OSError:
            return False


def running(data: Path) -> Postmaster | None:
    """What postmaster.pid says, if that process is the server, no zombie and no later namesake."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return None
    if len(lines) < 5 or not _serves(int(lines[0]), data):
        return None
    return Postmaster(int(lines[0]), Path(lines[4]), ready=lines[7:8] == ["ready   "])


def _serves(pid: int, data: Path) -> bool:
    if not Path("/proc/self").exists():  # macOS: pid 1 reaps, so a pid that answers is alive
        return _signals(pid)
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")  # a zombie has none
    except (FileNotFoundError, ProcessLookupError):
        return False
    return os.fsencode(data) in words


def _signals(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def gone(pid: int, data: Path, *, within: float) -> bool:
    deadline = time.monotonic() + within
    while _serves(pid, data):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def release_dead_locks(data: Path, sockets: Path) -> None:
    """Name a pid that cannot exist in the lock files of a server that is dead.

    PostgreSQL takes a zombie, or a later process with the same pid, for the old server and refuses.
    Deleting the files would also delete what it uses to see sessions of the old server still alive.
    """
    for lock in (data / "postmaster.pid", sockets / f".s.PGSQL.{PORT}.lock"):
        if lock.exists():
            lines = lock.read_text().splitlines(keepends=True)
            lock.write_text("".join([f"{_NO_SUCH_PID}\n", *lines[1:]]))
