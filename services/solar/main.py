"""The solar service, as a value."""

from pathlib import Path

from fastapi import APIRouter

from libs.common.records.routes import records_router
from libs.common.service import Service
from services.solar.models import MODELS
from services.solar.routes import router as stations

router = APIRouter()
router.include_router(stations)
router.include_router(records_router("solar"))

service = Service(
    name="solar",
    router=router,
    models=MODELS,
    migrations=Path(__file__).with_name("migrations"),
)
