"""What a home's first start does once: the sample loaded, the journey walked, both told."""

from pathlib import Path
from typing import Literal
from uuid import uuid4

import httpx
import structlog
from pydantic import BaseModel

from cli import sample
from cli.api import Refused, client
from cli.home import write
from cli.paste import command_of
from cli.say import aside, say
from cli.tour import Step, Tour
from cli.uploads import Failed

_log = structlog.get_logger()


class Memory(BaseModel):
    """`sample.json`: how far the sample came, and what the journey left to look at."""

    state: Literal["none", "loading", "loaded"]
    walk: str = ""
    county: bool = False
    steps: list[Step] = []

    @classmethod
    def of(cls, home: Path) -> "Memory | None":
        """None for a home that has never been started."""
        path = _file(home)
        return cls.model_validate_json(path.read_bytes()) if path.exists() else None

    def keep(self, home: Path) -> None:
        write(_file(home), self.model_dump_json(indent=1))


def _file(home: Path) -> Path:
    return home / "sample.json"


async def run(home: Path, url: str, *, wanted: bool, county: bool) -> None:
    """A first start that was broken off goes on where it stood; a later one changes nothing."""
    known = Memory.of(home)
    if known is None:
        begun = Memory(state="loading", walk=uuid4().hex, county=county)
        known = begun if wanted else Memory(state="none")
        known.keep(home)
    elif known.state == "loaded":
        say("  数据与上次停止时一致。", "  Everything is as it was.")
    if known.state == "loading":
        try:
            await add(home, url, known)
        except (Refused, Failed, LookupError, httpx.HTTPError) as error:
            _log.error("sample not loaded", exc_info=error)
            say(
                f"  样本未能载入（{error}）；系统照常运行，下次启动时继续。",
                f"  The sample could not be loaded ({error}); the system runs all the same, and "
                "the next start goes on with it.",
            )
    say(
        f"\n正在运行：{url}/ （Ctrl-C 停止；日志 {home / 'weiyuan.log'}）",
        f"\nRunning at {url}/ — Ctrl-C stops it (log: {home / 'weiyuan.log'})",
    )


async def add(home: Path, url: str, begun: Memory) -> Memory:
    """Load the sample and walk the journey through it."""
    async with client(url) as http:
        loaded = await sample.load(home, http, county=begun.county)
        steps = [*loaded.told, *await Tour(home, http, loaded.places, begun.walk).walk()]
    loaded_now = begun.model_copy(update={"state": "loaded", "steps": steps})
    loaded_now.keep(home)
    tell(home, url, steps)
    return loaded_now


def tell(home: Path, url: str, steps: list[Step]) -> None:
    say("\n第一段旅程：", "\nThe first journey:")
    for number, step in enumerate(steps, 1):
        say(f"  {number}  {step.zh}", f"  {number}  {step.en}")
        for link in step.links:
            aside(f"     {command_of(home, url, link)}")
