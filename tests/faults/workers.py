"""The relay and the consumer as processes of their own, to be killed."""

import asyncio
import multiprocessing
from collections.abc import Callable
from multiprocessing.context import ForkServerProcess

from libs.common.db.database import Database
from libs.common.events.bus import open_bus
from libs.common.events.consumer import Consumer
from libs.common.events.relay import Relay
from tests.faults import world

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])  # a process is there at once, with all its imports

Main = Callable[[str, str], None]


def start(main: Main, url: str, bus_url: str) -> ForkServerProcess:
    process = _context.Process(target=main, args=(url, bus_url), daemon=True)
    process.start()
    return process


def relay(url: str, bus_url: str) -> None:
    asyncio.run(_relay(url, bus_url))


def consume(url: str, bus_url: str) -> None:
    asyncio.run(_consume(url, bus_url))


async def _relay(url: str, bus_url: str) -> None:
    await Relay("employment", url, await open_bus(bus_url)).run(asyncio.Event())


async def _consume(url: str, bus_url: str) -> None:
    database = await Database.open("matching", url, sizes={"worker": 2})
    bus = await open_bus(bus_url)
    await Consumer(database, bus, world.BOARD).run(asyncio.Event())
