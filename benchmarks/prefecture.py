"""A registry of the prefecture's size: 91,325 households, 365,300 persons, all synthetic."""

from pathlib import Path

import asyncpg

from libs.common.db.embedded import EmbeddedPostgres
from libs.common.db.migrate import upgrade
from libs.common.db.provision import provision
from services.registry.main import service

COUNTIES = ("621102", "621121", "621122", "621123", "621124", "621125", "621126")

_FILL = (
    f"""INSERT INTO household (id, division, number, registered, registered_on, status, subsistence,
                           members, workers, able, as_of, synthetic, version, updated_at)
       SELECT uuidv7(),
              ('{{{",".join(COUNTIES)}}}'::text[])[1 + v % 7] || 100 + v / 7 % 17 || 200 + v / 119,
              'H' || n, true, '2014-05-01', 'poor', 'none', 4, 1, 2, '2018-12-01', true, 1, now()
       FROM generate_series(1, 91325) n, LATERAL (SELECT n % 1829 v) village""",
    """INSERT INTO person (id, household_id, division, number, name, sex, birth_on, identity_sealed,
                           identity_index, phone_sealed, phone_index, relation, able, working,
                           subsistence, cadre, cadre_family, as_of, version)
       SELECT uuidv7(), id, division, number || '-' || m,
              (ARRAY['张小明', '王红', '李建国', '赵小小'])[1 + m],
              CASE m % 2 WHEN 0 THEN 'male' ELSE 'female' END,
              date '1950-01-01' + m * 6000 + length(number),
              sha256(id::text::bytea), sha256((number || m)::bytea), sha256('p'), sha256('p'),
              (ARRAY['head', 'spouse', 'child', 'child'])[1 + m],
              'ordinary', m = 0, false, false, false, '2018-12-01', 1
       FROM household, generate_series(0, 3) m ORDER BY id""",
)


async def a_prefecture(home: Path) -> EmbeddedPostgres:
    """Its own server, the real schema, filled as an import fills it: by the worker, in its area."""
    server = EmbeddedPostgres.start(home)
    await provision("registry", server.admin_url)
    template = server.url_template("registry")
    await upgrade("registry", template, service.migrations)
    worker = await asyncpg.connect(template.format(role="worker"))
    await worker.execute("SET app.scope = '6211'")
    for statement in _FILL:
        await worker.execute(statement)
    await worker.close()
    owner = await asyncpg.connect(template.format(role="owner"))
    await owner.execute("VACUUM ANALYZE")
    await owner.close()
    return server
