"""The realm file, held to what the code reads; without a Keycloak."""

import json
import re
from typing import Any

import pytest

from libs.common.http.caller import Claims
from libs.common.http.roles import Role
from libs.common.settings import Settings
from tests.oidc.realm import realm_file
from tests.oidc.server import REALM_FILE

RUNBOOK = REALM_FILE.parents[3] / "docs" / "runbooks" / "oidc.md"
CLAIMS = set(Claims.model_fields) - {"sub"}
NEVER_IN_A_FILE = {"secret", "credentials", "users", "privateKey", "password", "smtpServer"}


def _clients() -> dict[str, dict[str, Any]]:
    return {each["clientId"]: each for each in realm_file()["clients"]}


def _mappers(client: str) -> dict[str, dict[str, str]]:
    return {each["name"]: each["config"] for each in _clients()[client]["protocolMappers"]}


def _attributes() -> dict[str, dict[str, Any]]:
    (component,) = realm_file()["components"]["org.keycloak.userprofile.UserProfileProvider"]
    profile = json.loads(component["config"]["kc.user.profile.config"][0])
    assert profile.keys() == {"attributes", "groups"}, "a policy would admit unmanaged attributes"
    return {each["name"]: each for each in profile["attributes"]}


def _names(value: Any) -> set[str]:
    match value:
        case dict():
            return set(value).union(*map(_names, value.values()))
        case list():
            return set().union(*map(_names, value))
    return set()


def test_the_claims_are_those_that_the_code_reads() -> None:
    assert _mappers("weiyuan-console").keys() == CLAIMS | {"audience"}
    for name in CLAIMS:
        mapper = _mappers("weiyuan-console")[name]
        assert (mapper["user.attribute"], mapper["claim.name"]) == (name, name)
    assert _mappers("weiyuan-provincial").keys() == {"role", "division", "audience"}
    assert _mappers("weiyuan-provincial")["role"]["claim.value"] == Role.SYSTEM


@pytest.mark.parametrize("client", ["weiyuan-console", "weiyuan-provincial"])
def test_tokens_are_for_the_audience_that_services_ask_for(client: str) -> None:
    named = _mappers(client)["audience"]["included.custom.audience"]
    assert named == Settings.model_fields["audience"].default


def test_administrators_alone_edit_what_a_user_is() -> None:
    attributes = _attributes()
    assert attributes.keys() >= CLAIMS
    assert {tuple(each["permissions"]["edit"]) for each in attributes.values()} == {("admin",)}
    assert not any(each["multivalued"] for each in attributes.values())


def test_a_person_may_have_every_role_but_those_that_nobody_logs_in_with() -> None:
    offered = _attributes()["role"]["validations"]["options"]["options"]
    assert set(offered) == set(Role) - {Role.SYSTEM, Role.PUBLIC}


def test_divisions_are_checked_as_the_code_checks_them() -> None:
    pattern = _attributes()["division"]["validations"]["pattern"]["pattern"]
    schema = Claims.model_json_schema()["properties"]["division"]["anyOf"][0]
    assert pattern == schema["pattern"]


def test_the_file_holds_nobody_and_no_secret() -> None:
    assert _names(json.loads(REALM_FILE.read_text("utf-8"))) & NEVER_IN_A_FILE == set()


def test_a_token_lives_as_long_as_the_runbook_says() -> None:
    minutes, rest = divmod(realm_file()["accessTokenLifespan"], 60)
    said = re.search(r"access token lives (\w+) minutes", RUNBOOK.read_text("utf-8"))
    assert said
    assert ({"five": 5}[said[1]], 0) == (minutes, rest)
