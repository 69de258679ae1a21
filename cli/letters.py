"""`weiyuan dead-letters`: records that could not be taken in, for a person to decide on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from cli.say import answer, fail, say
from cli.system import SERVICES, Reached, reached
from libs.common.db.database import Database
from libs.common.events import dead_letters
from libs.common.events.reaction import Reaction

STILL_WRONG = 1
CONSUMERS = {each.name: each.reaction for each in SERVICES if each.reaction}


@dataclass(frozen=True)
class Consumer:
    """A service that reads events, where it was found."""

    name: str
    system: Reached
    database: Database
    reaction: Reaction


@asynccontextmanager
async def consumer(home: Path, service: str) -> AsyncIterator[Consumer]:
    async with reached(home) as system:
        readers = readers_of(system)
        if service not in readers:
            listed = ", ".join(readers) or "-"
            fail(
                f"{service} 不读取事件，或未在此配置；可选：{listed}",
                f"{service} reads no events, or is not set up here; there is: {listed}",
            )
        yield Consumer(service, system, system.databases[service], readers[service])


def readers_of(system: Reached) -> dict[str, Reaction]:
    return {name: reads for name, reads in CONSUMERS.items() if name in system.databases}


async def show_all(home: Path, *, json: bool) -> None:
    async with reached(home) as system:
        waiting = {
            name: await dead_letters.waiting(system.databases[name], name)
            for name in readers_of(system)
        }
    if json:
        return answer({name: [dict(each) for each in found] for name, found in waiting.items()})
    if not any(waiting.values()):
        return say("没有死信。", "There are no dead letters.")
    for name, found in waiting.items():
        _list(name, found)


def _list(service: str, found: Sequence[Any]) -> None:
    for each in found:
        say(
            f"{service} {each['id']}  {each['failed_at']:%Y-%m-%d %H:%M}  "
            f"{each['topic']}/{each['offset']}  {each['type']}  {each['error']}"
        )


async def show(home: Path, service: str, letter: int, *, json: bool) -> None:
    async with consumer(home, service) as of:
        row = await dead_letters.show(of.database, letter)
    if row is None:
        _fail_unknown(service, letter)
    shown = dict(row) | {"value": (row["value"] or b"").decode(errors="replace")}
    if json:
        return answer(shown)
    for name, value in shown.items():
        say(f"{name:10} {value}")


async def retry(home: Path, service: str, letter: int, *, json: bool) -> int:
    """The exit status: 1 when the record still cannot be taken in."""
    async with consumer(home, service) as of:
        try:
            wrong = await dead_letters.retry(of.database, of.reaction, letter)
        except LookupError:
            _fail_unknown(service, letter)
    if json:
        answer({"id": letter, "error": wrong})
    elif wrong:
        say(f"仍无法处理：{wrong}", f"It still cannot be taken in: {wrong}")
    else:
        say("已处理。", "Taken in.")
    return STILL_WRONG if wrong else 0


async def drop(home: Path, service: str, letter: int, *, json: bool) -> None:
    async with consumer(home, service) as of:
        try:
            await dead_letters.drop(of.database, letter)
        except LookupError:
            _fail_unknown(service, letter)
    if json:
        answer({"id": letter, "state": "dropped"})
    else:
        say("已放弃，记录保留。", "Dropped; the record is kept.")


def _fail_unknown(service: str, letter: int) -> NoReturn:
    fail(
        f"{service} 没有待处理的死信 {letter}。",
        f"{service} has no dead letter {letter} that is open.",
    )
