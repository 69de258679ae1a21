"""Long work: a row that says what to do, run by a worker, resumed after a kill, watched through the API."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

if TYPE_CHECKING:
    from libs.common.runtime import Process


@dataclass(frozen=True)
class Job:
    """A job as its kind sees it: where it is allowed to work, and how far an earlier run came."""

    id: UUID
    kind: str
    division: str
    created_by: str
    parameters: dict[str, Any]
    progress: dict[str, Any]


@dataclass(frozen=True)
class JobKind:
    """`run` does the work in resumable steps and returns the result that the API shows."""

    name: str
    run: Callable[["Process", Job], Awaitable[dict[str, Any]]]
