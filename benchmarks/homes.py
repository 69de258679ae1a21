"""Where a benchmark's own server lives."""

import tempfile
from pathlib import Path


def a_home() -> Path:
    """A new directory; when root starts PostgreSQL, it is another user and passes through."""
    home = Path(tempfile.mkdtemp(prefix="weiyuan-bench-"))
    home.chmod(0o711)
    return home
