"""One FastAPI application for a list of services: in production a list of one, embedded all."""

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig

from libs.common.db.database import Scope
from libs.common.db.migrate import Schema
from libs.common.http import errors, middleware
from libs.common.http.docs import docs_router
from libs.common.http.health import health_router
from libs.common.http.limits import Limits
from libs.common.runtime import Process
from libs.common.telemetry.metrics import metrics
from libs.common.telemetry.probes import MeasureRequests

NO_TRACES: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own telemetry would export exception messages, and costs a tenth of a small request."""


def create_app(process: Process, *, limits: Limits | None = None) -> FastAPI:
    """The API of the process's services; `process` is opened and closed by whoever serves it."""
    app = FastAPI(telemetry=NO_TRACES, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.process = process
    for service in process.services:
        for router in (*service.routers, docs_router(service)):
            app.include_router(router)
    _add_probes(app, process, Scope.public(), lambda: process.draining)
    errors.install(app)
    if process.settings.telemetry:
        app.add_middleware(MeasureRequests)
    uploads = {path: size for each in process.services for path, size in each.uploads.items()}
    middleware.install(app, limits or Limits(larger=uploads))
    return app


def create_probes(process: Process, draining: Callable[[], bool]) -> FastAPI:
    """What a worker answers: whether it lives, whether it can work, and its metrics."""
    app = FastAPI(telemetry=NO_TRACES, openapi_url=None, docs_url=None, redoc_url=None)
    _add_probes(app, process, Scope.worker(), draining)
    return app


def _add_probes(app: FastAPI, process: Process, scope: Scope, draining: Callable[[], bool]) -> None:
    schemas = {each.name: Schema.of(each.name, each.migrations) for each in process.services}
    app.include_router(health_router(process.databases, schemas, scope=scope, draining=draining))
    app.add_route("/metrics", metrics)
