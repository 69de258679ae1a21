"""The registry as a process sees it."""

from pathlib import Path

from fastapi import APIRouter

from libs.common.process.routes import jobs_router
from libs.common.records.routes import records_router
from libs.common.service import Service
from services.registry.imports import routes as imports
from services.registry.imports.kinds import KINDS
from services.registry.models import MODELS
from services.registry.routes import router as registry

router = APIRouter()
for each in (registry, imports.router, jobs_router("registry", KINDS), records_router("registry")):
    router.include_router(each)

service = Service(
    name="registry",
    router=router,
    models=MODELS,
    migrations=Path(__file__).parent / "migrations",
    jobs=KINDS,
)
