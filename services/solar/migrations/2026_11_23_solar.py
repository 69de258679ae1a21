"""Solar stations and their settled months.

Revision ID: solar_1
"""

from libs.common.db.migration import run, service
from libs.common.db.security import begin, protect

revision = "solar_1"
down_revision = None
branch_labels = ("solar",)
depends_on = "common_1"

TABLES = """
CREATE TABLE station (
    id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    name text NOT NULL,
    kw numeric(9, 3) NOT NULL,
    connected_on date NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_station PRIMARY KEY (id),
    CONSTRAINT ck_station_kw CHECK (kw > 0)
);
CREATE INDEX ix_station_page ON station (division, id);

CREATE TABLE settlement (
    id uuid NOT NULL,
    station_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    period text NOT NULL,
    kwh numeric(14, 3) NOT NULL,
    grid_fen bigint NOT NULL,
    subsidy_fen bigint NOT NULL,
    state text NOT NULL,
    entered_by text NOT NULL,
    entered_at timestamptz NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    version integer NOT NULL,
    CONSTRAINT pk_settlement PRIMARY KEY (id),
    CONSTRAINT ck_settlement_period CHECK (period ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    CONSTRAINT ck_settlement_amounts CHECK (kwh >= 0 AND grid_fen >= 0 AND subsidy_fen >= 0),
    CONSTRAINT ck_settlement_state CHECK (state IN ('entered', 'confirmed')),
    CONSTRAINT ck_settlement_confirmed CHECK ((state = 'confirmed') = (confirmed_by IS NOT NULL)),
    CONSTRAINT ck_settlement_checker CHECK (confirmed_by <> entered_by)
);
CREATE UNIQUE INDEX uq_settlement_station_id_period ON settlement (station_id, period);
CREATE INDEX ix_settlement_page ON settlement (division, id);
"""


CONFIRMED = "state, confirmed_by, confirmed_at, version"
"""What confirming changes: never the figures, nor who entered them."""


def upgrade() -> None:
    name = service()
    run(
        TABLES,
        *protect(name, "station", app="SELECT, INSERT"),
        *protect(name, "settlement", app=f"SELECT, INSERT, UPDATE ({CONFIRMED})"),
        begin(name, "settlement", "state = 'entered'"),
    )


def downgrade() -> None:
    run("DROP TABLE settlement", "DROP TABLE station")
