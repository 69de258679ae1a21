"""Whatever is sent, nothing breaks: no operation answers 5xx or repeats what it was sent."""

import json
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from libs.common.http.problems import MEDIA_TYPE
from tests.leaks.examples import EXAMPLES
from tests.leaks.hostile import BODIES, HEADERS, MARKER, PHONE, TEXTS, TYPES, bodies_of, cursors
from tests.leaks.operations import ALONE, Ask, Operation, operations, right_token, send
from tests.leaks.seed import Seeded

KNOWN = [each for name, each in operations().items() if name in EXAMPLES]
JSON = {"content-type": "application/json"}


def _those(operations: list[Operation]) -> list[Any]:
    return [pytest.param(each, id=each.name) for each in operations]


class Attacker:
    """Somebody who may ask, and asks oddly; what comes of it is gathered."""

    def __init__(self, spare: Seeded, operation: Operation) -> None:
        role = next(role for role in operation.roles if role not in ALONE)
        self._http, self._operation = spare.house.http, operation
        self.ask: Ask = EXAMPLES[operation.name](spare)
        self._token = right_token(spare, role, self.ask.whose)
        self.harmed: dict[str, str] = {}

    async def send(self, what: str, *, ask: Ask | None = None, **changed: Any) -> httpx.Response:
        headers = self.headers(changed.pop("headers", {}))
        answer = await send(
            self._http, self._operation, ask or self.ask, None, headers=headers, **changed
        )
        if fault := _fault(answer):
            self.harmed[what] = fault
        return answer

    def headers(self, given: dict[str, str]) -> dict[str, bytes]:
        usual = {"authorization": f"Bearer {self._token}", "idempotency-key": "x"}
        if self.ask.version is not None:
            usual["if-match"] = f'"{self.ask.version}"'
        return {name: value.encode("utf-8") for name, value in (usual | given).items()}


def _fault(answer: httpx.Response) -> str:
    said = answer.text + str(answer.headers)
    if answer.status_code >= 500:
        return f"{answer.status_code} {answer.text}"
    if MARKER in said or PHONE in said:
        return f"repeats an identity: {said}"
    if answer.is_client_error and not answer.headers["content-type"].startswith(MEDIA_TYPE):
        return f"no problem: {answer.status_code} {answer.text}"
    return ""


@pytest.mark.parametrize("operation", _those([each for each in KNOWN if each.body]))
async def test_no_body_breaks_it(spare: Seeded, operation: Operation) -> None:
    attacker = Attacker(spare, operation)
    sent = [*BODIES.items(), *bodies_of(attacker.ask.body)]
    for what, content in sent:
        # the same key, another body: nothing that is accepted by chance is done twice
        await attacker.send(what, content=content, headers=JSON, json=None)
    for kind in TYPES:
        await attacker.send(
            f"as {kind}", content=b'{"a":1}', headers={"content-type": kind}, json=None
        )
    assert attacker.harmed == {}


@pytest.mark.parametrize("operation", _those([each for each in KNOWN if each.named("path")]))
async def test_no_path_breaks_it(spare: Seeded, operation: Operation) -> None:
    attacker = Attacker(spare, operation)
    for name in operation.named("path"):
        for what, text in TEXTS.items():
            path = {**attacker.ask.path, name: quote(text, safe="") or "%20"}
            await attacker.send(f"{name} is {what}", ask=_at(attacker.ask, path))
        path = {**attacker.ask.path, name: "%ff%c0%80"}
        await attacker.send(f"{name} is no UTF-8", ask=_at(attacker.ask, path))
    assert attacker.harmed == {}


def _at(ask: Ask, path: dict[str, Any]) -> Ask:
    return Ask(ask.whose, path, ask.query, ask.body, ask.file, ask.version)


@pytest.mark.parametrize("operation", _those([each for each in KNOWN if each.named("query")]))
async def test_no_query_breaks_it(spare: Seeded, operation: Operation) -> None:
    attacker = Attacker(spare, operation)
    usual = list(attacker.ask.query.items())
    for name in operation.named("query"):
        for what, text in TEXTS.items():
            await attacker.send(f"{name} is {what}", params=[*usual, (name, text)])
        twice = [*usual, (name, "1"), (name, MARKER)]
        await attacker.send(f"{name} twice", params=twice)
    await attacker.send("a stranger", params=[*usual, (MARKER, PHONE)])
    assert attacker.harmed == {}


@pytest.mark.parametrize("operation", _those(KNOWN))
async def test_no_header_breaks_it(spare: Seeded, operation: Operation) -> None:
    attacker = Attacker(spare, operation)
    for name, values in HEADERS.items():
        if name not in ("if-match", "idempotency-key") or name in operation.named("header"):
            for value in values:
                await attacker.send(f"{name}: {value}", headers={name: value})
    assert attacker.harmed == {}


LISTS = [
    each
    for each in KNOWN
    if "cursor" in each.named("query") and "{" not in each.path  # opaque, not an id
]


@pytest.mark.parametrize("operation", _those(LISTS))
async def test_no_forged_cursor_breaks_it(spare: Seeded, operation: Operation) -> None:
    attacker = Attacker(spare, operation)
    first = await attacker.send("an honest page", params=[("limit", "1")])
    for forged in cursors(first.json()["next"]):
        await attacker.send(forged, params=[("cursor", forged)])
    assert attacker.harmed == {}


def _made_of(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)


_LEAF = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text()
_JSON = st.recursive(_LEAF | st.sampled_from([MARKER, PHONE]), _made_of, max_leaves=8)


@pytest.mark.parametrize("operation", _those([each for each in KNOWN if each.body]))
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(values=st.lists(_JSON, min_size=6, max_size=6), kept=st.integers(0, 63))
async def test_nothing_made_up_breaks_it(
    spare: Seeded, operation: Operation, values: list[Any], kept: int
) -> None:
    """Bodies of the right fields with anything in them."""
    attacker = Attacker(spare, operation)
    body = {
        name: right if kept >> place & 1 else values[place]
        for place, (name, right) in enumerate(attacker.ask.body.items())
    }
    content = json.dumps(body).encode()
    await attacker.send("made up", content=content, headers=JSON, json=None)
    assert attacker.harmed == {}
