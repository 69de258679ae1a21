"""The migrations make the tables that the models describe, no more and no less."""

import re
from importlib import import_module

import pytest
from alembic import command
from sqlalchemy import MetaData

from libs.common.db.base import COMMON
from libs.common.db.migrate import configuration, with_connection
from tests.architecture.services import ROOT, WITH_SERVICE, service, sources
from tests.databases import GROUND, UrlOf, migrations_of


@pytest.fixture(scope="module", autouse=True)
def every_common_table() -> None:
    """A table is known once its module is imported."""
    for path in sources("libs"):
        if re.search(r"\bCOMMON\b", path.read_text("utf-8")) and "migrations" not in path.parts:
            import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


async def _check(url: str, name: str, models: list[MetaData]) -> None:
    config = configuration(name, migrations_of(name))
    config.attributes["models"] = models
    await with_connection(config, url, lambda: command.check(config))


async def test_the_common_tables_are_as_migrated(url_of: UrlOf) -> None:
    await _check(await url_of(GROUND), GROUND, [COMMON])


@pytest.mark.parametrize("name", WITH_SERVICE)
async def test_the_tables_of_a_service_are_as_migrated(name: str, url_of: UrlOf) -> None:
    await _check(await url_of(name), name, [COMMON, service(name).models])


@pytest.mark.parametrize("name", WITH_SERVICE)
def test_a_service_is_named_as_its_folder_and_brings_its_own_migrations(name: str) -> None:
    found = service(name)
    folder = migrations_of(name)
    assert folder
    assert found.name == name
    assert found.migrations.resolve().is_relative_to(folder)
