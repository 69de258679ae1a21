"""The edge around the application: request identity, headers, log lines, limits."""

import re
from collections.abc import AsyncIterator

import pytest
import structlog
from fastapi import APIRouter, FastAPI, Request

from libs.common import context
from libs.common.http.issuer import Issuer
from libs.common.http.limits import Buckets, Limits
from libs.common.http.roles import Role
from tests.common.http.edge import COUNTY, a_client, an_app
from tests.common.http.edge import router as sample

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

router = APIRouter()


@router.get("/carried")
async def carried() -> dict[str, str | None]:
    return {"request_id": context.request_id(), "traceparent": context.traceparent()}


@router.post("/sizes/{name}")
async def size(request: Request, name: str) -> dict[str, int]:
    return {"size": len(await request.body())}


@pytest.fixture
def app(issuer: Issuer) -> FastAPI:
    return an_app(
        router, sample, issuer=issuer, limits=Limits(body=100, larger={"/sizes/big": 1000})
    )


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param("0123-abcd.EFGH_9", True, id="well-formed"),
        pytest.param("short", False, id="too short"),
        pytest.param("x" * 65, False, id="too long"),
        pytest.param("with space in it", False, id="with spaces"),
        pytest.param("line%0d%0a-feed", False, id="with escapes"),
        pytest.param("id-622421199001011234", False, id="with a resident id in it"),
    ],
)
async def test_a_well_formed_request_id_is_taken_up(app: FastAPI, given: str, kept: bool) -> None:
    async with a_client(app, **{"x-request-id": given}) as client:
        answer = await client.get("/carried")
    assert (answer.headers["x-request-id"] == given) is kept
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    ("given", "trace"),
    [
        pytest.param(TRACE, TRACE[3:35], id="continued"),
        pytest.param("00-" + "0" * 32 + "-b7ad6b7169203331-01", None, id="all zero"),
        pytest.param("garbage", None, id="no trace context"),
        pytest.param(TRACE.upper(), None, id="upper case"),
    ],
)
async def test_a_trace_is_continued_or_begun(app: FastAPI, given: str, trace: str | None) -> None:
    async with a_client(app, traceparent=given) as client:
        ours = (await client.get("/carried")).json()["traceparent"]
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]", ours)
    assert (ours[3:35] == trace) if trace else (ours[3:35] != TRACE[3:35])
    assert ours[36:52] != TRACE[36:52]


async def test_what_a_request_carries_ends_with_it(app: FastAPI) -> None:
    begun = context.begin("outer-request", None)
    async with a_client(app) as client:
        await client.get("/carried")
    assert context.request_id() == "outer-request"
    context.end(begun)


@pytest.mark.parametrize("path", ["/carried", "/nowhere", "/sample/v1/broken"])
async def test_every_answer_has_the_security_headers(app: FastAPI, path: str) -> None:
    async with a_client(app) as client:
        headers = (await client.get(path)).headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-request-id"]


async def test_a_request_is_one_log_line_without_its_path_or_query(
    app: FastAPI, issuer: Issuer
) -> None:
    token = issuer.issue(Role.COUNTY_OFFICER, division=COUNTY)
    with structlog.testing.capture_logs() as lines:
        async with a_client(app, token) as client:
            await client.post("/sample/v1/posts/622421?name=zhang", json={"items": []})
            await client.get("/nowhere/622421")
    assert [(line["route"], line["status"]) for line in lines] == [
        ("/sample/v1/posts/{post_id}", 200),
        ("unmatched", 404),
    ]
    assert "622421" not in str(lines)
    assert "zhang" not in str(lines)


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        pytest.param("/sizes/small", 100, 200, id="just fits"),
        pytest.param("/sizes/small", 101, 413, id="one too many"),
        pytest.param("/sizes/big", 1000, 200, id="a path with more room"),
        pytest.param("/sizes/big", 1001, 413, id="too many there too"),
    ],
)
@pytest.mark.parametrize("announced", [True, False], ids=["announced", "streamed"])
async def test_a_body_that_is_too_large_is_refused(
    app: FastAPI, path: str, size: int, status: int, announced: bool
) -> None:
    async def streamed() -> AsyncIterator[bytes]:
        for start in range(0, size, 50):
            yield b"x" * min(50, size - start)

    async with a_client(app) as client:
        content = b"x" * size if announced else streamed()
        answer = await client.post(path, content=content)
    assert answer.status_code == status
    if status == 413:
        assert answer.json()["code"] == "payload_too_large"


async def test_who_asks_too_often_is_told_when_to_come_back(issuer: Issuer) -> None:
    app = an_app(router, sample, issuer=issuer, limits=Limits(rate=1, burst=3))
    async with a_client(app) as client:
        answers = [await client.get("/carried") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert [answer.headers["ratelimit"].split(";")[1] for answer in answers[:3]] == [
        "r=2",
        "r=1",
        "r=0",
    ]
    assert answers[0].headers["ratelimit-policy"] == '"default";q=3;w=3'
    assert 1 <= int(answers[3].headers["retry-after"]) <= 2
    assert answers[3].json()["code"] == "rate_limited"


async def test_each_token_has_its_own_bucket(issuer: Issuer) -> None:
    app = an_app(router, sample, issuer=issuer, limits=Limits(rate=1, burst=2))
    for subject in ("a", "b"):
        token = issuer.issue(Role.COUNTY_OFFICER, division=COUNTY, subject=subject)
        async with a_client(app, token) as client:
            answers = [await client.get("/sample/v1/open") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]


async def test_guessing_tokens_uses_up_the_addresss_bucket(issuer: Issuer) -> None:
    app = an_app(router, sample, issuer=issuer, limits=Limits(rate=1, burst=10))
    statuses = []
    for guess in range(4):
        async with a_client(app, f"a.b.{guess}") as client:
            statuses.append((await client.get("/sample/v1/open")).status_code)
    assert statuses == [401, 401, 429, 429]


def test_a_bucket_refills_with_time() -> None:
    buckets = Buckets(rate=2, burst=4)
    for _ in range(4):
        assert buckets.wait(1, 100.0) == 0
        buckets.take(1, 100.0)
    assert buckets.wait(1, 100.0) == pytest.approx(0.5)
    assert buckets.wait(1, 100.5) == 0
    assert buckets.left(1, 101.0) == (2, 1)
    assert buckets.left(2, 101.0) == (4, 0)


def test_buckets_are_bounded_and_forget_the_longest_silent() -> None:
    buckets = Buckets(rate=1, burst=1)
    for n in range(10_001):
        buckets.take(n, 0.0)
    assert buckets.wait(0, 0.0) == 0
    assert buckets.wait(1, 0.0) > 0
