"""`weiyuan sample add`: the sample, into a system that runs."""

import asyncio
from pathlib import Path
from uuid import uuid4

import httpx

from cli import first_start
from cli.api import Refused
from cli.first_start import Memory
from cli.home import Running
from cli.say import answer, fail, hush, say
from cli.uploads import Failed


def add(home: Path, *, county: bool, json: bool) -> None:
    if json:
        hush()
    running = Running.at(home)
    if running is None:
        fail(
            f"{home} 中没有运行中的系统：请先运行 weiyuan up。",
            f"No system runs in {home}: start it with `weiyuan up`.",
        )
    known = Memory.of(home)
    if known and known.state == "loaded":
        say("样本已在。", "The sample is there already.")
    else:
        known = _loaded(home, running.url.rstrip("/"), known, county=county)
    if json:
        answer(known.model_dump())


def _loaded(home: Path, url: str, known: Memory | None, *, county: bool) -> Memory:
    """One that was broken off goes on with the walk it began."""
    if known is None or known.state == "none":
        known = Memory(state="loading", walk=uuid4().hex, county=county)
        known.keep(home)
    try:
        return asyncio.run(first_start.add(home, url, known))
    except (Refused, Failed, LookupError, httpx.HTTPError) as error:
        fail(f"样本未能载入：{error}", f"The sample could not be loaded: {error}", status=1)
