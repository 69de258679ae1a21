"""The matching service, as a value."""

from pathlib import Path

from libs.common.records.routes import records_router
from libs.common.service import Service
from services.matching.handlers import REACTION
from services.matching.models import MODELS
from services.matching.routes import router as board

service = Service(
    name="matching",
    routers=[board, records_router("matching")],
    models=MODELS,
    migrations=Path(__file__).with_name("migrations"),
    reaction=REACTION,
)
