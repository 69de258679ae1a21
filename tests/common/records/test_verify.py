"""Verification: an untouched export is sound; whatever was touched is found, and where."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import orjson
import pytest

from libs.common import clock
from libs.common.db.database import Database
from libs.common.records.chain import batch_digest, genesis, next_chain, row_digest
from libs.common.records.verify import Report, verify
from tests.common.records.given import some_records, written

Lines = list[dict[str, Any]]
"""An export with three rounds: header, then (seal, 4 acts, seal, 1 decision) × 3, end: 23 lines."""


@pytest.fixture
async def path(fresh: Database, tmp_path: Path) -> Path:
    await some_records(fresh)
    return await written(fresh, tmp_path / "export.ndjson")


def found(report: Report) -> list[tuple[int, str]]:
    return [(fault.line, fault.code) for fault in report.faults]


def rewritten(path: Path, change: Callable[[Lines], object]) -> Report:
    """As by somebody who knows the format and makes the last line fit."""
    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    change(lines)
    path.write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    return verify(path)


def forged(lines: Lines) -> None:
    """Alter a record and make every digest and every chain fit again."""
    lines[3]["row"].update(actor="u-8")
    chain = bytes.fromhex(lines[0]["previous"])
    digests: list[bytes] = []
    for line in reversed(lines[1:-1]):
        if "row" in line:
            line["digest"] = row_digest(line["row"]).hex()
            digests.insert(0, bytes.fromhex(line["digest"]))
        else:
            line["digest"], digests = batch_digest(digests).hex(), []
    for line in lines[1:-1]:
        if line["kind"] == "seal":
            chain = next_chain(chain, line)
            line["chain"] = chain.hex()


def test_an_untouched_export_is_sound(path: Path) -> None:
    report = verify(path)
    assert (report.seals, report.rows, report.decisions, report.faults) == (6, 15, 3, [])
    assert report.service == "ground"
    assert report.exit_status == 0
    assert list(report.roots) == [str(clock.today())]


async def test_an_export_of_a_day_without_records_is_sound(fresh: Database, tmp_path: Path) -> None:
    report = verify(await written(fresh, tmp_path / "export.ndjson"))
    assert (report.seals, report.faults, report.roots) == (0, [], {})


async def test_an_export_may_begin_in_the_middle_of_the_chain(
    fresh: Database, tmp_path: Path, morning: datetime
) -> None:
    for day in range(3):
        clock.set_to(morning + timedelta(days=day))
        await some_records(fresh, rounds=1)
    second = (morning + timedelta(days=1)).date()
    report = verify(await written(fresh, tmp_path / "export.ndjson", second))
    assert (report.seals, report.faults, list(report.roots)) == (2, [], ["2019-03-02"])


async def test_a_long_export_is_read_page_by_page(fresh: Database, tmp_path: Path) -> None:
    await some_records(fresh, rounds=60)
    report = verify(await written(fresh, tmp_path / "export.ndjson"))
    assert (report.seals, report.rows, report.faults) == (120, 300, [])


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        pytest.param(
            lambda lines: lines[3]["row"].update(actor="u-8"),
            [(4, "altered")],
            id="a record altered",
        ),
        pytest.param(
            lambda lines: lines[7]["row"].update(outcome="not_eligible"),
            [(8, "altered")],
            id="a decision altered",
        ),
        pytest.param(
            lambda lines: lines[3].update(digest=lines[4]["digest"]),
            [(4, "altered"), (2, "batch")],
            id="a digest altered",
        ),
        pytest.param(
            lambda lines: lines[3].update(
                row=lines[3]["row"] | {"actor": "u-8"},
                digest=row_digest(lines[3]["row"] | {"actor": "u-8"}).hex(),
            ),
            [(2, "batch")],
            id="a record and its digest altered",
        ),
        pytest.param(lambda lines: lines.pop(3), [(2, "count")], id="a record taken out"),
        pytest.param(
            lambda lines: lines.insert(4, lines[3]),
            [(5, "order"), (2, "count")],
            id="a record put in",
        ),
        pytest.param(
            lambda lines: lines.insert(3, lines.pop(4)), [(5, "order")], id="two records swapped"
        ),
        pytest.param(
            lambda lines: lines.insert(9, lines.pop(3)),
            [(2, "count"), (10, "foreign")],
            id="a record moved to another seal",
        ),
        pytest.param(
            lambda lines: lines[8].update(sealed_at="2019-03-01T00:00:00.000000Z"),
            [(9, "chain"), (1, "root")],
            id="the time of a seal altered",
        ),
        pytest.param(
            lambda lines: lines[8].update(digest="0" * 64),
            [(9, "chain"), (9, "batch")],
            id="the digest of a seal altered",
        ),
        pytest.param(
            lambda lines: lines[8].update(chain="0" * 64),
            [(9, "chain"), (14, "chain")],
            id="a seal forged",
        ),
        pytest.param(
            lambda lines: lines.__delitem__(slice(8, 13)), [(9, "gap")], id="a seal taken out"
        ),
        pytest.param(
            lambda lines: lines.__delitem__(slice(1, 6)),
            [(2, "gap")],
            id="the first seal",
        ),
        pytest.param(
            lambda lines: lines.__delitem__(slice(20, 22)),
            [(1, "root")],
            id="the last seal",
        ),
        pytest.param(
            lambda lines: lines[0]["roots"].update({"2019-03-01": "0" * 64}),
            [(1, "root")],
            id="a root added",
        ),
        pytest.param(
            lambda lines: lines[0].update(previous=genesis("registry").hex()),
            [(1, "chain"), (2, "chain")],
            id="another service's chain",
        ),
        pytest.param(forged, [(1, "root")], id="everything made to fit but the root"),
    ],
)
def test_what_was_changed_is_found_where_it_is(
    path: Path, change: Callable[[Lines], object], faults: list[tuple[int, str]]
) -> None:
    report = rewritten(path, change)
    assert [each for each in found(report) if each[1] != "file"] == faults
    assert report.exit_status == 1
    assert all(fault.zh and fault.en for fault in report.faults)


def test_a_file_made_anew_differs_from_the_published_root(path: Path) -> None:
    published = verify(path).roots
    day = str(clock.today())

    def anew(lines: Lines) -> None:
        forged(lines)
        lines[0]["roots"][day] = next(
            line["chain"] for line in reversed(lines) if line["kind"] == "seal"
        )

    report = rewritten(path, anew)
    assert [each for each in found(report) if each[1] != "file"] == []
    assert (1, "published") in found(verify(path, published=published))


def test_a_file_that_was_cut_off_is_not_sound(path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    assert found(verify(path)) == [(22, "cut")]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"[]\n", id="not an object"),
        pytest.param(b'{"kind":"seal"}\n', id="a seal without members"),
        pytest.param(b"\xff\xfe\n", id="no text"),
    ],
)
def test_a_file_that_is_no_export_is_not_sound(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(text)
    assert verify(path).exit_status == 1


def test_any_byte_that_was_flipped_is_found(path: Path) -> None:
    sound = path.read_bytes()
    chosen = random.Random(241)
    for at in chosen.sample(range(len(sound)), 400):
        flipped = bytearray(sound)
        flipped[at] ^= 1 << chosen.randrange(8)
        path.write_bytes(flipped)
        assert verify(path).faults, f"bit at {at}: {sound[at : at + 1]!r}"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param("UPDATE audit SET actor = 'u-8' WHERE id = $1", "altered", id="altered"),
        pytest.param("DELETE FROM audit WHERE id = $1", "count", id="deleted"),
        pytest.param("UPDATE audit SET seal_no = NULL WHERE id = $1", "count", id="unsealed"),
        pytest.param("UPDATE audit SET seal_no = 3 WHERE id = $1", "count", id="moved"),
        pytest.param(
            "UPDATE seal SET digest = sha256(uuid_send($1)) WHERE no = 1", "chain", id="forged"
        ),
        pytest.param("DELETE FROM seal WHERE no = 3 AND $1::uuid IS NOT NULL", "gap", id="a seal"),
    ],
)
async def test_what_the_owner_of_the_database_changed_is_found(
    fresh: Database, superuser: asyncpg.Connection, tmp_path: Path, change: str, code: str
) -> None:
    await some_records(fresh)
    chosen = await superuser.fetchval("SELECT id FROM audit WHERE seal_no = 1 LIMIT 1")
    await superuser.execute(change, chosen)
    report = verify(await written(fresh, tmp_path / "export.ndjson"))
    assert code in [fault.code for fault in report.faults]
    assert "file" not in [fault.code for fault in report.faults]


async def test_a_record_erased_by_law_leaves_the_chain_sound(
    fresh: Database, superuser: asyncpg.Connection, tmp_path: Path
) -> None:
    await some_records(fresh)
    await superuser.execute(
        "UPDATE audit SET erased_at = $1, actor = '', detail = '{}', subject = NULL"
        " WHERE seal_no = 3",
        clock.now(),
    )
    path = await written(fresh, tmp_path / "export.ndjson")
    report = verify(path)
    assert (report.rows, report.erased, report.faults) == (15, 4, [])
    assert path.read_bytes().count(b"u-7") == 8 + 3


def test_decisions_are_taken_again(path: Path) -> None:
    def rerun(row: Any) -> str | None:
        assert row["inputs"] == {"working": 0}
        return None if row["id"] == first else "not_eligible"

    lines = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    first = next(line["row"]["id"] for line in lines if line["kind"] == "decision")
    report = verify(path, rerun=rerun)
    assert found(report) == [(15, "decision"), (22, "decision")]
    assert "not_eligible" in report.faults[0].en
