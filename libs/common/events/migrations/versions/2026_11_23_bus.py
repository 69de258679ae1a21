"""The PostgreSQL log: what was published, and how far each group has read.

Revision ID: bus_1
"""

from libs.common.db.migration import run, service

revision = "bus_1"
down_revision = None
branch_labels = ("bus",)
depends_on = None

# The two counters are updated in place all day: room in the page keeps the updates off the index.
TABLES = """
CREATE TABLE bus_topic (
    topic text NOT NULL,
    next_offset bigint NOT NULL,
    CONSTRAINT pk_bus_topic PRIMARY KEY (topic)
) WITH (fillfactor = 10);

CREATE TABLE bus_record (
    topic text NOT NULL,
    "offset" bigint NOT NULL,
    key text NOT NULL,
    headers json NOT NULL,
    value bytea,
    at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_bus_record PRIMARY KEY (topic, "offset")
);

CREATE TABLE bus_offset (
    grp text NOT NULL,
    topic text NOT NULL,
    next_offset bigint NOT NULL,
    CONSTRAINT pk_bus_offset PRIMARY KEY (grp, topic)
) WITH (fillfactor = 10);
"""


def grants() -> str:
    worker = f"{service()}_worker"
    return (
        f"GRANT SELECT, INSERT, UPDATE ON bus_topic, bus_offset TO {worker};"
        f"GRANT SELECT, INSERT ON bus_record TO {worker};"
    )


def upgrade() -> None:
    run(TABLES, grants())


def downgrade() -> None:
    run("DROP TABLE bus_offset; DROP TABLE bus_record; DROP TABLE bus_topic")
