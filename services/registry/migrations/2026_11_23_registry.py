"""Divisions, villages and their classes, households and persons.

Revision ID: registry_1
"""

from libs.common.db.migration import run, service
from libs.common.db.security import IN_AREA, enclose, policy

revision = "registry_1"
down_revision = None
branch_labels = ("registry",)
depends_on = ("common_1",)

TABLES = """
CREATE TABLE division (
    code text COLLATE "C" NOT NULL,
    parent text COLLATE "C",
    level text NOT NULL,
    name text NOT NULL,
    since date NOT NULL,
    until date,
    successor text COLLATE "C",
    synthetic boolean NOT NULL DEFAULT false,
    CONSTRAINT pk_division PRIMARY KEY (code),
    CONSTRAINT ck_division_level
        CHECK (level IN ('province', 'prefecture', 'county', 'town', 'village')),
    CONSTRAINT ck_division_period CHECK (until > since),
    CONSTRAINT ck_division_successor CHECK (successor IS NULL OR until IS NOT NULL)
);
CREATE INDEX ix_division_parent ON division (parent, code);
CREATE INDEX ix_division_level ON division (level, code);

CREATE TABLE village (
    division text COLLATE "C" NOT NULL,
    id uuid NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_village PRIMARY KEY (division),
    CONSTRAINT uq_village_id UNIQUE (id)
);

CREATE TABLE village_class (
    division text COLLATE "C" NOT NULL,
    since date NOT NULL,
    class text NOT NULL,
    source text NOT NULL,
    CONSTRAINT pk_village_class PRIMARY KEY (division, since),
    CONSTRAINT ck_village_class_class
        CHECK (class IN ('registered_deep', 'registered', 'deep', 'other'))
);
CREATE INDEX ix_village_class_class ON village_class (class, division);

CREATE TABLE household (
    id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    number text NOT NULL,
    registered boolean,
    registered_on date,
    status text,
    subsistence text,
    members integer NOT NULL,
    workers integer,
    able integer,
    as_of date NOT NULL,
    synthetic boolean NOT NULL DEFAULT false,
    version integer NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT pk_household PRIMARY KEY (id),
    CONSTRAINT uq_household_number UNIQUE (number),
    CONSTRAINT ck_household_status
        CHECK (status IN ('poor', 'lifting', 'lifted', 'relapsed', 'unregistered')),
    CONSTRAINT ck_household_subsistence CHECK (subsistence IN ('none', 'whole', 'partial'))
);
CREATE INDEX ix_household_division ON household (division, id);
CREATE INDEX ix_household_status ON household (status, division, id);

CREATE TABLE person (
    id uuid NOT NULL,
    household_id uuid NOT NULL,
    division text COLLATE "C" NOT NULL,
    number text NOT NULL,
    name text NOT NULL,
    sex text NOT NULL,
    birth_on date,
    identity_sealed bytea NOT NULL,
    identity_index bytea NOT NULL,
    identity_note text,
    phone_sealed bytea,
    phone_index bytea,
    relation text NOT NULL,
    able text,
    working boolean,
    subsistence boolean,
    cadre boolean,
    cadre_family boolean,
    as_of date NOT NULL,
    version integer NOT NULL,
    CONSTRAINT pk_person PRIMARY KEY (id),
    CONSTRAINT uq_person_number UNIQUE (number),
    CONSTRAINT uq_person_identity_index UNIQUE (identity_index),
    CONSTRAINT ck_person_phone CHECK ((phone_sealed IS NULL) = (phone_index IS NULL)),
    CONSTRAINT ck_person_sex CHECK (sex IN ('unknown', 'male', 'female', 'unstated')),
    CONSTRAINT ck_person_relation CHECK (relation IN ('head', 'spouse', 'child', 'child_in_law',
        'grandchild', 'parent', 'parent_in_law', 'grandparent', 'sibling', 'other')),
    CONSTRAINT ck_person_able CHECK (able IN ('ordinary', 'skilled', 'weak', 'lost', 'none')),
    CONSTRAINT ex_person_head EXCLUDE USING btree (household_id WITH =) WHERE (relation = 'head')
        DEFERRABLE INITIALLY DEFERRED
);
CREATE INDEX ix_person_household_id ON person (household_id, id);
CREATE INDEX ix_person_division ON person (division, id);
"""

# A person's token shows that person and the household's own row, not the other members.
ITSELF = "id = scope_person() OR (scope_person() IS NULL AND household_id = scope_household())"
ITS_HOUSEHOLD = (
    "(scope_person() IS NULL AND id = scope_household())"
    " OR id = (SELECT p.household_id FROM person p WHERE p.id = scope_person())"
)


def protected(service: str) -> list[str]:
    """People are written by imports: the worker role, in the area of the importing officer."""
    everybody = ", ".join(f"{service}_{role}" for role in ("app", "self", "public", "worker"))
    statements = [
        f"GRANT SELECT ON division TO {everybody};"
        f"GRANT INSERT, UPDATE ON division TO {service}_worker;"
    ]
    for table in ("village", "village_class", "household", "person"):
        statements += [
            enclose(table),
            policy(service, table, "app", IN_AREA, grant="SELECT"),
            policy(service, table, "worker", IN_AREA, grant="SELECT, INSERT, UPDATE"),
        ]
    return [
        *statements,
        policy(service, "person", "self", ITSELF, grant="SELECT"),
        policy(service, "household", "self", ITS_HOUSEHOLD, grant="SELECT"),
    ]


def upgrade() -> None:
    run(TABLES, *protected(service()))


def downgrade() -> None:
    for table in ("person", "household", "village_class", "village", "division"):
        run(f"DROP TABLE {table}")
