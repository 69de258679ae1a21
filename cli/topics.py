"""`weiyuan topics apply`: Kafka's topics as a file says they should be."""

import asyncio
from pathlib import Path

from cli.say import answer, fail, say
from libs.common.events.bus import BusUnavailable
from libs.common.events.topics import Topics, TopicsRefused, apply
from libs.common.settings import Settings


def apply_file(file: Path, replication: int | None, *, json: bool) -> None:
    url = Settings(embedded=False).bus_url
    if not url.startswith("kafka"):
        fail("设置有误：WEIYUAN_BUS_URL 应为 kafka://…", "Set WEIYUAN_BUS_URL to kafka://…")
    try:
        done = asyncio.run(apply(url, Topics.read(file, replication=replication)))
    except BusUnavailable as error:
        fail(f"无法连接 Kafka：{error}", f"Kafka cannot be reached: {error}", status=1)
    except (TopicsRefused, ValueError) as error:
        fail(f"未能建立主题：{error}", f"Topics not applied: {error}", status=1)
    if json:
        return answer(done)
    for name, what in done.items():
        say(f"{name} {'已建立' if what == 'made' else '已更新'}", f"{name} {what}")
    say(f"主题已与 {file} 一致。", f"The topics are as {file} says.")
