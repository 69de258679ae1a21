"""A rebuild deletes the facts that the bus never told.

Revision ID: matching_2
"""

from libs.common.db.migration import run, service

revision = "matching_2"
down_revision = "matching_1"
branch_labels = None
depends_on = None

FACTS = "situation, work, village, station, revenue"


def upgrade() -> None:
    run(f"GRANT DELETE ON {FACTS} TO {service()}_worker")


def downgrade() -> None:
    run(f"REVOKE DELETE ON {FACTS} FROM {service()}_worker")
