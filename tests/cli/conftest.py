"""A deployment whose bus is down, and somebody who issues tokens for it."""

from collections.abc import Iterator

import pytest
import pytest_asyncio

from libs.common.http.roles import Role
from libs.common.people.keys import KeyRing
from tests.cli.served import ISSUER, Login, Served, serving
from tests.databases import UrlOf
from tests.registry.builders import VILLAGE

COUNTY = VILLAGE[:6]
NOBODY = "kafka://127.0.0.1:1"
SERVICES = ("registry", "employment", "solar", "matching")

Env = dict[str, str]


@pytest.fixture(scope="module")
def login() -> Iterator[Login]:
    with Login.opened() as login:
        yield login


@pytest.fixture(scope="module")
def officer(login: Login) -> str:
    return login.token(Role.COUNTY_OFFICER, COUNTY)


@pytest_asyncio.fixture(scope="module")
async def env(url_of: UrlOf, login: Login, tmp_path_factory: pytest.TempPathFactory) -> Env:
    """All that is set; the databases are the module's own."""
    keys = tmp_path_factory.mktemp("deployment") / "keys"
    KeyRing.create(keys, embedded=False)
    urls = {f"WEIYUAN_{name.upper()}_DATABASE_URL": await url_of(name) for name in SERVICES}
    return urls | {
        "WEIYUAN_BUS_URL": NOBODY,
        "WEIYUAN_KEYS": str(keys),
        "WEIYUAN_ISSUER": ISSUER,
        "WEIYUAN_JWKS_URL": login.jwks_url,
        "WEIYUAN_REGISTRY_URL": "http://127.0.0.1:1",
    }


@pytest.fixture(scope="module")
def registry(env: Env) -> Iterator[Served]:
    with serving("registry", "api", env) as served:
        yield served
