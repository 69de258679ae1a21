"""`weiyuan serve`: what a process of its own needs, what it answers, and how it ends."""

import asyncio
import subprocess
import sys

import asyncpg
import httpx
import pytest

from cli.deployment import Name
from cli.system import SERVICES
from libs.common.db.provision import BUS
from tests.cli.conftest import SERVICES as SPLIT
from tests.cli.conftest import Env
from tests.cli.served import Served, serving
from tests.cli.weiyuan import until
from tests.databases import DatabaseOf, UrlOf
from tests.registry.builders import VILLAGE, a_village

STATION = {"division": VILLAGE, "name": "样本电站", "kw": "300", "connected_on": "2019-01-15"}


def test_every_service_can_be_served() -> None:
    assert {each.value for each in Name} == {each.name for each in SERVICES} | {BUS}


LOADED = """
import sys
import cli.main, cli.serve
cli.serve.service_named("solar")
print(*sorted({name.split(".")[1] for name in sys.modules if name.startswith("services.")}))
"""


def test_a_process_loads_the_code_of_its_service_only() -> None:
    done = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["solar"]


def test_an_api_is_alive_ready_and_measured_while_the_bus_is_down(registry: Served) -> None:
    assert registry.get("/livez").json() == {"alive": True}
    assert registry.get("/readyz").json() == {"ready": True, "reasons": []}
    assert "weiyuan_http_request_seconds" in registry.get("/metrics").text


def test_an_api_answers_tokens_of_its_issuer_and_is_one_service(
    registry: Served, officer: str
) -> None:
    assert registry.get("/registry/v1/villages").status_code == 401
    assert registry.get("/registry/v1/villages", officer).status_code == 200
    assert registry.get("/solar/v1/stations", officer).status_code == 404
    assert registry.get("/").status_code == 404


async def test_a_command_is_taken_while_the_bus_is_down_and_a_worker_brings_its_event_later(
    env: Env, url_of: UrlOf, database_of: DatabaseOf, registry: Served, officer: str
) -> None:
    await a_village(await database_of("registry"), VILLAGE)
    with serving("solar", "api", env | {"WEIYUAN_REGISTRY_URL": registry.url}) as solar:
        made = solar.post("/solar/v1/stations", STATION, officer)
        assert made.status_code == 201, made.text
        solar.tell()
        assert solar.ended() == 0
    bus = await url_of(BUS)
    with serving("solar", "worker", env | {"WEIYUAN_BUS_URL": bus}) as worker:
        assert worker.get("/livez").json() == {"alive": True}
        assert worker.get("/readyz").json() == {"ready": True, "reasons": []}
        connection = await asyncpg.connect(bus.replace("{role}", "worker"))
        while not (events := await connection.fetch("SELECT headers FROM bus_record")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
        await connection.close()
        assert made.json()["event_id"] in events[0]["headers"]
        until(lambda: 'weiyuan_relay_leader{service="solar"} 1.0' in worker.get("/metrics").text)
        worker.tell()
        assert worker.ended() == 0
    assert worker.events()[-1] == "ended"


@pytest.mark.parametrize("part", ["api", "worker"])
@pytest.mark.parametrize("service", SPLIT)
async def test_each_part_of_each_service_is_ready_by_itself(
    env: Env, url_of: UrlOf, service: str, part: str
) -> None:
    """With its own database and no other, on nothing but its own code."""
    own = f"WEIYUAN_{service.upper()}_DATABASE_URL"
    given = {name: each for name, each in env.items() if name == own or "DATABASE" not in name}
    with serving(service, part, given | {"WEIYUAN_BUS_URL": await url_of(BUS)}) as served:
        assert served.get("/readyz").json() == {"ready": True, "reasons": []}


def test_a_process_is_alive_and_not_ready_while_its_database_is_away(env: Env) -> None:
    away = {"WEIYUAN_REGISTRY_DATABASE_URL": "postgresql://registry_{role}@127.0.0.1:1/registry"}
    for part in ("api", "worker"):
        with serving("registry", part, env | away) as served:
            assert served.get("/livez").status_code == 200
            assert served.get("/readyz").status_code == 503
            served.tell()
            assert served.ended() == 0


@pytest.mark.parametrize(
    ("proxies", "statuses"),
    [
        pytest.param("", {200, 429}, id="nobody is believed, all are one"),
        pytest.param("127.0.0.0/8,::1", {200}, id="the gateway says who it is"),
    ],
)
def test_who_guesses_tokens_stops_others_only_where_the_gateway_is_not_known(
    env: Env, officer: str, proxies: str, statuses: set[int]
) -> None:
    def get(address: str, token: str) -> int:
        headers = {"authorization": f"Bearer {token}", "x-forwarded-for": address}
        return http.get("/registry/v1/villages", headers=headers).status_code

    with (
        serving("registry", "api", env | {"WEIYUAN_TRUSTED_PROXIES": proxies}) as served,
        httpx.Client(base_url=served.url, trust_env=False) as http,
    ):
        while get("203.0.113.1", "guessed") != 429:
            pass
        met = set()
        for _ in range(50):
            get("203.0.113.1", "guessed")
            met.add(get("203.0.113.2", officer))
    assert met == statuses


def test_logs_are_documents_without_what_was_asked_for(registry: Served, officer: str) -> None:
    registry.get("/registry/v1/divisions/621123777001?on=2018-12-01", officer)
    until(lambda: "/registry/v1/divisions/{code}" in [at.get("route") for at in registry.logged])
    assert "621123777001" not in str(registry.logged)
