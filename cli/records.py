"""`weiyuan export records` over HTTP, and `weiyuan verify` without anything but the file."""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
from pydantic import ValidationError

from cli.api import Api, Refused, client, read
from cli.reach import Reach
from cli.say import answer, fail, say
from cli.system import SERVICES
from cli.tokens import Claims
from libs.common.http.roles import Role
from libs.common.policy.clauses import Clauses
from libs.common.policy.decisions import rerun
from libs.common.policy.storing import restored
from libs.common.records.verify import Report, verify

_PREFECTURE = "6211"


def export(service: str, *, since: str | None, until: str | None, reach: Reach) -> None:
    """The sealed records to standard output, as they stream in."""
    url, token = reach.found(Claims(Role.AUDITOR, _PREFECTURE))
    days = {name: day for name, day in (("since", since), ("until", until)) if day}
    try:
        asyncio.run(_export(url, token, f"/{service}/v1/records/export", days))
    except Refused as refused:
        fail(f"导出失败：{refused}", f"The export failed: {refused}")
    except httpx.HTTPError as error:
        fail(f"导出中断：{error!r}", f"The export broke off: {error!r}")


async def _export(url: str, token: str, path: str, days: Mapping[str, str]) -> None:
    async with client(url) as http, Api(http, token).stream(path, **days) as response:
        if not response.is_success:
            await response.aread()
            read(response)
        async for piece in response.aiter_bytes():
            sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def check(file: Path, *, json: bool) -> int:
    """The exit status: 0 when nothing is wrong, 1 when something is."""
    try:
        report = verify(file, rerun=_taken_again())
    except OSError as error:
        fail(f"无法读取 {file}：{error.strerror}", f"{file} cannot be read: {error.strerror}")
    if json:
        answer(_document(report))
    else:
        _tell(report)
    return report.exit_status


def _taken_again() -> Any:
    """Every service's decisions, by the clause sets and the rows of policy of this version."""
    sets = {name: each for service in SERVICES for name, each in service.clause_sets.items()}
    clauses = Clauses.load([path for service in SERVICES for path in service.clauses])

    def again(row: Mapping[str, Any]) -> str | None:
        try:
            recorded = restored(row)
            found = rerun(recorded, sets, clauses)
        except (KeyError, ValidationError) as error:
            return f"{type(error).__name__}"
        return None if found == recorded else found.outcome.value

    return again


def _document(report: Report) -> dict[str, Any]:
    names = ("service", "seals", "rows", "erased", "decisions", "roots")
    faults = [
        {"line": fault.line, "code": fault.code, "zh": fault.zh, "en": fault.en}
        for fault in report.faults
    ]
    return {name: getattr(report, name) for name in names} | {"faults": faults}


def _tell(report: Report) -> None:
    for fault in report.faults:
        say(f"第 {fault.line} 行：{fault.zh}", f"line {fault.line}: {fault.en}")
    say(
        f"{report.service or '?'}：{report.seals} 次封存，{report.rows} 条记录，重新作出 "
        f"{report.decisions} 个决定，{len(report.faults)} 处不符。",
        f"{report.service or '?'}: {report.seals} seals, {report.rows} records, "
        f"{report.decisions} decisions taken again, {len(report.faults)} faults.",
    )
    for day, root in report.roots.items():
        say(f"  {day} 日根 {root}", f"  root of {day}: {root}")
