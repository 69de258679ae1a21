"""The matching service, as a value."""

from pathlib import Path

from fastapi import APIRouter

from libs.common.records.routes import records_router
from libs.common.service import Service
from services.matching.handlers import REACTION
from services.matching.models import MODELS
from services.matching.routes import router as board

router = APIRouter()
router.include_router(board)
router.include_router(records_router("matching"))

service = Service(
    name="matching",
    router=router,
    models=MODELS,
    migrations=Path(__file__).with_name("migrations"),
    reaction=REACTION,
)
