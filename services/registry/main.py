"""The registry as a process sees it."""

from pathlib import Path

from libs.common.service import Service
from services.registry.models import MODELS
from services.registry.routes import router

service = Service(
    name="registry", router=router, models=MODELS, migrations=Path(__file__).parent / "migrations"
)
