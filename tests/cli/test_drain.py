"""SIGTERM: whoever was let in is answered, whoever comes next is sent elsewhere in time."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from libs.common.db.provision import BUS
from tests.cli.conftest import Env
from tests.cli.served import Served, serving
from tests.databases import UrlOf

VILLAGES = "/registry/v1/villages"
DIVISIONS = "/registry/v1/divisions"  # asked without a token
_EVENTS = 40_000
_MANY = """
    INSERT INTO outbox (event_id, topic, key, type, time, data)
    SELECT gen_random_uuid(), 'weiyuan.solar.station.v1', 'k', 'weiyuan.pv_station_connected.v1',
        now(), 'x'
    FROM generate_series(1, $1)
"""
_PUBLISHED = "SELECT coalesce(sum(next_offset), 0)::bigint FROM bus_topic"
_LOCKED = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
_WAITS = f"{_LOCKED} WHERE NOT granted AND datname = current_database())"


@asynccontextmanager
async def held(url: str, table: str = "division") -> AsyncIterator[asyncpg.Connection]:
    """Nothing that reads the table gets on until this is over."""
    owner = await asyncpg.connect(url.replace("{role}", "owner"))
    try:
        async with owner.transaction():
            await owner.execute(f"LOCK TABLE {table}")
            yield owner
    finally:
        await owner.close()


@asynccontextmanager
async def asking(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=served.url, timeout=30, trust_env=False) as http:
        yield http


async def waits(owner: asyncpg.Connection) -> None:
    while not await owner.fetchval(_WAITS):  # noqa: ASYNC110 - the database knows
        await asyncio.sleep(0.01)


async def ended(served: Served) -> int:
    return await asyncio.to_thread(served.ended)


async def test_a_request_in_flight_is_answered_before_the_process_ends(
    env: Env, url_of: UrlOf
) -> None:
    url = await url_of("registry")
    with serving("registry", "api", env) as served:
        async with asking(served) as http, asking(served) as late:
            async with held(url) as owner:
                answer = asyncio.create_task(http.get(DIVISIONS))
                await waits(owner)
                served.tell()
                await _closed(late)
                assert served.process.poll() is None
            assert (await answer).status_code == 200
            assert await ended(served) == 0


async def _closed(http: httpx.AsyncClient) -> None:
    while True:
        try:
            await http.get("/livez")
        except httpx.ConnectError:
            return
        await asyncio.sleep(0.01)


async def test_a_balancer_that_looks_at_readyz_loses_no_request(env: Env) -> None:
    """Clients that keep asking, on connections they keep, until the balancer takes it out."""
    answers: list[httpx.Response] = []
    out = asyncio.Event()

    async def client(http: httpx.AsyncClient) -> None:
        while not out.is_set():
            answers.append(await http.get(DIVISIONS))

    with serving("registry", "api", env, "--drain", "3") as served:
        async with asking(served) as http, asking(served) as probe:
            clients = [asyncio.create_task(client(http)) for _ in range(8)]
            while len(answers) < 50:  # noqa: ASYNC110 - the clients are at it
                await asyncio.sleep(0.01)
            assert "connection" not in answers[-1].headers
            served.tell()
            while (ready := await probe.get("/readyz")).status_code == 200:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            before = len(answers)
            while len(answers) < before + 50:  # noqa: ASYNC110 - it still accepts
                await asyncio.sleep(0.01)
            out.set()
            await asyncio.gather(*clients)
            assert await ended(served) == 0
    assert ready.json()["reasons"] == ["draining"]
    assert {each.status_code for each in answers} == {200}
    assert answers[-1].headers["connection"] == "close"


async def test_who_got_through_before_the_end_may_still_say_what_they_came_for(env: Env) -> None:
    with serving("registry", "api", env) as served:
        port = int(served.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asking(served) as late:
            await late.get("/livez")  # came after it, so both have been let in
            served.tell()
            await _closed(late)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: weiyuan\r\n\r\n")
        answer = await reader.read()  # to its end: the connection is closed behind it
        writer.close()
        assert answer.startswith(b"HTTP/1.1 200")
        assert await ended(served) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_waits_for_nobody(
    env: Env, url_of: UrlOf, number: signal.Signals
) -> None:
    with serving("registry", "api", env, "--drain", "60") as served:
        async with asking(served) as http, held(await url_of("registry")) as owner:
            answer = asyncio.create_task(http.get(DIVISIONS))
            await waits(owner)
            served.tell(number)
            while "draining" not in served.events():  # noqa: ASYNC110 - its log says so
                await asyncio.sleep(0.01)
            served.tell(number)
            assert await ended(served) == 0
            assert (await answer).status_code == 500


async def test_a_worker_finishes_the_page_it_is_at(env: Env, url_of: UrlOf) -> None:
    """Told in the middle of its work: each event is on the bus or still pending, none is both."""
    bus_url = (await url_of(BUS)).replace("{role}", "worker")
    outbox = await asyncpg.connect((await url_of("solar")).replace("{role}", "owner"))
    bus = await asyncpg.connect(bus_url)
    await outbox.execute(_MANY, _EVENTS)
    with serving("solar", "worker", env | {"WEIYUAN_BUS_URL": bus_url}) as served:
        while not await bus.fetchval(_PUBLISHED):  # noqa: ASYNC110 - the bus knows
            await asyncio.sleep(0)
        served.tell()
        assert await ended(served) == 0
    published = await bus.fetchval(_PUBLISHED)
    pending = await outbox.fetchval("SELECT count(*) FROM outbox")
    await outbox.close()
    await bus.close()
    assert published + pending == _EVENTS
    assert pending, "it was told too late to show anything"


async def test_a_worker_that_is_waiting_ends_when_it_is_told(env: Env) -> None:
    """The bus is down: what it tries again for ever is no reason to stay."""
    with serving("registry", "worker", env) as served:
        assert served.get("/readyz").status_code == 200
        served.tell()
        assert await ended(served) == 0
    assert served.events()[-1] == "ended"


async def test_a_worker_that_is_told_twice_leaves_its_batch(env: Env, url_of: UrlOf) -> None:
    async with held(await url_of("employment"), "outbox") as owner:
        with serving("employment", "worker", env) as served:
            async with asking(served) as probe:
                await waits(owner)
                served.tell()
                while (ready := await probe.get("/readyz")).status_code == 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
                assert ready.json()["reasons"] == ["draining"]
                assert served.process.poll() is None
                served.tell()
                assert await ended(served) == 0
