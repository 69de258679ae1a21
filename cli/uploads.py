"""A file through the import API: sent as a stream, watched until its job has ended."""

import asyncio
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from typing import Any

from cli.api import Api

_LOOK_EVERY = 0.2


class Failed(Exception):
    """The job ended without entering everything it could; its problem says why."""


@dataclass(frozen=True)
class Upload:
    """`kind` is the last part of the address; `name` tells the form of the file."""

    kind: str
    name: str
    content: AsyncIterable[bytes]
    on: str | None = None
    dry_run: bool = False


Seen = Callable[[str, int, int | None], None]
"""Told the phase, how much of it is done, and of how much where that is known."""


async def run(api: Api, upload: Upload, seen: Seen) -> dict[str, Any]:
    """The ended job, with its result."""
    asked = {"filename": upload.name, "dry_run": str(upload.dry_run).lower()}
    sent = await api.upload(
        f"/registry/v1/imports/{upload.kind}",
        upload.content,
        **asked | ({"on": upload.on} if upload.on else {}),
    )
    while True:
        job: dict[str, Any] = await api.get(sent["href"])
        seen(job["progress"]["phase"], job["progress"]["done"], job["progress"]["total"])
        if job["state"] == "done":
            return job
        if job["state"] == "failed":
            said = job["error"] or {}
            raise Failed(" ".join(filter(None, (said.get("title"), said.get("detail")))))
        await asyncio.sleep(_LOOK_EVERY)
