"""The roster of a prefecture, file to committed, against raw COPY of the same rows; its memory."""

import argparse
import asyncio
import gzip
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg
import orjson
import polars as pl
import xlsxwriter

from benchmarks.homes import a_home
from benchmarks.measure import Arm, Row, Work, as_json, as_table, interleave, judge
from cli.synthetic import people, villages
from libs.common.bulk.formats import format_of
from libs.common.db.database import Scope
from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.migrate import upgrade
from libs.common.db.provision import BUS, provision
from libs.common.http.caller import Caller
from libs.common.http.roles import Role
from libs.common.process.jobs import finish_jobs
from libs.common.runtime import Process, opened
from libs.common.settings import Settings
from services.registry.imports import received
from services.registry.imports.received import Asked
from services.registry.main import service

PREFECTURE, COUNTY = 365_300, 52_000
VILLAGES = 1_829
MOST_ROUNDS = 2
"""A round takes most of a minute."""

CLAIMS = (
    Row("roster of 365,300, CSV", "raw COPY of the same persons", bar=0.25),
    Row("the same roster again, unchanged", "roster of 365,300, CSV", bar=1.0),
    Row("roster of a county, NDJSON", "roster of a county, CSV", bar=0.5),
    Row("roster of a county, XLSX", "roster of a county, CSV", bar=0.5),
    Row("roster of a county, CSV gzip", "roster of a county, CSV"),
)
OFFICER = Caller("benchmark", Role.COUNTY_OFFICER, Scope.area("621123"), "621123")
_PART = 64 << 10


@dataclass
class Bench:
    """A registry with villages and nobody in it, and files to send it."""

    process: Process
    administrator: asyncpg.Connection
    folder: Path

    async def send(self, name: str) -> None:
        """As the route does it, without the socket; then the worker's part."""
        database, sealer = self.process.databases["registry"], self.process.sealer
        asked = Asked("import_roster", format_of(name), date(2019, 6, 30), dry_run=False)
        await received.receive(_parts(self.folder / name), database, sealer, OFFICER, asked)
        await finish_jobs(self.process, service)

    async def empty(self) -> None:
        await self.administrator.execute("TRUNCATE household, person, outbox, audit, job")
        await self.administrator.execute("CHECKPOINT")

    def sending(self, name: str, count: int) -> Work:
        async def send() -> float:
            await self.send(name)
            assert await self.count("person") == count
            return count

        return send

    async def count(self, table: str) -> int:
        found: int = await self.administrator.fetchval(f"SELECT count(*) FROM {table}")
        return found


async def _parts(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as source:
        while part := source.read(_PART):
            yield part


@asynccontextmanager
async def bench(home: Path, folder: Path) -> AsyncIterator[Bench]:
    server = EmbeddedPostgres.start(home)
    try:
        for name, migrations in ((BUS, None), ("registry", service.migrations)):
            await provision(name, server.admin_url)
            await upgrade(name, server.url_template(name), migrations)
        settings = Settings(
            home=home,
            embedded=True,
            bus_url=server.url_template(BUS).replace("{role}", "worker"),
            registry_database_url=server.url_template("registry"),
        )
        administrator = await asyncpg.connect(server.admin_url("registry"))
        await administrator.executemany(
            "INSERT INTO division (code, level, name, since) VALUES ($1, 'village', '村', $2)"
            " ON CONFLICT DO NOTHING",
            [(code, date(2010, 1, 1)) for code in villages(VILLAGES)],
        )
        async with opened(settings, [service]) as process:
            yield Bench(process, administrator, folder)
        await administrator.close()
    finally:
        server.stop()


def write_files(folder: Path) -> None:
    """The same people in each form; the prefecture as CSV."""
    rows = list(people(villages(VILLAGES), COUNTY))
    county = pl.DataFrame(rows)
    county.write_csv(folder / "county.csv")
    (folder / "county.csv.gz").write_bytes(gzip.compress((folder / "county.csv").read_bytes(), 6))
    (folder / "county.ndjson").write_bytes(b"\n".join(map(orjson.dumps, rows)))
    with xlsxwriter.Workbook(folder / "county.xlsx", {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        for at, cells in enumerate([county.columns, *county.iter_rows()]):
            sheet.write_row(at, 0, cells)
    write_people(folder / "prefecture.csv", PREFECTURE)


def write_people(file: Path, count: int) -> None:
    pl.DataFrame(list(people(villages(VILLAGES), count))).write_csv(file)


async def prefecture_arms(bench: Bench) -> dict[str, Arm]:
    """The floor copies what an import made: the same rows under the same indexes, by no policy.

    Turns go forth and back, so that the roster is always there when it is sent again.
    """
    await bench.send("prefecture.csv")
    administrator, dump = bench.administrator, bench.folder / "person.copy"
    await administrator.copy_from_table("person", output=dump, format="binary")
    await administrator.execute("CREATE TABLE floor (LIKE person INCLUDING ALL)")

    async def floor() -> float:
        await administrator.copy_to_table("floor", source=dump, format="binary")
        return PREFECTURE

    async def empty_floor() -> None:
        await administrator.execute("TRUNCATE floor")
        await administrator.execute("CHECKPOINT")

    async def again() -> float:
        await bench.send("prefecture.csv")
        assert await bench.count("person WHERE version > 1") == 0
        return PREFECTURE

    return {
        "raw COPY of the same persons": Arm(floor, empty_floor),
        "roster of 365,300, CSV": Arm(bench.sending("prefecture.csv", PREFECTURE), bench.empty),
        "the same roster again, unchanged": Arm(again),
    }


def county_arms(bench: Bench) -> dict[str, Arm]:
    files = {"CSV": "csv", "NDJSON": "ndjson", "XLSX": "xlsx", "CSV gzip": "csv.gz"}
    return {
        f"roster of a county, {form}": Arm(bench.sending(f"county.{ending}", COUNTY), bench.empty)
        for form, ending in files.items()
    }


async def peak(count: int) -> int:
    """KiB that an import of so many persons adds to the peak of its process."""
    with tempfile.TemporaryDirectory(prefix="weiyuan-bench-") as folder:
        file = Path(folder) / "people.csv"
        # In another process: making the people takes more memory than importing them.
        made = f"from benchmarks.roster import *; write_people(Path({str(file)!r}), {count})"
        await asyncio.to_thread(subprocess.run, [sys.executable, "-c", made], check=True)
        async with bench(a_home(), Path(folder)) as alone:
            before = _highest()
            await alone.send("people.csv")
            assert await alone.count("person") == count
            return _highest() - before


def _highest() -> int:
    """KiB; where there is /proc by it, because the other figure is inherited from the parent."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(re.search(r"VmHWM:\s+(\d+)", status.read_text())[1])  # type: ignore[index]


def peaks() -> str:
    sizes = (PREFECTURE // 4, PREFECTURE)
    command = [sys.executable, "-m", "benchmarks.roster", "--peak"]
    ran = [
        subprocess.run([*command, str(size)], stdout=subprocess.PIPE, text=True, check=True)
        for size in sizes
    ]
    grown = [
        f"{size:,} persons {int(done.stdout) / 1024:.0f} MiB"
        for size, done in zip(sizes, ran, strict=True)
    ]
    return f"growth of peak memory, CSV: {', '.join(grown)}"


async def main() -> int:
    options = _options()
    if options.peak:
        print(await peak(options.peak))
        return 0
    with tempfile.TemporaryDirectory(prefix="weiyuan-bench-") as files:
        folder = Path(files)
        write_files(folder)
        async with bench(a_home(), folder) as house:
            rounds = min(options.rounds, MOST_ROUNDS)
            rates = dict(await interleave(await prefecture_arms(house), rounds))
            rates |= await interleave(county_arms(house), options.rounds)
    outcomes = judge(CLAIMS, rates)
    print(as_json(outcomes) if options.json else as_table(outcomes))
    print(peaks())
    return 0 if all(outcome.passed for outcome in outcomes) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures against the floor in the same run.")
    parser.add_argument("--rounds", type=int, default=MOST_ROUNDS)
    parser.add_argument("--json", action="store_true", help="the outcomes as JSON")
    parser.add_argument("--peak", type=int, help="import so many persons and print the growth")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
