"""Migrations run once, in order, and the run-time roles can read how far they came."""

import asyncpg
import pytest

from libs.common.db import migrate
from libs.common.db.provision import BUS
from tests.databases import UrlOf, migrations_of


@pytest.mark.parametrize("service", ["ground", "registry"])
async def test_the_database_is_at_the_heads_and_every_role_can_read_it(
    url_of: UrlOf, service: str
) -> None:
    url = await url_of(service)
    for role in ("app", "self", "public", "worker"):
        connection = await asyncpg.connect(url.replace("{role}", role))
        found = frozenset(row["version_num"] for row in await connection.fetch(migrate.REVISIONS))
        await connection.close()
        assert found == migrate.heads(service, migrations_of(service))


async def test_upgrading_again_changes_nothing(url_of: UrlOf) -> None:
    await migrate.upgrade("ground", await url_of("ground"))
    await migrate.upgrade(BUS, await url_of(BUS))
