"""The jobs that imports are; what does the work is loaded by the process that does it."""

from typing import TYPE_CHECKING, Any

from libs.common.db.database import Connection
from libs.common.process.jobs import JobKind
from libs.common.process.storing import Job
from services.registry.imports import received

if TYPE_CHECKING:
    from libs.common.runtime import Process

_FILES = {
    "errors": "/registry/v1/imports/{id}/errors",
    "errors_ndjson": "/registry/v1/imports/{id}/errors?format=ndjson",
}


async def _divisions(process: "Process", job: Job) -> dict[str, Any]:
    from services.registry.imports import divisions

    return await divisions.run(process, job)


async def _village_classes(process: "Process", job: Job) -> dict[str, Any]:
    from services.registry.imports import village_classes

    return await village_classes.run(process, job)


async def _roster(process: "Process", job: Job) -> dict[str, Any]:
    from services.registry.imports import roster

    return await roster.run(process, job)


async def _forget(connection: Connection, job: Job) -> None:
    await received.forget(connection, job.id)


async def _clear_roster(connection: Connection, job: Job) -> None:
    from services.registry.imports import roster

    await roster.clear(connection, job)


KINDS = (
    JobKind("import_divisions", _divisions, clear=_forget, files=_FILES),
    JobKind("import_village_classes", _village_classes, clear=_forget, files=_FILES),
    JobKind("import_roster", _roster, clear=_clear_roster, files=_FILES),
)
