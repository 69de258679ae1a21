"""Which problem each exception is: one handler for all that the application raises."""

import asyncpg
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from libs.common.http.malformed import malformed
from libs.common.http.problems import Problem

log = structlog.get_logger()

UNAVAILABLE: tuple[type[Exception], ...] = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,  # the connection or its pool is closed
    asyncpg.OperatorInterventionError,  # shutting down, or a statement ran out of its time
    asyncpg.InsufficientResourcesError,
    asyncpg.TransactionRollbackError,  # deadlock, serialisation: nothing was changed
    asyncpg.LockNotAvailableError,
    OSError,  # no connection, no socket, TimeoutError of a pool
)
_NOT_STORABLE = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
"""U+0000 in a text: valid JSON, but PostgreSQL cannot hold it."""
_BY_STATUS = {
    400: "malformed",
    404: "not_found",
    405: "method_not_allowed",
    413: "payload_too_large",
    415: "unsupported_media_type",
    503: "unavailable",
}


def install(app: FastAPI) -> None:
    """Answer what is foreseen with a problem; what nobody foresaw is the edge middleware's."""
    for kind in (Problem, RequestValidationError, HTTPException, *_NOT_STORABLE, *UNAVAILABLE):
        app.add_exception_handler(kind, _answer)


async def _answer(_: Request, error: Exception) -> Response:
    return problem_of(error).response()


def problem_of(error: Exception) -> Problem:
    match error:
        case Problem():
            return error
        case RequestValidationError():
            return malformed(error.errors())
        case HTTPException():
            return _of_status(error)
        case _ if isinstance(error, _NOT_STORABLE):
            return Problem("malformed", errors=[])
        case _ if isinstance(error, UNAVAILABLE):
            log.warning("unavailable", error=type(error).__qualname__)
            return Problem("unavailable")
        case _:
            return Problem("internal")


def _of_status(error: HTTPException) -> Problem:
    code = _BY_STATUS.get(error.status_code, "internal")
    if code == "method_not_allowed":
        allowed = (error.headers or {}).get("Allow", "")
        return Problem(code, allowed=sorted(filter(None, allowed.split(", "))))
    return Problem(code)
