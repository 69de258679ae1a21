"""Jobs: run once, ended with a result or with words that people can read, seen within the area."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from libs.common.app import create_app
from libs.common.db.database import Scope
from libs.common.http.caller import Caller
from libs.common.http.issuer import Issuer
from libs.common.http.problems import Problem
from libs.common.http.roles import Role
from libs.common.ids import new_id
from libs.common.process import storing
from libs.common.process.jobs import JobKind, finish_jobs, run_jobs
from libs.common.process.routes import jobs_router
from libs.common.process.storing import Job
from libs.common.runtime import Process, opened
from libs.common.service import Service
from libs.common.settings import Settings
from services.registry.main import service as registry
from tests.databases import UrlOf

COUNTY = "621123"


async def _counts(process: Process, job: Job) -> dict[str, Any]:
    """Each run goes one step further than the last and is cut off, until the third."""
    step = job.progress.get("done", 0) + 1
    async with process.databases["registry"].writing(Scope.job(job.division)) as connection:
        await storing.save(connection, job, {"phase": "counting", "done": step, "total": 3})
    if step < 3:
        raise ConnectionError("the database went away")
    return {"steps": step}


async def _refuses(process: Process, job: Job) -> dict[str, Any]:
    raise Problem("import_quotes", row=7)


async def _breaks(process: Process, job: Job) -> dict[str, Any]:
    raise ValueError(job.parameters["secret"])


async def _never_ends(process: Process, job: Job) -> dict[str, Any]:
    await asyncio.Event().wait()
    return {}


KINDS = (
    JobKind("import_divisions", _counts, files={"file": "/registry/v1/files/{id}"}),
    JobKind("import_roster", _refuses),
    JobKind("import_village_classes", _breaks),
    JobKind("wait", _never_ends),
)


@pytest.fixture(scope="module")
def service() -> Service:
    return replace(registry, routers=(jobs_router("registry", KINDS),), jobs=KINDS)


@pytest_asyncio.fixture(scope="module")
async def process(
    service: Service, url_of: UrlOf, bus_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Process]:
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        embedded=True,
        bus_url=bus_url,
        registry_database_url=await url_of("registry"),
    )
    async with opened(settings, [service]) as process:
        yield process


@pytest_asyncio.fixture(scope="module")
async def http(process: Process) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(process))
    async with httpx.AsyncClient(transport=transport, base_url="http://weiyuan") as client:
        yield client


async def queue(process: Process, kind: str, **parameters: Any) -> UUID:
    caller = Caller("officer", Role.COUNTY_OFFICER, Scope.area(COUNTY), COUNTY)
    job_id = new_id()
    async with process.databases["registry"].writing(caller.scope) as connection:
        await storing.create(
            connection,
            caller,
            job_id=job_id,
            kind=kind,
            parameters=parameters,
            progress={"phase": "queued", "done": 0, "total": None},
        )
    return job_id


async def seen(
    process: Process, http: httpx.AsyncClient, job_id: UUID, *, division: str = COUNTY
) -> httpx.Response:
    issuer = Issuer.of(Path(process.settings.home), process.settings.audience)
    token = issuer.issue(Role.COUNTY_OFFICER, division=division)
    headers = {"authorization": f"Bearer {token}", "accept-language": "en"}
    return await http.get(f"/registry/v1/jobs/{job_id}", headers=headers)


async def until(process: Process, http: httpx.AsyncClient, job_id: UUID, state: str) -> None:
    while (await seen(process, http, job_id)).json()["state"] != state:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_a_run_that_is_cut_off_goes_on_where_it_was(
    process: Process, service: Service, http: httpx.AsyncClient
) -> None:
    job_id = await queue(process, "import_divisions")
    await finish_jobs(process, service)
    job = (await seen(process, http, job_id)).json()
    assert (job["state"], job["result"]) == ("done", {"steps": 3})
    assert job["progress"] == {"phase": "counting", "done": 3, "total": 3}
    assert job["links"] == {"file": f"/registry/v1/files/{job_id}"}


async def test_a_problem_ends_a_job_in_the_readers_words(
    process: Process, service: Service, http: httpx.AsyncClient
) -> None:
    job_id = await queue(process, "import_roster")
    await finish_jobs(process, service)
    job = (await seen(process, http, job_id)).json()
    assert (job["state"], job["result"]) == ("failed", None)
    assert (job["error"]["code"], job["error"]["row"]) == ("import_quotes", 7)
    assert "row 7" in job["error"]["detail"]


async def test_an_error_of_ours_ends_a_job_and_says_nothing_of_the_data(
    process: Process, service: Service, http: httpx.AsyncClient
) -> None:
    job_id = await queue(process, "import_village_classes", secret="张三")
    with capture_logs() as lines:
        await finish_jobs(process, service)
    answer = await seen(process, http, job_id)
    assert answer.json()["error"]["code"] == "internal"
    assert "张三" not in answer.text + str(lines)
    assert [line["error"] for line in lines if line["event"] == "job_failed"] == ["ValueError"]


async def test_a_job_is_seen_within_the_division_that_asked_for_it(
    process: Process, http: httpx.AsyncClient
) -> None:
    job_id = await queue(process, "import_roster")
    assert (await seen(process, http, job_id)).status_code == 200
    assert (await seen(process, http, job_id, division="621124")).status_code == 404


async def test_a_worker_that_waits_takes_up_a_job_at_once(
    process: Process, service: Service, http: httpx.AsyncClient
) -> None:
    stop = asyncio.Event()
    working = asyncio.create_task(run_jobs(process, service, stop))
    await finish_jobs(process, service)
    job_id = await queue(process, "import_roster")
    async with asyncio.timeout(5):
        await until(process, http, job_id, "failed")
    stop.set()
    await working


async def test_a_worker_told_to_stop_leaves_its_job_to_the_next(
    process: Process, service: Service, http: httpx.AsyncClient
) -> None:
    """Its lock goes with it."""
    job_id = await queue(process, "wait")
    stop = asyncio.Event()
    working = asyncio.create_task(run_jobs(process, service, stop))
    async with asyncio.timeout(5):
        await until(process, http, job_id, "running")
        stop.set()
        await working
    async with process.databases["registry"].reading(Scope.worker()) as connection:
        assert job_id in await storing.waiting(connection)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            await finish_jobs(process, service)
    async with process.databases["registry"].reading(Scope.worker()) as connection:
        job = await storing.take(connection, job_id)
        assert job
        assert job.attempt == 3
        await storing.end(connection, job, storing.State.DONE, result={})
