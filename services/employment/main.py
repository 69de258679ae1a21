"""The employment service, as a value."""

from pathlib import Path

from libs.common.policy.routes import decisions_router
from libs.common.records.routes import records_router
from libs.common.service import Service
from services.employment.posts.models import MODELS
from services.employment.posts.routes import router as posts
from services.employment.posts.rules import CLAUSE_SETS

service = Service(
    name="employment",
    routers=[posts, decisions_router("employment"), records_router("employment")],
    models=MODELS,
    migrations=Path(__file__).with_name("migrations"),
    clauses=(Path(__file__).parent / "posts" / "clauses",),
    clause_sets=CLAUSE_SETS,
)
