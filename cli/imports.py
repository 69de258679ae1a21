"""`weiyuan import`: a file through the import API, and what was wrong with its rows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from cli import uploads
from cli.api import Api, Refused, client
from cli.progress import bar
from cli.reach import Reach
from cli.say import answer, fail, hush, say
from cli.tokens import Claims
from cli.uploads import Failed, Upload
from libs.common.http.roles import Role

_PIECE = 1 << 18
SOME_REFUSED = 1


@dataclass(frozen=True)
class Order:
    """What the command line asked for; `division` is the area of the embedded system's token."""

    kind: str
    file: Path
    on: str | None
    dry_run: bool
    division: str
    json: bool


def run(order: Order, reach: Reach) -> int:
    """The exit status: 0 when every row was good, 1 when some were refused."""
    if order.json:
        hush()
    try:
        return asyncio.run(_run(order, reach))
    except (Refused, Failed) as refused:
        fail(f"导入失败：{refused}", f"The import failed: {refused}")
    except (httpx.HTTPError, OSError) as error:
        fail(f"导入中断：{error!r}", f"The import broke off: {error!r}")


async def _run(order: Order, reach: Reach) -> int:
    url, token = reach.found(Claims(Role.PREFECTURE_OFFICER, order.division))
    async with client(url) as http:
        api = Api(http, token)
        upload = Upload(order.kind, order.file.name, _pieces(order.file), order.on, order.dry_run)
        with bar(order.file.name) as seen:
            job = await uploads.run(api, upload, seen)
        refused = job["result"]["refused"]
        errors = await _errors(api, job, order.file) if refused else None
    _tell(job["result"], errors)
    if order.json:
        answer({"job": job["id"], **job["result"], "errors": errors})
    return SOME_REFUSED if refused else 0


async def _pieces(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as opened:
        while piece := await asyncio.to_thread(opened.read, _PIECE):
            yield piece


async def _errors(api: Api, job: dict[str, Any], beside: Path) -> Path:
    """Every fault of every row, beside the file: row, column, masked value, reason."""
    path = beside.with_name(f"{beside.name}.errors.csv")
    async with api.stream(f"/registry/v1/imports/{job['id']}/errors", format="csv") as response:
        response.raise_for_status()
        with path.open("wb") as file:
            async for piece in response.aiter_bytes():
                file.write(piece)
    return path


_COUNTS = {
    "divisions_added": ("新增区划", "divisions added"),
    "divisions_changed": ("变更区划", "divisions changed"),
    "villages_registered": ("登记村", "villages registered"),
    "classes_added": ("新增分类", "classes added"),
    "villages_reclassified": ("分类变化的村", "villages reclassified"),
    "households_added": ("新增户", "households added"),
    "households_changed": ("变更户", "households changed"),
    "persons_added": ("新增人", "persons added"),
    "persons_changed": ("变更人", "persons changed"),
    "persons_unchanged": ("未变人", "persons unchanged"),
}


def _tell(result: dict[str, Any], errors: Path | None) -> None:
    good, rows, refused = result["good"], result["rows"], result["refused"]
    if result["dry_run"]:
        say("试运行，未写入任何数据。", "A dry run: nothing was entered.")
    say(
        f"{rows} 行：{good} 行无误，{refused} 行被拒绝。",
        f"{rows} rows: {good} good, {refused} refused.",
    )
    for name, words in _COUNTS.items():
        if count := result.get(name):
            say(f"  {words[0]} {count}", f"  {count} {words[1]}")
    for notice in result["notices"]:
        say(f"  {notice['message']}")
    if errors:
        say(f"逐行原因见 {errors}", f"The reasons, row by row, are in {errors}")
