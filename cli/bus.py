"""`weiyuan lag` and `weiyuan replay`: how far the services have read the bus, and reading again."""

from pathlib import Path

from cli.letters import CONSUMERS
from cli.say import answer, fail, say
from cli.system import attached
from libs.common.events import dead_letters


async def show_lag(home: Path, *, json: bool) -> None:
    async with attached(home) as system:
        lag = {name: await system.bus.lag(name) for name in CONSUMERS}
    if json:
        return answer(lag)
    for name, topics in lag.items():
        for topic, records in topics.items():
            say(f"{name:12} {topic:36} {records}")


async def replay(home: Path, service: str, topic: str | None, offset: int, *, json: bool) -> None:
    """All topics that the service reads, unless one is named."""
    async with attached(home) as system:
        known = await system.bus.lag(service) if service in CONSUMERS else {}
        topics = [topic] if topic else list(known)
        if not topics or not known.keys() >= set(topics):
            listed = ", ".join(known) or ", ".join(CONSUMERS)
            fail(
                f"没有可重放的内容；可选：{listed}",
                f"There is nothing to replay; there is: {listed}",
            )
        for each in topics:
            database = system.databases[service]
            await dead_letters.replay(database, system.bus, service, each, offset=offset)
    if json:
        return answer({"service": service, "topics": topics, "offset": offset})
    for each in topics:
        say(
            f"{service} 将从 {offset} 起重新读取 {each}；已知的事实保留最新版本。",
            f"{service} reads {each} again from {offset}; facts keep their newest version.",
        )
