"""Where a running system writes what it does: a file of its home, readable to its owner."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from libs.common.telemetry.logs import configure_logs

_LARGEST = 32 << 20


@contextmanager
def open_log(home: Path) -> Iterator[Path]:
    """Lines are added; a file that has grown large is set aside when the system starts."""
    path = home / "weiyuan.log"
    if path.exists() and path.stat().st_size > _LARGEST:
        path.replace(home / "weiyuan.log.1")
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    root, usual = logging.getLogger(), structlog.get_config()
    handlers = root.handlers[:]
    with open(opened, "a", buffering=1, encoding="utf-8") as stream:
        configure_logs(readable=True, stream=stream)
        try:
            yield path
        finally:  # who logs after this must not find a closed file
            structlog.configure(**usual)
            root.handlers[:] = handlers
