"""`weiyuan lag`, `replay`, `rebuild`: how far services have read the bus, and reading again."""

from datetime import datetime
from pathlib import Path

from cli.letters import consumer, readers_of
from cli.say import answer, fail, say
from cli.system import reached
from libs.common.db.database import Database
from libs.common.events import replay as again
from libs.common.events.replay import Heard


async def show_lag(home: Path, *, json: bool) -> None:
    async with reached(home) as system:
        lag = {
            name: await system.bus.lag(name, reaction.topics)
            for name, reaction in readers_of(system).items()
        }
    if json:
        return answer(lag)
    for name, topics in lag.items():
        for topic, records in topics.items():
            say(f"{name:12} {topic:36} {records}")


async def replay(
    home: Path, service: str, topic: str | None, since: datetime | None, *, json: bool
) -> None:
    """All topics that the service reads, unless one is named."""
    async with consumer(home, service) as of:
        if topic and topic not in of.reaction.topics:
            listed = ", ".join(of.reaction.topics)
            fail(f"{service} 读取的是 {listed}", f"{service} reads {listed}, not {topic}")
        heard = await again.replay(
            of.database, of.system.bus, of.reaction, topics=[topic] if topic else [], since=since
        )
    _tell(service, heard, json=json)


async def rebuild(home: Path, service: str, *, json: bool) -> None:
    async with consumer(home, service) as of:
        url = of.system.settings.database_url(service)
        database = await Database.open(service, url, sizes={"worker": 1})
        try:
            heard = await again.rebuild(database, of.system.bus, of.reaction)
        finally:
            await database.close()
    _tell(service, heard, json=json)


def _tell(service: str, heard: Heard, *, json: bool) -> None:
    if json:
        return answer({"service": service, **heard._asdict()})
    say(
        f"{service} 重新读取了 {heard.records} 条记录，处理了其中 {heard.events} 个事件。",
        f"{service} heard {heard.records} records again and took in {heard.events} events.",
    )
