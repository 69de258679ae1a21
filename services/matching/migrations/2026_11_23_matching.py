"""The need board: needs with their history, and the facts they follow.

Revision ID: matching_1
"""

from libs.common.db.migration import run, service
from libs.common.db.security import begin, enclose, policy, protect

revision = "matching_1"
down_revision = None
branch_labels = ("matching",)
depends_on = "common_1"

TABLES = """
CREATE TABLE need (
    id uuid NOT NULL,
    household_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    category text NOT NULL,
    quantity integer NOT NULL,
    stage text NOT NULL,
    state text NOT NULL,
    consent_person_id uuid NOT NULL,
    consent_text text NOT NULL,
    consent_on date NOT NULL,
    captured_by text NOT NULL,
    captured_at timestamptz NOT NULL,
    verified_by text,
    verified_at timestamptz,
    published_by text,
    published_at timestamptz,
    acknowledged uuid[] NOT NULL,
    overruled uuid[] NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_need PRIMARY KEY (id),
    CONSTRAINT ck_need_quantity CHECK (quantity >= 1),
    CONSTRAINT ck_need_stage CHECK (stage IN ('draft', 'verified', 'published', 'withdrawn')),
    CONSTRAINT ck_need_state CHECK (state = stage OR state = 'met'),
    CONSTRAINT ck_need_checker CHECK (published_by <> captured_by AND published_by <> verified_by),
    CONSTRAINT ck_need_published CHECK (
        stage <> 'published' OR (verified_by IS NOT NULL AND published_by IS NOT NULL))
);
CREATE INDEX ix_need_page ON need (captured_at, id, division);
CREATE INDEX ix_need_state_page ON need (state, captured_at, id, division);
CREATE INDEX ix_need_division_page ON need (division, captured_at, id);
CREATE INDEX ix_need_cards ON need (published_at, id) WHERE stage = 'published';
CREATE INDEX ix_need_household_id ON need (household_id);

CREATE TABLE need_history (
    id uuid NOT NULL,
    need_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    was text,
    became text NOT NULL,
    verb text NOT NULL,
    actor text,
    cause_id uuid,
    cause_type text,
    CONSTRAINT pk_need_history PRIMARY KEY (id),
    CONSTRAINT ck_need_history_cause CHECK ((actor IS NULL) <> (cause_id IS NULL))
);
CREATE INDEX ix_need_history_need_id ON need_history (need_id, id);

CREATE TABLE situation (
    household_id uuid NOT NULL,
    division text COLLATE "C",
    status text,
    registered boolean,
    members integer,
    workers integer,
    able integer,
    running uuid[] NOT NULL DEFAULT '{}',
    ended uuid[] NOT NULL DEFAULT '{}',
    version integer NOT NULL,
    CONSTRAINT pk_situation PRIMARY KEY (household_id)
);
CREATE INDEX ix_situation_division ON situation (division, household_id);

CREATE TABLE work (
    id uuid NOT NULL,
    household_id uuid NOT NULL,
    person_id uuid NOT NULL,
    channel text NOT NULL,
    monthly_income_fen bigint,
    since date NOT NULL,
    ended_on date,
    event_id uuid NOT NULL,
    event_type text NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_work PRIMARY KEY (id)
);
CREATE INDEX ix_work_household_id ON work (household_id);

CREATE TABLE village (
    division text COLLATE "C" NOT NULL,
    class text,
    since date,
    version integer NOT NULL,
    CONSTRAINT pk_village PRIMARY KEY (division)
);

CREATE TABLE station (
    station_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    kw numeric(9, 3) NOT NULL,
    since date NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_station PRIMARY KEY (station_id, division)
);
CREATE INDEX ix_station_division ON station (division);

CREATE TABLE revenue (
    settlement_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    station_id uuid NOT NULL,
    month text NOT NULL,
    kwh numeric(14, 3) NOT NULL,
    grid_fen bigint NOT NULL,
    subsidy_fen bigint NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_revenue PRIMARY KEY (settlement_id, division)
);
CREATE INDEX ix_revenue_division ON revenue (division, month);
"""

FACTS = "SELECT, INSERT, UPDATE"
OWN = "household_id = scope_household()"
ON_THE_BOARD = "stage = 'published'"
CARD = "id, division, category, quantity, state, published_at, version"
STEPS = """stage, state, verified_by, verified_at, published_by, published_at,
    acknowledged, overruled, version"""
"""What the steps of the flow change: nobody rewrites who captured a need, for whom or where."""


def grants(name: str) -> list[str]:
    own_history = "EXISTS (SELECT FROM need WHERE need.id = need_id)"
    return [
        *protect(name, "need", app=f"SELECT, INSERT, UPDATE ({STEPS})", worker=FACTS, own=OWN),
        begin(name, "need", "state = 'draft' AND verified_by IS NULL AND published_by IS NULL"),
        f"GRANT UPDATE (stage, state, version) ON need TO {name}_self;"
        f"CREATE POLICY leaving ON need AS RESTRICTIVE FOR UPDATE TO {name}_self"
        " USING (true) WITH CHECK (stage = 'withdrawn' AND state = 'withdrawn');"
        f"CREATE POLICY public ON need TO {name}_public USING ({ON_THE_BOARD});"
        f"GRANT SELECT ({CARD}) ON need TO {name}_public;",
        *protect(name, "need_history", app="SELECT, INSERT", worker="SELECT, INSERT"),
        policy(name, "need_history", "self", own_history, grant="SELECT, INSERT"),
        *protect(name, "situation", app="SELECT", worker=FACTS, own=OWN),
        *protect(name, "village", app="SELECT", worker=FACTS, own="true", public="true"),
        *protect(name, "station", app="SELECT", worker=FACTS, own="true", public="true"),
        *protect(name, "revenue", app="SELECT", worker=FACTS, own="true", public="true"),
        enclose("work"),
        policy(name, "work", "worker", "true", grant=FACTS),
    ]


def upgrade() -> None:
    run(TABLES, *grants(service()))


def downgrade() -> None:
    for table in ["revenue", "station", "village", "work", "situation", "need_history", "need"]:
        run(f"DROP TABLE {table}")
