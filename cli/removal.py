"""`weiyuan sample remove`: what lies in the sample's own towns goes, from every service's database.

Records stay: they are sealed, and hold ids. The bus keeps its events too, so that a replay brings
their facts back; removing once more takes them away.
"""

from collections.abc import Mapping
from pathlib import Path

import asyncpg
import orjson

from cli.first_start import Memory
from cli.letters import CONSUMERS
from cli.say import answer, fail, say
from cli.synthetic import TOWN
from cli.system import SERVICES, Attached, attached

SEGMENT = TOWN[:8]
"""No real town's code begins with it."""

_AREA = "division >= $1 AND division < $1 || ':'"
_TOWNS = "code >= $1 AND code < $1 || ':'"
_REAL = f"""
    SELECT (SELECT count(*) FROM division WHERE {_TOWNS} AND NOT synthetic)
        + (SELECT count(*) FROM household WHERE {_AREA} AND NOT synthetic)
"""
_STATEMENTS: Mapping[str, Mapping[str, str]] = {
    "matching": {
        "need_history": f"DELETE FROM need_history WHERE {_AREA}",
        "need": f"DELETE FROM need WHERE {_AREA}",
        "work": "DELETE FROM work WHERE household_id IN"
        f" (SELECT household_id FROM situation WHERE {_AREA})",
        "situation": f"DELETE FROM situation WHERE {_AREA}",
        "revenue": f"DELETE FROM revenue WHERE {_AREA}",
        "station": f"DELETE FROM station WHERE {_AREA}",
        "village": f"DELETE FROM village WHERE {_AREA}",
    },
    "solar": {
        "settlement": f"DELETE FROM settlement WHERE {_AREA}",
        "station": f"DELETE FROM station WHERE {_AREA}",
    },
    "employment": {
        "appointment": f"DELETE FROM appointment WHERE {_AREA}",
        "nomination": f"DELETE FROM nomination WHERE {_AREA}",
        "post_fund": "UPDATE post_fund SET opened = opened - gone.posts"
        f" FROM (SELECT fund, count(*) AS posts FROM post WHERE {_AREA} GROUP BY fund) AS gone"
        " WHERE gone.fund = post_fund.fund",
        "post": f"DELETE FROM post WHERE {_AREA}",
    },
    "registry": {
        "person": f"DELETE FROM person WHERE {_AREA}",
        "household": f"DELETE FROM household WHERE {_AREA}",
        "village_class": f"DELETE FROM village_class WHERE {_AREA}",
        "village": f"DELETE FROM village WHERE {_AREA}",
        "division": f"DELETE FROM division WHERE {_TOWNS}",
    },
}
"""The registry last: until then a removal that broke off can be told and done again."""

_AUDIT = """
    INSERT INTO audit (id, actor, role, action, division, detail)
    VALUES (uuidv7(), 'operator', 'operator', 'remove_sample', $1, $2::jsonb)
"""


async def remove(home: Path, *, json: bool) -> None:
    async with attached(home) as system:
        await _refuse_unless_safe(system)
        removed = {name: await _remove_from(system, name) for name in _STATEMENTS}
    Memory(state="none").keep(home)
    if json:
        return answer(removed)
    for name, tables in removed.items():
        for table, rows in tables.items():
            say(f"{name:12} {table:16} {rows}")
    say("样本已删除；封存的记录保留。", "The sample is gone; sealed records stay.")


async def _refuse_unless_safe(system: Attached) -> None:
    """Nothing real may lie in the segment, and nothing on its way may come in afterwards."""
    connection = await asyncpg.connect(system.server.admin_url("registry"))
    try:
        real = await connection.fetchval(_REAL, SEGMENT)
    finally:
        await connection.close()
    if real:
        fail(
            f"{SEGMENT} 段内有 {real} 行未标记为合成数据，未删除任何内容。",
            f"{real} rows in {SEGMENT} are not marked synthetic: nothing was removed.",
        )
    if await _on_the_way(system):
        fail(
            "还有事件在途，请稍候再试（需要 weiyuan up 在运行）。",
            "Events are still on their way: try again in a moment, while `weiyuan up` runs.",
        )


async def _on_the_way(system: Attached) -> int:
    behind = 0
    for name, reaction in CONSUMERS.items():
        behind += sum((await system.bus.lag(name, reaction.topics)).values())
    for service in SERVICES:
        connection = await asyncpg.connect(system.server.admin_url(service.name))
        try:
            behind += await connection.fetchval("SELECT count(*) FROM outbox")
        finally:
            await connection.close()
    return behind


async def _remove_from(system: Attached, name: str) -> dict[str, int]:
    """One transaction, as the server's administrator: no role of the service may delete people."""
    connection = await asyncpg.connect(system.server.admin_url(name))
    try:
        async with connection.transaction():
            removed = {
                table: int((await connection.execute(statement, SEGMENT)).split()[-1])
                for table, statement in _STATEMENTS[name].items()
            }
            detail = orjson.dumps(removed).decode()
            await connection.execute(_AUDIT, SEGMENT[:6], detail)
    finally:
        await connection.close()
    return removed
