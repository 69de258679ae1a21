"""The solar service, as a value."""

from pathlib import Path

from libs.common.records.routes import records_router
from libs.common.service import Service
from services.solar.models import MODELS
from services.solar.routes import router as stations

service = Service(
    name="solar",
    routers=[stations, records_router("solar")],
    models=MODELS,
    migrations=Path(__file__).with_name("migrations"),
)
