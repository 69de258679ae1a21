"""Keycloak as the issuer: who gets a token, what it opens here, and when it ends.

All tests that ask Keycloak are in this file, so that one worker of a run starts one server.
"""

import base64
import json
import time
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
import time_machine

from libs.common.http.roles import Role
from tests.house import Caller, House
from tests.oidc.door import (
    COUNTY,
    NEXT_COUNTY,
    NEXT_PREFECTURE,
    VILLAGE,
    Door,
    claims,
    provincial_token,
    village,
)
from tests.oidc.login import CONSOLE, Login
from tests.oidc.realm import PROVINCIAL, Realm, User, browser, realm_file
from tests.oidc.server import PROVINCIAL_DIVISION
from tests.registry.builders import Household

LEEWAY = 10
REFRESH = {"grant_type": "refresh_token", "client_id": CONSOLE}

# Who gets in, and to what.


async def test_an_official_logs_in_and_reads_their_area_only(
    house: House, realm: Realm, official: User
) -> None:
    token = (await Login(realm).tokens(official))["access_token"]
    assert claims(token)["sub"] == official.id
    assert claims(token)["department"] == "扶贫办"
    caller = Caller(house.http, token)
    assert (await caller.get(village(VILLAGE)))["division"] == VILLAGE
    await caller.get(village(NEXT_COUNTY), 404)
    refused = await caller.get(f"/registry/v1/persons/{official.id}/data-usage", 403)
    assert refused["code"] == "forbidden_role"


async def test_a_household_logs_in_and_reads_itself_only(
    house: House, realm: Realm, family: Household, neighbours: Household
) -> None:
    user = await realm.add_user(role="household", household=str(family.id))
    caller = Caller(house.http, (await Login(realm).tokens(user))["access_token"])
    assert (await caller.get(f"/registry/v1/households/{family.id}"))["id"] == str(family.id)
    await caller.get(f"/registry/v1/households/{neighbours.id}", 404)
    await caller.get(village(VILLAGE), 403)


async def test_a_client_system_reads_its_area_only(house: House, realm: Realm) -> None:
    token = await provincial_token(realm)
    assert (claims(token)["role"], claims(token)["division"]) == ("system", PROVINCIAL_DIVISION)
    caller = Caller(house.http, token)
    await caller.get(village(VILLAGE))
    await caller.get(village(NEXT_COUNTY))
    await caller.get(village(NEXT_PREFECTURE), 404)
    await caller.get("/registry/v1/households", 403)


async def test_another_client_system_has_another_area(house: House, realm: Realm) -> None:
    secret = await realm.add_system("weiyuan-county", COUNTY)
    token = (await realm.system_token("weiyuan-county", secret))["access_token"]
    caller = Caller(house.http, token)
    await caller.get(village(VILLAGE))
    await caller.get(village(NEXT_COUNTY), 404)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
async def test_every_kind_of_key_that_we_accept_is_one_that_keycloak_makes(
    door: Door, realm: Realm, algorithm: str
) -> None:
    name = f"weiyuan-{algorithm.lower()}"
    secret = await realm.add_system(name, COUNTY)
    await realm.change_client(name, attributes={"access.token.signed.response.alg": algorithm})
    token = (await realm.system_token(name, secret))["access_token"]
    assert jwt.get_unverified_header(token)["alg"] == algorithm
    await door.bearer(token).get(village(VILLAGE))


async def test_somebody_without_a_role_gets_nowhere(door: Door, realm: Realm) -> None:
    token = (await Login(realm).tokens(await realm.add_user()))["access_token"]
    assert await door.refuses(token) == "token_invalid"


# Who does not get a token.


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        pytest.param({"code_challenge": "", "code_challenge_method": ""}, "invalid_request"),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request"),
        pytest.param({"response_type": "token"}, "unauthorized_client"),
        pytest.param({"scope": "openid offline_access"}, "invalid_scope"),
    ],
    ids=["no PKCE", "plain PKCE", "implicit flow", "offline access"],
)
async def test_the_console_logs_in_by_code_and_pkce_only(
    realm: Realm, changed: dict[str, str], error: str
) -> None:
    asked = Login(realm).asked(**changed)
    answer = await realm.http.get(f"{realm.oidc}/auth", params=asked)
    told = urlsplit(answer.headers["location"])
    assert parse_qs(told.query or told.fragment)["error"] == [error]


async def test_a_login_leads_nowhere_else(realm: Realm) -> None:
    asked = Login(realm, redirect="http://127.0.0.1:9/signed-in").asked()
    assert (await realm.http.get(f"{realm.oidc}/auth", params=asked)).status_code == 400


async def test_a_stolen_code_is_worth_nothing(realm: Realm, official: User) -> None:
    login = Login(realm)
    code = await login.code(official)
    answer = await login.exchanged(code, 400, code_verifier=Login(realm).verifier)
    assert answer["error"] == "invalid_grant"


async def test_no_client_takes_a_password_for_the_user(realm: Realm, official: User) -> None:
    known = {"username": official.name, "password": official.password}
    answer = await realm.token({"grant_type": "password", "client_id": CONSOLE} | known, 400)
    assert answer["error"] == "unauthorized_client"


async def test_a_client_system_needs_its_secret(realm: Realm) -> None:
    answer = await realm.system_token(PROVINCIAL, "guessed", 401)
    assert answer["error"] == "unauthorized_client"


async def test_nobody_registers_a_client_of_their_own(realm: Realm) -> None:
    url = f"{realm.issuer}/clients-registrations/default"
    answer = await realm.http.post(url, json={"clientId": "mine", "publicClient": True})
    assert answer.status_code == 403


async def test_a_password_that_is_guessed_at_is_closed_for_a_while(realm: Realm) -> None:
    user = await realm.add_user(role="county_officer", division=COUNTY)
    for _ in range(realm_file()["failureFactor"]):
        async with browser() as window:
            await Login(realm).submitted(window, replace(user, password="guessed-wrong"))
    async with browser() as window:
        assert (await Login(realm).submitted(window, user)).status_code != 302


# Nobody says of themselves who they are.


async def account_of(realm: Realm, user: User) -> dict[str, str]:
    """Headers for Keycloak's account pages, where people change what is theirs."""
    login = Login(realm, client="account-console", redirect=f"{realm.issuer}/account/")
    token = (await login.tokens(user))["access_token"]
    return {"authorization": f"Bearer {token}", "accept": "application/json"}


@pytest.mark.parametrize(
    "changed",
    [
        pytest.param({"role": ["auditor"]}, id="role"),
        pytest.param({"division": ["62"]}, id="division"),
        pytest.param({"department": ["x"]}, id="department"),
        pytest.param({"household": ["018f0000-0000-7000-8000-000000000001"]}, id="household"),
        pytest.param({"person": ["018f0000-0000-7000-8000-000000000001"]}, id="person"),
        pytest.param({"enterprise": ["018f0000-0000-7000-8000-000000000001"]}, id="enterprise"),
        pytest.param({"division": []}, id="division taken away"),
    ],
)
async def test_a_user_cannot_change_their_own_claims(
    realm: Realm, official: User, changed: dict[str, list[str]]
) -> None:
    headers, url = await account_of(realm, official), f"{realm.issuer}/account"
    profile = (await realm.http.get(url, headers=headers)).json()
    body = profile | {"attributes": profile["attributes"] | changed}
    answer = await realm.http.post(url, headers=headers, json=body)
    assert answer.status_code == 400
    assert answer.json()["errorMessage"] == "error-user-attribute-read-only"
    kept = await realm.admin("GET", f"/users/{official.id}")
    assert kept["attributes"] == profile["attributes"]


async def test_a_user_cannot_add_attributes_that_the_realm_does_not_know(
    realm: Realm, official: User
) -> None:
    headers, url = await account_of(realm, official), f"{realm.issuer}/account"
    profile = (await realm.http.get(url, headers=headers)).json()
    body = profile | {"attributes": profile["attributes"] | {"roles": ["auditor"]}}
    await realm.http.post(url, headers=headers, json=body)
    kept = await realm.admin("GET", f"/users/{official.id}")
    assert kept["attributes"] == profile["attributes"]


@pytest.mark.parametrize(
    "attributes",
    [
        pytest.param({"role": "system", "division": "62"}, id="a person as a system"),
        pytest.param({"role": "king", "division": "62"}, id="no role of ours"),
        pytest.param({"role": ["auditor", "operator"], "division": "62"}, id="two roles"),
        pytest.param({"role": "auditor", "division": "62112"}, id="no division"),
        pytest.param({"role": "household", "household": "1"}, id="no id"),
    ],
)
async def test_an_operator_is_told_of_attributes_that_would_not_do(
    realm: Realm, attributes: dict[str, Any]
) -> None:
    await realm.add_user(status=400, **attributes)


# What is not for us, or not genuine.


async def test_a_token_for_keycloaks_own_pages_opens_nothing(
    door: Door, realm: Realm, official: User
) -> None:
    token = (await account_of(realm, official))["authorization"].removeprefix("Bearer ")
    assert await door.refuses(token) == "token_invalid"


async def test_a_token_for_another_audience_opens_nothing(door: Door, realm: Realm) -> None:
    secret = await realm.add_system("somebody-else", COUNTY, without="audience")
    token = (await realm.system_token("somebody-else", secret))["access_token"]
    assert (claims(token)["role"], "aud" in claims(token)) == ("system", False)
    assert await door.refuses(token) == "token_invalid"


async def test_a_token_of_another_realm_opens_nothing(
    door: Door, realm: Realm, other_realm: Realm
) -> None:
    token = await provincial_token(other_realm)
    assert claims(token)["aud"] == door.house.process.settings.audience
    assert await door.refuses(token) == "token_invalid"
    door.trust(other_realm, realm.issuer)
    assert await door.refuses(token) == "token_invalid"
    door.trust(other_realm, other_realm.issuer)
    await door.bearer(token).get(village(VILLAGE))


async def test_a_token_of_an_embedded_system_opens_nothing(door: Door) -> None:
    token = door.house.issuer.issue(Role.COUNTY_OFFICER, division=COUNTY)
    assert await door.refuses(token) == "token_invalid"


async def test_an_unsigned_token_opens_nothing(door: Door, realm: Realm) -> None:
    token = await provincial_token(realm)
    await door.bearer(token).get(village(VILLAGE))
    header = json.dumps(jwt.get_unverified_header(token) | {"alg": "none"}).encode()
    unsigned = base64.urlsafe_b64encode(header).rstrip(b"=").decode()
    assert await door.refuses(f"{unsigned}.{token.split('.')[1]}.") == "token_invalid"


# When it ends.


async def test_a_token_ends_after_the_lifetime_of_the_realm_file(door: Door, realm: Realm) -> None:
    token = await provincial_token(realm)
    ends = claims(token)["exp"]
    assert ends - claims(token)["iat"] == realm_file()["accessTokenLifespan"]
    with time_machine.travel(ends + LEEWAY - 2):
        await door.bearer(token).get(village(VILLAGE))
    with time_machine.travel(ends + LEEWAY + 2):
        assert await door.refuses(token) == "token_expired"


async def test_a_revoked_client_system_gets_no_token_and_its_last_one_ends_soon(
    door: Door, realm: Realm
) -> None:
    secret = await realm.add_system("revoked", COUNTY)
    token = (await realm.system_token("revoked", secret))["access_token"]
    await realm.change_client("revoked", enabled=False)
    assert (await realm.system_token("revoked", secret, 401))["error"] == "invalid_client"
    await door.bearer(token).get(village(VILLAGE))
    with time_machine.travel(time.time() + realm_file()["accessTokenLifespan"] + LEEWAY + 2):
        assert await door.refuses(token) == "token_expired"


async def test_a_new_secret_ends_the_old_one(realm: Realm) -> None:
    old = await realm.add_system("leaky", COUNTY)
    new = await realm.new_secret("leaky")
    await realm.system_token("leaky", old, 401)
    await realm.system_token("leaky", new)


async def test_a_disabled_user_gets_no_token_by_password_nor_by_session(realm: Realm) -> None:
    user = await realm.add_user(role="county_officer", division=COUNTY)
    login = Login(realm)
    tokens = await login.tokens(user)
    again = await realm.token(REFRESH | {"refresh_token": tokens["refresh_token"]})
    await realm.change_user(user, enabled=False)
    refused = await realm.token(REFRESH | {"refresh_token": again["refresh_token"]}, 400)
    assert refused["error"] == "invalid_grant"
    async with browser() as window:
        assert (await login.submitted(window, user)).status_code != 302


async def test_a_changed_role_is_in_the_next_token(realm: Realm) -> None:
    user = await realm.add_user(role="county_officer", division=COUNTY)
    tokens = await Login(realm).tokens(user)
    await realm.change_user(user, attributes={"role": ["auditor"], "division": ["6211"]})
    again = await realm.token(REFRESH | {"refresh_token": tokens["refresh_token"]})
    assert claims(again["access_token"])["role"] == "auditor"


async def test_keys_are_rotated_without_a_restart(door: Door, realm: Realm) -> None:
    before = await provincial_token(realm)
    await door.bearer(before).get(village(VILLAGE))
    old = await realm.signing_keys()
    await realm.add_signing_key(200 + len(old))
    after = await provincial_token(realm)
    assert jwt.get_unverified_header(after)["kid"] not in old
    door.now += 11
    await door.bearer(after).get(village(VILLAGE))
    await door.bearer(before).get(village(VILLAGE))

    await realm.disable_key(old[jwt.get_unverified_header(before)["kid"]])
    await door.bearer(before).get(village(VILLAGE))
    door.now += 301
    await door.bearer(after).get(village(VILLAGE))
    assert await door.refuses(before) == "token_invalid"
