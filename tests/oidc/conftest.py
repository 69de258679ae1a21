"""One Keycloak for the run; its tests are in one file, so that one worker starts it."""

import os
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from libs.common.people.keys import KeyRing
from tests.databases import UrlOf
from tests.house import House, house_at
from tests.oidc.door import COUNTY, NEXT_COUNTY, NEXT_PREFECTURE, VILLAGE, Door
from tests.oidc.realm import Realm, User, opened_realm
from tests.oidc.server import Keycloak, NoKeycloak, keycloak_at
from tests.registry.builders import Household, a_household, a_village


@pytest.fixture(scope="session")
def keycloak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keycloak]:
    """`WEIYUAN_TEST_REQUIRE=keycloak` takes no excuse; one that is there and fails is a failure."""
    home = tmp_path_factory.mktemp("keycloak")
    try:
        with keycloak_at(home) as keycloak:
            yield keycloak
    except NoKeycloak as reason:
        if "keycloak" in os.environ.get("WEIYUAN_TEST_REQUIRE", ""):
            raise
        pytest.skip(f"no Keycloak: {reason}")


@pytest_asyncio.fixture(scope="session")
async def realm(keycloak: Keycloak) -> AsyncIterator[Realm]:
    """渭源: the realm of the file that deployments import."""
    async with opened_realm(keycloak, "weiyuan") as realm:
        yield realm


@pytest_asyncio.fixture(scope="session")
async def other_realm(keycloak: Keycloak, realm: Realm) -> AsyncIterator[Realm]:
    """Another realm of the same server, as like the first as one file makes it."""
    await realm.copy_as("elsewhere")
    async with opened_realm(keycloak, "elsewhere") as other:
        yield other


@pytest_asyncio.fixture(scope="module")
async def house(
    realm: Realm, url_of: UrlOf, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """No embedded system: it knows no issuer but the realm, by the settings of a deployment."""
    home = tmp_path_factory.mktemp("house")
    KeyRing.create(home / "keys", embedded=False)
    keys = {"embedded": False, "keys": home / "keys"}
    issuer = {"issuer": realm.issuer, "jwks_url": realm.jwks_url}
    async with house_at(home, url_of, **keys, **issuer) as house:
        for code in (VILLAGE, NEXT_COUNTY, NEXT_PREFECTURE):
            await a_village(house.process.databases["registry"], code)
        yield house


@pytest_asyncio.fixture
async def door(house: House, realm: Realm) -> AsyncIterator[Door]:
    before = house.app.state.process
    door = Door(house)
    door.trust(realm, realm.issuer)
    yield door
    house.app.state.process = before


@pytest_asyncio.fixture(scope="module")
async def official(realm: Realm) -> User:
    return await realm.add_user(role="county_officer", division=COUNTY, department="扶贫办")


@pytest_asyncio.fixture(scope="module")
async def family(house: House) -> Household:
    return await a_household(house.process.databases["registry"], house.process.sealer)


@pytest_asyncio.fixture(scope="module")
async def neighbours(house: House) -> Household:
    return await a_household(house.process.databases["registry"], house.process.sealer)
