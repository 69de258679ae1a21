"""The registry service, as a value."""

from pathlib import Path

from libs.common.process.routes import jobs_router
from libs.common.records.routes import records_router
from libs.common.service import Service
from services.registry.imports import routes as imports
from services.registry.imports.kinds import KINDS
from services.registry.models import MODELS
from services.registry.routes import router as registry

_UPLOAD = 2 << 30  # a file is stored as it arrives, never held in memory

service = Service(
    name="registry",
    routers=[
        registry,
        imports.router,
        jobs_router("registry", KINDS),
        records_router("registry"),
    ],
    models=MODELS,
    migrations=Path(__file__).parent / "migrations",
    jobs=KINDS,
    uploads={"/registry/v1/imports/": _UPLOAD},
)
