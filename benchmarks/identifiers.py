"""The bulk check of identifiers against the bare loop of its checks; the column form; sealing."""

import hashlib
import json
import os
import random
import sys
from datetime import date

import polars as pl
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import FastAPI, Response
from starlette.types import Message, Scope

from benchmarks.measure import Arm, Row, run
from libs.common.people import credit_code, resident_id
from libs.common.people.identifiers import IdentifierCheck, answer
from libs.common.people.keys import KeyRing
from libs.common.people.resident_id_bulk import resident_id_flags
from libs.common.people.sealing import Sealer

ON = date(2019, 6, 1)
ITEMS, REQUESTS, ROWS = 1000, 20, 20_000
FIELD = "person.resident_id"

CODES = ("91621123MA7TE5TA26", "N2621123MF7TE5TK29", "91621123MA7TE5TA13")

CLAIMS = (
    Row("check 1,000 items, JSON to JSON", "bare loop of the checks", bar=1 / 3),
    Row("check 1,000 items, as an ASGI request", "bare loop of the checks", bar=1 / 3),
    Row("check a column", "bare loop over the column", bar=8),
    Row("seal and index a column", "bare AES-GCM and HMAC loops", bar=1 / 1.8),
)


def numbers(count: int) -> list[str]:
    """Synthetic numbers, one in a hundred with a wrong check digit."""
    chosen = random.Random(1)
    made = []
    for _ in range(count):
        county = chosen.choice(("621102", "621121", "621123", "622424"))
        birth = (
            f"{chosen.randint(1930, 2018)}{chosen.randint(1, 12):02d}{chosen.randint(1, 28):02d}"
        )
        body = f"{county}{birth}{chosen.randint(900, 999)}"
        right = resident_id.check_digit_of(body)
        made.append(body + (right if chosen.random() > 0.01 else str((int(body) + 5) % 10)))
    return made


def main() -> int:
    column = numbers(ROWS)
    asked = [_item(at, column[at]) for at in range(ITEMS)]
    return run({**_bulk_check(asked), **_column_check(column), **_sealing(column)}, CLAIMS)


def _item(at: int, number: str) -> dict[str, str]:
    """Three resident ids, then a credit code."""
    if at % 4:
        return {"kind": "resident_id", "value": number}
    return {"kind": "credit_code", "value": CODES[at % len(CODES)]}


def _bulk_check(asked: list[dict[str, str]]) -> dict[str, Arm]:
    body = json.dumps({"items": asked}).encode()
    app = _app()

    def bare() -> int:
        for _ in range(REQUESTS):
            for item in asked:
                if item["kind"] == "resident_id":
                    resident_id.check(item["value"], ON)
                else:
                    credit_code.check(item["value"])
        return REQUESTS * ITEMS

    def json_to_json() -> int:
        for _ in range(REQUESTS):
            answer(IdentifierCheck.model_validate_json(body).items, ON)
        return REQUESTS * ITEMS

    async def requested() -> int:
        for _ in range(REQUESTS):
            await _post(app, body)
        return REQUESTS * ITEMS

    return {
        "bare loop of the checks": Arm(bare),
        "check 1,000 items, JSON to JSON": Arm(json_to_json),
        "check 1,000 items, as an ASGI request": Arm(requested),
    }


def _column_check(column: list[str]) -> dict[str, Arm]:
    series = pl.Series(column)

    def bare() -> int:
        for number in column:
            resident_id.check(number, ON)
        return ROWS

    def flags() -> int:
        return resident_id_flags(series, ON).height

    return {"bare loop over the column": Arm(bare), "check a column": Arm(flags)}


def _sealing(column: list[str]) -> dict[str, Arm]:
    key = b"k" * 32
    sealer = Sealer(KeyRing(seal={1: key}, index={1: key}))

    def bare() -> int:
        cipher, nonces = AESGCM(key), os.urandom(12 * ROWS)
        for at, number in enumerate(column):
            cipher.encrypt(nonces[at * 12 : at * 12 + 12], number.encode(), None)
        inner, outer = hashlib.sha256(key), hashlib.sha256(key)
        for number in column:
            hashed, again = inner.copy(), outer.copy()
            hashed.update(number.encode())
            again.update(hashed.digest())
            again.digest()
        return ROWS

    def product() -> int:
        sealer.seal_many(FIELD, column)
        sealer.index_many(FIELD, column)
        return ROWS

    return {"bare AES-GCM and HMAC loops": Arm(bare), "seal and index a column": Arm(product)}


def _app() -> FastAPI:
    app = FastAPI()

    @app.post("/identifiers/check")
    async def check(order: IdentifierCheck) -> Response:
        return Response(answer(order.items, ON), media_type="application/json")

    return app


async def _post(app: FastAPI, body: bytes) -> None:
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/identifiers/check",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json")],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message.get("status", 200) != 200:
            raise RuntimeError(f"the check answered {message['status']}")

    await app(scope, receive, send)


if __name__ == "__main__":
    sys.exit(main())
