"""The tables every service has: bus, records, decisions, jobs.

Revision ID: common_1
"""

from libs.common.db.migration import run, service
from libs.common.db.security import FUNCTIONS, IN_AREA, enclose, policy, protect

revision = "common_1"
down_revision = None
branch_labels = ("common",)
depends_on = None

TABLES = """
CREATE TABLE outbox (
    id bigint GENERATED ALWAYS AS IDENTITY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    time timestamptz NOT NULL,
    traceparent text,
    data bytea NOT NULL,
    CONSTRAINT pk_outbox PRIMARY KEY (id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

CREATE TABLE outbox_parked (
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    type text NOT NULL,
    time timestamptz NOT NULL,
    traceparent text,
    data bytea NOT NULL,
    error text NOT NULL,
    parked_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_outbox_parked PRIMARY KEY (id)
);

CREATE TABLE inbox (
    consumer text NOT NULL,
    event_id uuid NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_inbox PRIMARY KEY (consumer, event_id)
);
CREATE INDEX ix_inbox_seen_at ON inbox USING brin (seen_at);

CREATE TABLE progress (
    consumer text NOT NULL,
    as_of timestamptz NOT NULL,
    event_time timestamptz,
    CONSTRAINT pk_progress PRIMARY KEY (consumer)
) WITH (fillfactor = 50);

CREATE TABLE dead_letter (
    id bigint GENERATED ALWAYS AS IDENTITY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    event_id uuid,
    type text,
    key text,
    headers jsonb NOT NULL,
    value bytea,
    error text NOT NULL,
    attempts integer NOT NULL,
    failed_at timestamptz NOT NULL DEFAULT now(),
    state text NOT NULL DEFAULT 'open',
    CONSTRAINT pk_dead_letter PRIMARY KEY (id),
    CONSTRAINT uq_dead_letter_consumer_topic_partition_offset
        UNIQUE (consumer, topic, partition, "offset"),
    CONSTRAINT ck_dead_letter_state CHECK (state IN ('open', 'retried', 'dropped'))
);
CREATE INDEX ix_dead_letter_open ON dead_letter (consumer, id) WHERE state = 'open';

CREATE TABLE audit (
    id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    purpose text,
    subject uuid,
    division text COLLATE "C",
    request_id text,
    detail jsonb NOT NULL,
    digest bytea,
    seal_no bigint,
    erased_at timestamptz,
    CONSTRAINT pk_audit PRIMARY KEY (id)
);
CREATE INDEX ix_audit_subject ON audit (subject, id);
CREATE INDEX ix_audit_unsealed ON audit (id) WHERE seal_no IS NULL;
CREATE INDEX ix_audit_seal_no ON audit (seal_no) WHERE seal_no IS NOT NULL;

CREATE TABLE access (
    id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    actor text NOT NULL,
    role text NOT NULL,
    action text NOT NULL,
    purpose text,
    person_id uuid,
    household_id uuid,
    division text COLLATE "C",
    request_id text,
    filter jsonb NOT NULL,
    count integer NOT NULL,
    masked boolean NOT NULL,
    digest bytea,
    seal_no bigint,
    erased_at timestamptz,
    CONSTRAINT pk_access PRIMARY KEY (id),
    CONSTRAINT ck_access_purpose CHECK (
        masked OR erased_at IS NOT NULL OR (purpose IS NOT NULL AND person_id IS NOT NULL)
    )
);
CREATE INDEX ix_access_person_id ON access (person_id, id) WHERE person_id IS NOT NULL;
CREATE INDEX ix_access_household_id ON access (household_id, id) WHERE household_id IS NOT NULL;
CREATE INDEX ix_access_unsealed ON access (id) WHERE seal_no IS NULL;
CREATE INDEX ix_access_seal_no ON access (seal_no) WHERE seal_no IS NOT NULL;

CREATE TABLE seal (
    no bigint NOT NULL,
    sealed_at timestamptz NOT NULL,
    source text NOT NULL,
    rows integer NOT NULL,
    digest bytea NOT NULL,
    chain bytea NOT NULL,
    CONSTRAINT pk_seal PRIMARY KEY (no),
    CONSTRAINT ck_seal_source CHECK (source IN ('audit', 'access', 'decision'))
);
CREATE INDEX ix_seal_sealed_at ON seal USING brin (sealed_at);

CREATE TABLE idempotency (
    caller text NOT NULL,
    key text NOT NULL,
    request bytea NOT NULL,
    status integer,
    resource_id uuid,
    event_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT pk_idempotency PRIMARY KEY (caller, key)
);

CREATE TABLE decision (
    id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    division text COLLATE "C" NOT NULL,
    subject uuid NOT NULL,
    household_id uuid,
    clause_set text NOT NULL,
    on_day date NOT NULL,
    outcome text NOT NULL,
    clauses jsonb NOT NULL,
    inputs jsonb NOT NULL,
    actor text NOT NULL,
    digest bytea,
    seal_no bigint,
    erased_at timestamptz,
    CONSTRAINT pk_decision PRIMARY KEY (id),
    CONSTRAINT ck_decision_outcome CHECK (outcome IN ('eligible', 'not_eligible', 'needs_ruling'))
);
CREATE INDEX ix_decision_subject ON decision (subject, id);
CREATE INDEX ix_decision_unsealed ON decision (id) WHERE seal_no IS NULL;
CREATE INDEX ix_decision_seal_no ON decision (seal_no) WHERE seal_no IS NOT NULL;

CREATE TABLE job (
    id uuid NOT NULL,
    kind text NOT NULL,
    state text NOT NULL,
    division text COLLATE "C",
    created_by text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    parameters jsonb NOT NULL,
    progress jsonb NOT NULL,
    result jsonb,
    error text,
    CONSTRAINT pk_job PRIMARY KEY (id),
    CONSTRAINT ck_job_state CHECK (state IN ('queued', 'running', 'done', 'failed'))
);
CREATE INDEX ix_job_waiting ON job (id) WHERE state IN ('queued', 'running');
"""


def grants(service: str) -> list[str]:
    """Who may touch the common tables; what has no division is reached by role alone."""
    app, own, public, worker = (f"{service}_{r}" for r in ("app", "self", "public", "worker"))
    return [
        f"GRANT INSERT ON outbox TO {app}, {own};"
        f"GRANT SELECT, INSERT, DELETE ON outbox, outbox_parked TO {worker};"
        f"GRANT SELECT ON inbox, progress TO {app}, {own}, {public};"
        f"GRANT SELECT, INSERT, DELETE ON inbox TO {worker};"
        f"GRANT SELECT, INSERT, UPDATE ON progress, dead_letter TO {worker};"
        f"GRANT SELECT ON seal TO {app};"
        f"GRANT SELECT, INSERT ON seal TO {worker};"
        f"GRANT SELECT, INSERT, UPDATE ON idempotency TO {app}, {own};"
        f"GRANT SELECT, DELETE ON idempotency TO {worker};",
        *protect(
            service,
            "decision",
            app="SELECT, INSERT",
            own="household_id = scope_household()",
        ),
        *_sealed(service, "decision"),
        *protect(service, "job", app="SELECT, INSERT", worker="SELECT, INSERT, UPDATE, DELETE"),
        *_append_only(service, "audit"),
        *_append_only(service, "access"),
        policy(service, "access", "self", _READ_ABOUT_SELF, grant="SELECT"),
    ]


_READ_ABOUT_SELF = (
    "person_id = scope_person() OR person_id IS NULL AND household_id = scope_household()"
)


def _append_only(service: str, table: str) -> list[str]:
    """Added by whoever acts, read within the area."""
    writers = ", ".join(f"{service}_{role}" for role in ("app", "self", "public", "worker"))
    return [
        enclose(table),
        f"CREATE POLICY append ON {table} FOR INSERT TO {writers} WITH CHECK (true);"
        f"GRANT INSERT ON {table} TO {writers};"
        f"CREATE POLICY area ON {table} FOR SELECT TO {service}_app USING ({IN_AREA});"
        f"GRANT SELECT ON {table} TO {service}_app;",
        *_sealed(service, table),
    ]


def _sealed(service: str, table: str) -> list[str]:
    """Nobody adds a row that is already sealed; the sealer's two columns are written once."""
    worker = f"{service}_worker"
    return [
        f"CREATE POLICY unsealed ON {table} AS RESTRICTIVE FOR INSERT"
        " WITH CHECK (digest IS NULL AND seal_no IS NULL AND erased_at IS NULL);"
        f"CREATE POLICY sealer ON {table} FOR SELECT TO {worker} USING (true);"
        f"CREATE POLICY seal ON {table} FOR UPDATE TO {worker}"
        " USING (seal_no IS NULL) WITH CHECK (seal_no IS NOT NULL AND digest IS NOT NULL);"
        f"GRANT SELECT, UPDATE (digest, seal_no) ON {table} TO {worker};",
    ]


def upgrade() -> None:
    run(FUNCTIONS, TABLES, *grants(service()))


def downgrade() -> None:
    for table in [
        "job",
        "decision",
        "idempotency",
        "seal",
        "access",
        "audit",
        "dead_letter",
        "progress",
        "inbox",
        "outbox_parked",
        "outbox",
    ]:
        run(f"DROP TABLE {table}")
    for function in ("scope_lo", "scope_hi", "scope_household", "scope_person"):
        run(f"DROP FUNCTION {function}()")
