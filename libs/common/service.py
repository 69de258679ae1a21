"""A service is a value; a process is a list of services."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from sqlalchemy import MetaData

from libs.common.events.reaction import Reaction
from libs.common.policy.decisions import ClauseSet
from libs.common.process.jobs import JobKind


@dataclass(frozen=True)
class Service:
    """What a service brings to a process; what it does not have stays empty."""

    name: str
    routers: Sequence[APIRouter]
    models: MetaData
    migrations: Path
    reaction: Reaction | None = None
    jobs: Sequence[JobKind] = ()
    uploads: Mapping[str, int] = field(default_factory=dict)
    """Bytes that a body may have, by the beginning of its path, where that is more than usual."""
    clauses: Sequence[Path] = ()
    clause_sets: Mapping[str, ClauseSet[Any]] = field(default_factory=dict)
