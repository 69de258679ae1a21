"""Public-welfare posts: posts, nominations, appointments.

Revision ID: employment_1
"""

from libs.common.db.migration import run, service
from libs.common.db.security import begin, protect

revision = "employment_1"
down_revision = None
branch_labels = ("employment",)
depends_on = "common_1"

TABLES = """
CREATE TYPE uuidrange AS RANGE (subtype = uuid);

CREATE TABLE post_fund (
    fund text NOT NULL,
    opened integer NOT NULL,
    CONSTRAINT pk_post_fund PRIMARY KEY (fund),
    CONSTRAINT ck_post_fund_fund CHECK (fund IN ('provincial', 'city')),
    CONSTRAINT ck_post_fund_opened CHECK (opened >= 0)
);
INSERT INTO post_fund (fund, opened) VALUES ('provincial', 0), ('city', 0);

CREATE TABLE post (
    id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    fund text NOT NULL,
    category text NOT NULL,
    decision_id uuid NOT NULL,
    opened_by text NOT NULL,
    opened_at timestamptz NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_post PRIMARY KEY (id),
    CONSTRAINT ck_post_fund CHECK (fund IN ('provincial', 'city'))
);
CREATE INDEX ix_post_page ON post (division, id);

CREATE TABLE nomination (
    id uuid NOT NULL,
    post_id uuid NOT NULL,
    household_id uuid NOT NULL,
    person_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    wish_on date NOT NULL,
    consent_text text NOT NULL,
    circumstances jsonb NOT NULL,
    no_conflict boolean NOT NULL,
    state text NOT NULL,
    nominated_by text NOT NULL,
    nominated_at timestamptz NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_nomination PRIMARY KEY (id),
    CONSTRAINT uq_nomination_id_nominated_by UNIQUE (id, nominated_by),
    CONSTRAINT ck_nomination_state CHECK (state IN ('open', 'appointed', 'refused'))
);
CREATE INDEX ix_nomination_page ON nomination (division, id);
CREATE INDEX ix_nomination_post_id ON nomination (post_id);

CREATE TABLE appointment (
    id uuid NOT NULL,
    nomination_id uuid NOT NULL,
    post_id uuid NOT NULL,
    household_id uuid NOT NULL,
    person_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    since date NOT NULL,
    until date NOT NULL,
    ended_on date,
    monthly_income_fen bigint,
    decision_id uuid NOT NULL,
    nominated_by text NOT NULL,
    appointed_by text NOT NULL,
    appointed_at timestamptz NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_appointment PRIMARY KEY (id),
    CONSTRAINT uq_appointment_nomination_id UNIQUE (nomination_id),
    CONSTRAINT fk_appointment_nomination FOREIGN KEY (nomination_id, nominated_by)
        REFERENCES nomination (id, nominated_by),
    CONSTRAINT ck_appointment_term CHECK (since <= until),
    CONSTRAINT ck_appointment_ended_on CHECK (ended_on >= since),
    CONSTRAINT ck_appointment_checker CHECK (appointed_by <> nominated_by),
    CONSTRAINT ex_appointment_holder EXCLUDE USING gist (
        uuidrange(post_id, post_id, '[]') WITH &&, daterange(since, ended_on, '[]') WITH &&)
);
CREATE INDEX ix_appointment_page ON appointment (division, id);
CREATE INDEX ix_appointment_household_id ON appointment (household_id);
CREATE INDEX ix_appointment_person_id ON appointment (person_id);
"""


ADD = "SELECT, INSERT"
PUT_FORWARD = "EXISTS (SELECT FROM nomination WHERE nomination.post_id = post.id)"
"""A household sees the posts that somebody of it was put forward for."""


def upgrade() -> None:
    name = service()
    own = "household_id = scope_household()"
    run(
        TABLES,
        f"GRANT SELECT, UPDATE ON post_fund TO {name}_app;",
        *protect(name, "post", app=f"{ADD}, UPDATE (version)", own=PUT_FORWARD),  # to lock it
        *protect(name, "nomination", app=f"{ADD}, UPDATE (state, version)", own=own),
        begin(name, "nomination", "state = 'open'"),
        *protect(name, "appointment", app=f"{ADD}, UPDATE (ended_on, version)", own=own),
    )


def downgrade() -> None:
    for table in ["appointment", "nomination", "post", "post_fund"]:
        run(f"DROP TABLE {table}")
    run("DROP TYPE uuidrange")
