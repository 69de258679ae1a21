"""Long work: what a row asks for, done by one worker at a time, resumed by another after a kill."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import asyncpg
import orjson
import structlog

from libs.common.db.database import Connection, Scope, prepare
from libs.common.db.urls import url_of
from libs.common.events.hold import SESSION, let_go, try_hold
from libs.common.events.retry import LOST, is_fault_of_event, rest
from libs.common.http.problems import Problem
from libs.common.process import storing
from libs.common.process.storing import CHANNEL, Job, State, Superseded

if TYPE_CHECKING:
    from libs.common.runtime import Process
    from libs.common.service import Service

_AT_ONCE = 2
_POLL = 1.0
MOST_ATTEMPTS = 20
"""A job that takes its worker down with it, again and again, must end."""

_log = structlog.get_logger()


async def _nothing(connection: Connection, job: Job) -> None:
    """There is nothing to clear away."""


@dataclass(frozen=True)
class JobKind:
    """`run` does the work in resumable steps and returns the result that the API shows.

    A `Problem` that it raises ends the job; its words are what people read. `clear` deletes what
    the job no longer needs, in the transaction that ends it. `files` are links, with `{id}`.
    """

    name: str
    run: Callable[["Process", Job], Awaitable[dict[str, Any]]]
    clear: Callable[[Connection, Job], Awaitable[None]] = _nothing
    files: Mapping[str, str] = field(default_factory=dict)


async def run_jobs(process: "Process", service: "Service", stop: asyncio.Event) -> None:
    """Work on the service's jobs, a few at a time; what runs at `stop` is resumed later."""
    failures = 0
    while not stop.is_set():
        worker = _Worker(process, service)
        try:
            async with worker.connected() as connection:
                await worker.work(connection, stop)
        except (*LOST, asyncpg.PostgresError) as error:
            failures += 1
            _log.warning("jobs_waiting", service=service.name, error=type(error).__name__)
            await rest(stop, failures)


async def finish_jobs(process: "Process", service: "Service") -> None:
    """Work off every job that nobody is at work on, then return."""
    worker = _Worker(process, service)
    async with worker.connected() as connection:
        await worker.begin_all(connection)
        while await worker.wait():
            await worker.begin_all(connection)


class _Worker:
    """One session of a worker: it holds the locks of the jobs it is at, and loses them with it."""

    def __init__(self, process: "Process", service: "Service") -> None:
        self._process = process
        self._service = service.name
        self._kinds = {kind.name: kind for kind in service.jobs}
        self._database = process.databases[service.name]
        self._running: dict[UUID, asyncio.Task[None]] = {}
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Connection]:
        """Outside the pool; whatever runs is cancelled before its lock is let go."""
        url = self._process.settings.database_url(self._service)
        connection = await asyncpg.connect(
            url_of(url, "worker"), connection_class=Connection, server_settings=SESSION
        )
        try:
            await prepare(connection)
            yield connection
        finally:
            self._stopping.set()
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            await let_go(connection)

    async def work(self, connection: Connection, stop: asyncio.Event) -> None:
        await connection.add_listener(CHANNEL, lambda *_: self._woken.set())
        while not stop.is_set():
            self._woken.clear()
            await self.begin_all(connection)
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL):
                    await _first(self._woken, stop)

    async def begin_all(self, connection: Connection) -> None:
        """Take up what waits, as far as there is room."""
        for job_id in list(self._running):
            if self._running[job_id].done():
                await connection.fetchval(_RELEASE, _lock(job_id))
                del self._running[job_id]
        for job_id in await storing.waiting(connection):
            if len(self._running) >= _AT_ONCE:
                return
            if job_id not in self._running and await try_hold(connection, _lock(job_id)):
                self._running[job_id] = asyncio.create_task(self._run(job_id))

    async def wait(self) -> bool:
        """Until one of the running jobs pauses or ends; False when none is running."""
        if self._running:
            await asyncio.wait(self._running.values(), return_when=asyncio.FIRST_COMPLETED)
        return bool(self._running)

    async def _run(self, job_id: UUID) -> None:
        """One run: to its end, or until something passes that the next run can do without."""
        async with self._database.reading(Scope.worker()) as connection:
            job = await storing.take(connection, job_id)
        kind = self._kinds.get(job.kind) if job else None
        if job is None or kind is None:
            return
        try:
            await self._complete(kind, job)
        except Superseded:
            _log.info("job_superseded", job=str(job_id))
        except Exception as error:
            _log.warning("job_interrupted", job=str(job_id), **_told(error))
            await rest(self._stopping, job.attempt)
        finally:
            self._woken.set()

    async def _complete(self, kind: JobKind, job: Job) -> None:
        try:
            if job.attempt > MOST_ATTEMPTS:
                raise Problem("job_given_up", attempts=MOST_ATTEMPTS)
            result = await kind.run(self._process, job)
        except Problem as refused:
            await self._end(kind, job, State.FAILED, error=_error(refused))
        except Exception as error:
            if isinstance(error, Superseded) or not is_fault_of_event(error):
                raise
            _log.error("job_failed", job=str(job.id), **_told(error))
            await self._end(kind, job, State.FAILED, error=_error(Problem("internal")))
        else:
            await self._end(kind, job, State.DONE, result=result)

    async def _end(self, kind: JobKind, job: Job, state: State, **outcome: Any) -> None:
        async with self._database.writing(Scope.job(job.division)) as connection:
            await storing.end(connection, job, state, **outcome)
            await kind.clear(connection, job)


_RELEASE = "SELECT pg_advisory_unlock(hashtextextended($1, 0))"


def _lock(job_id: UUID) -> str:
    return f"job {job_id}"


async def _first(*events: asyncio.Event) -> None:
    tasks = [asyncio.create_task(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _error(problem: Problem) -> str:
    return orjson.dumps({"code": problem.code, "params": problem.params}).decode()


def _told(error: Exception) -> dict[str, str]:
    """Kind and place of an error, never its message: that can quote a row."""
    frames = traceback.extract_tb(error.__traceback__)
    last = next((f for f in reversed(frames) if ".venv" not in f.filename), frames[-1])
    kind = type(error).__name__
    state = getattr(error, "sqlstate", None)
    return {"error": f"{kind} {state}" if state else kind, "at": f"{last.name}:{last.lineno}"}
