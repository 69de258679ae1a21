"""Uploaded files while they are imported, what is staged of them, and what was wrong with them.

Revision ID: registry_2
"""

import csv
from pathlib import Path

from libs.common.db.migration import run, service
from libs.common.db.security import IN_AREA, enclose, policy

revision = "registry_2"
down_revision = "registry_1"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE import_chunk (
    job_id uuid NOT NULL,
    no integer NOT NULL,
    division text COLLATE "C" NOT NULL,
    data bytea NOT NULL,
    received_at timestamptz NOT NULL,
    CONSTRAINT pk_import_chunk PRIMARY KEY (job_id, no)
);
ALTER TABLE import_chunk ALTER COLUMN data SET STORAGE EXTERNAL;
CREATE INDEX ix_import_chunk_received_at ON import_chunk (received_at);

CREATE SEQUENCE import_load;
CREATE UNLOGGED TABLE import_person (
    load bigint NOT NULL,
    row integer NOT NULL,
    id uuid NOT NULL,
    household_id uuid,
    event_id uuid,
    refused text,
    village text COLLATE "C",
    household_number text,
    person_number text,
    name text,
    sex text,
    birth_on date,
    identity_sealed bytea,
    identity_index bytea,
    identity_note text,
    phone_sealed bytea,
    phone_index bytea,
    relation text,
    able text,
    working boolean,
    subsistence boolean,
    cadre boolean,
    cadre_family boolean,
    registered boolean,
    registered_on date,
    status text,
    members integer,
    synthetic boolean
);
CREATE INDEX ix_import_person_household ON import_person (load, household_number);

CREATE TABLE import_lane (
    job_id uuid NOT NULL,
    no integer NOT NULL,
    after text NOT NULL,
    upto text NOT NULL,
    counts jsonb NOT NULL,
    CONSTRAINT pk_import_lane PRIMARY KEY (job_id, no)
);

CREATE TABLE import_issue (
    job_id uuid NOT NULL,
    row integer NOT NULL,
    "column" text NOT NULL,
    code text NOT NULL,
    division text COLLATE "C" NOT NULL,
    value text,
    other integer,
    CONSTRAINT pk_import_issue PRIMARY KEY (job_id, row, "column", code)
);
"""


def protected(service: str) -> list[str]:
    """Officials send a file and read what was wrong with it; only the worker opens it."""
    worker = f"{service}_worker"
    return [
        enclose("import_chunk"),
        policy(service, "import_chunk", "app", IN_AREA, grant="INSERT, DELETE, SELECT (job_id)"),
        policy(service, "import_chunk", "worker", "true", grant="SELECT, DELETE"),
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON import_person, import_lane TO {worker};"
        f"GRANT USAGE ON SEQUENCE import_load TO {worker};",
        enclose("import_issue"),
        policy(service, "import_issue", "app", IN_AREA, grant="SELECT"),
        policy(service, "import_issue", "worker", IN_AREA, grant="SELECT, INSERT"),
        # Somebody already entered elsewhere must be found there; writing stays within the area.
        f"CREATE POLICY duplicates ON household FOR SELECT TO {worker} USING (true);"
        f"CREATE POLICY duplicates ON person FOR SELECT TO {worker} USING (true);",
    ]


def upgrade() -> None:
    run(TABLES, *protected(service()), *shipped())


def shipped() -> list[str]:
    """甘肃省, 定西市 and its seven counties, which every installation knows."""
    file = Path(__file__).parents[1] / "divisions.csv"
    with file.open(encoding="utf-8", newline="") as rows:
        return [
            "INSERT INTO division (code, parent, level, name, since) VALUES ("
            + ", ".join(f"'{row[c]}'" if row[c] else "NULL" for c in row)
            + ")"
            for row in csv.DictReader(rows)
        ]


def downgrade() -> None:
    for table in ("household", "person"):
        run(f"DROP POLICY duplicates ON {table}")
    for table in ("import_issue", "import_lane", "import_person", "import_chunk"):
        run(f"DROP TABLE {table}")
    run("DROP SEQUENCE import_load")
