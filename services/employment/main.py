"""The employment service, as a value."""

from pathlib import Path

from fastapi import APIRouter

from libs.common.policy.routes import decisions_router
from libs.common.records.routes import records_router
from libs.common.service import Service
from services.employment.posts.models import MODELS
from services.employment.posts.routes import router as posts
from services.employment.posts.rules import CLAUSE_SETS

router = APIRouter()
router.include_router(posts, prefix="/employment/v1")
router.include_router(decisions_router("employment"))
router.include_router(records_router("employment"))

service = Service(
    name="employment",
    router=router,
    models=MODELS,
    migrations=Path(__file__).with_name("migrations"),
    clauses=(Path(__file__).parent / "posts" / "clauses",),
    clause_sets=CLAUSE_SETS,
)
