"""`weiyuan doctor`: what is wrong with the embedded system, and what to do about it."""

import shutil
import stat
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from cli.api import client
from cli.home import Running
from cli.letters import CONSUMERS
from cli.say import answer, chosen, say
from cli.system import SERVICES, Attached, attached, revisions
from libs.common import clock
from libs.common.db.database import Scope
from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.migrate import heads
from libs.common.db.provision import BUS
from libs.common.events import dead_letters

WRONG = 1
_ROOM = 2 << 30
_BACKLOG = 1_000
_SLOW = 30.0
_OUTBOX = """
    SELECT (SELECT count(*) FROM outbox) AS pending, (SELECT min(time) FROM outbox) AS oldest,
        (SELECT count(*) FROM outbox_parked) AS parked
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; `todo` is what to do where it is not well."""

    name: str
    well: bool
    said: str
    todo: str = ""


async def run(home: Path, *, json: bool) -> int:
    """The exit status: 0 when all is well."""
    found = [finding async for finding in _look(home)]
    if json:
        told = [asdict(each) | ({"todo": ""} if each.well else {}) for each in found]
        answer({"well": all(each.well for each in found), "findings": told})
    else:
        for each in found:
            say(f"{'✓' if each.well else '✗'} {each.name:24} {each.said}")
            if not each.well:
                say(f"    → {each.todo}")
    return 0 if all(each.well for each in found) else WRONG


async def _look(home: Path) -> AsyncIterator[Finding]:
    yield await _server(home)
    yield _disk(home)
    for finding in _keys(home):
        yield finding
    if EmbeddedPostgres.attach(home) is None:
        start = chosen("启动：weiyuan up", "start it: weiyuan up")
        yield Finding("PostgreSQL", False, chosen("未运行", "not running"), start)
        return
    async with attached(home) as system:
        for service in SERVICES:
            yield await _schema(system, service.name, service.migrations)
            yield await _outbox(system, service.name)
        yield await _schema(system, BUS, None)
        for name in CONSUMERS:
            yield await _reading(system, name)
            yield await _letters(system, name)


async def _server(home: Path) -> Finding:
    running = Running.at(home)
    if running is None:
        start = chosen("启动：weiyuan up", "start it: weiyuan up")
        return Finding("weiyuan up", False, chosen("未运行", "not running"), start)
    try:
        async with client(running.url) as http:
            ready = (await http.get("/readyz")).json()
    except (httpx.HTTPError, ValueError) as error:
        log = chosen(f"查看 {home}/weiyuan.log", f"look into {home}/weiyuan.log")
        return Finding("weiyuan up", False, f"{running.url} {type(error).__name__}", log)
    said = f"{running.url} pid {running.pid}"
    wait = chosen("稍候再查；仍如此则重新启动", "look again in a moment; restart it if it stays so")
    reasons = "; ".join(ready["reasons"])
    return Finding("weiyuan up", ready["ready"], f"{said} {reasons}".strip(), wait)


def _disk(home: Path) -> Finding:
    there = next(each for each in (home.resolve(), *home.resolve().parents) if each.exists())
    free = shutil.disk_usage(there).free
    said = chosen(f"剩余 {free / 2**30:.1f} GiB", f"{free / 2**30:.1f} GiB free")
    return Finding("disk", free > _ROOM, said, chosen("清出空间", "make room"))


def _keys(home: Path) -> list[Finding]:
    """Nobody but the owner may read what tokens are signed with and people sealed with."""
    private = [path for path in (home / "issuer.pem", home / "keys") if path.exists()]
    private += sorted((home / "keys").glob("*")) if (home / "keys").is_dir() else []
    open_to_others = [path for path in private if stat.S_IMODE(path.stat().st_mode) & 0o077]
    said = f"{len(private) - len(open_to_others)}/{len(private)} 0600"
    todo = "chmod go= " + " ".join(map(str, open_to_others))
    return [Finding("keys", not open_to_others, said, todo)]


async def _schema(system: Attached, name: str, migrations: Path | None) -> Finding:
    at = await revisions(system.server, name)
    well = at == heads(name, migrations)
    todo = chosen("重新启动 weiyuan up，它会升级数据库", "restart weiyuan up: it brings it forward")
    return Finding(f"{name} schema", well, ", ".join(sorted(at)) or "-", todo)


async def _outbox(system: Attached, name: str) -> Finding:
    async with system.databases[name].reading(Scope.worker()) as db:
        row = await db.fetchrow(_OUTBOX)
    assert row is not None
    age = (clock.now() - row["oldest"]).total_seconds() if row["oldest"] else 0.0
    said = chosen(
        f"待发 {row['pending']}，最早 {age:.0f} 秒前，搁置 {row['parked']}",
        f"{row['pending']} pending, oldest {age:.0f} s, {row['parked']} parked",
    )
    todo = chosen(
        "待发不减则重新启动 weiyuan up；搁置的见 outbox_parked 的 error",
        "if pending does not shrink, restart weiyuan up; outbox_parked.error says why rows were "
        "set aside",
    )
    return Finding(f"{name} outbox", not row["parked"] and age < _SLOW, said, todo)


async def _reading(system: Attached, name: str) -> Finding:
    async with system.databases[name].reading(Scope.worker()) as db:
        as_of = await db.fetchval("SELECT min(as_of) FROM progress WHERE consumer = $1", name)
    behind = sum((await system.bus.lag(name, CONSUMERS[name].topics)).values())
    age = (clock.now() - as_of).total_seconds() if as_of else 0.0
    said = chosen(
        f"落后 {behind} 条，{age:.0f} 秒前读过", f"{behind} records behind, read {age:.0f} s ago"
    )
    todo = chosen("稍候再查；weiyuan lag", "look again in a moment; weiyuan lag")
    return Finding(f"{name} consumer", behind < _BACKLOG and age < _SLOW, said, todo)


async def _letters(system: Attached, name: str) -> Finding:
    count = await dead_letters.count(system.databases[name], name)
    return Finding(f"{name} dead letters", not count, str(count), "weiyuan dead-letters list")
