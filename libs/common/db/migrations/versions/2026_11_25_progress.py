"""A consumer's progress by place: several readers share the partitions of a topic.

Revision ID: common_2
"""

from libs.common.db.migration import run, service

revision = "common_2"
down_revision = "common_1"
branch_labels = None
depends_on = None

BY_PLACE = """
DROP TABLE progress;
CREATE TABLE progress (
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    as_of timestamptz NOT NULL,
    CONSTRAINT pk_progress PRIMARY KEY (consumer, topic, partition)
) WITH (fillfactor = 50);
"""
BY_CONSUMER = """
DROP TABLE progress;
CREATE TABLE progress (
    consumer text NOT NULL,
    as_of timestamptz NOT NULL,
    event_time timestamptz,
    CONSTRAINT pk_progress PRIMARY KEY (consumer)
) WITH (fillfactor = 50);
"""
"""What it holds is written anew within a second of a start."""


def grants(name: str) -> str:
    readers = ", ".join(f"{name}_{role}" for role in ("app", "self", "public"))
    return (
        f"GRANT SELECT ON progress TO {readers};"
        f"GRANT SELECT, INSERT, UPDATE ON progress TO {name}_worker;"
    )


def upgrade() -> None:
    run(BY_PLACE, grants(service()))


def downgrade() -> None:
    run(BY_CONSUMER, grants(service()))
