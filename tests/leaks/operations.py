"""Every operation of every service, as its API document tells it, and how it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID, uuid4

import httpx

from libs.common.http.openapi import action_of, openapi_of
from libs.common.http.roles import ACTIONS, Role
from tests.architecture.services import WITH_SERVICE, service
from tests.house import House
from tests.leaks.seed import Seeded
from tests.registry.builders import Household

OPEN = frozenset(Role)
ALONE: Mapping[Role, Mapping[str, Any]] = {
    Role.DONOR: {},
    Role.ENTERPRISE: {"enterprise": UUID(int=7)},
}
"""Roles without an area: to them everything is the same."""
_DIGITS = {Role.VILLAGE_OFFICER: 12, Role.TOWN_OFFICER: 9, Role.COUNTY_OFFICER: 6}


@dataclass(frozen=True)
class Operation:
    name: str
    """`get /registry/v1/households/{household}`."""
    action: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    """The schema of its JSON body."""
    schemas: Mapping[str, Any]

    @property
    def method(self) -> str:
        return self.name.split()[0]

    @property
    def path(self) -> str:
        return self.name.split()[1]

    @property
    def roles(self) -> list[Role]:
        return sorted(ACTIONS[self.action] - {Role.PUBLIC})

    @property
    def is_public(self) -> bool:
        return Role.PUBLIC in ACTIONS[self.action]

    def named(self, where: str) -> list[str]:
        return [each["name"] for each in self.parameters if each["in"] == where]


@dataclass(frozen=True)
class Ask:
    """A request that its operation answers when the right person asks."""

    whose: Household
    path: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    file: bytes | None = None
    version: int | None = None
    open_to: frozenset[Role] = frozenset()
    """The roles whose area makes no difference here."""


@cache
def operations() -> Mapping[str, Operation]:
    found = {}
    for name in WITH_SERVICE:
        document = openapi_of(service(name))
        schemas = document["components"]["schemas"]
        for path, methods in document["paths"].items():
            for method, told in methods.items():
                operation = _operation(f"{method} {path}", told, schemas)
                found[operation.name] = operation
    return found


def _operation(name: str, told: dict[str, Any], schemas: Mapping[str, Any]) -> Operation:
    [action] = action_of(told) or [""]
    content = told.get("requestBody", {}).get("content", {})
    body = content.get("application/json", {}).get("schema")
    return Operation(name, action, tuple(told.get("parameters", ())), body, schemas)


async def send(
    http: httpx.AsyncClient, operation: Operation, ask: Ask, token: str | None, **changed: Any
) -> httpx.Response:
    headers: dict[str, Any] = {"accept-language": "en"}
    if token is not None:
        headers["authorization"] = f"Bearer {token}".encode("latin-1")
    if "idempotency-key" in operation.named("header"):
        headers["idempotency-key"] = uuid4().hex
    if ask.version is not None:
        headers["if-match"] = f'"{ask.version}"'
    path = operation.path
    for name, value in ask.path.items():
        path = path.replace(f"{{{name}}}", str(value))
    given: dict[str, Any] = {"params": ask.query, "headers": headers}
    if ask.body is not None:
        given["json"] = ask.body
    if ask.file is not None:
        given["content"] = ask.file
    return await http.request(operation.method, path, **given | changed)


def token_at(house: House, role: Role, division: str) -> str:
    return house.issuer.issue(role, division=division, subject=f"walker-{role}")


def token_of(house: House, role: Role, household: Household, *, member: int = 0) -> str:
    own: dict[str, Any] = {"household": household.id}
    if role is Role.PERSON:
        own["person"] = household.members[member].id
    return house.issuer.issue(role, subject=f"walker-{role}-{household.id}", **own)


def right_token(seeded: Seeded, role: Role, whose: Household) -> str:
    """Of somebody in that role who is meant to be answered."""
    if role in ALONE:
        return seeded.house.issuer.issue(role, **ALONE[role])
    if role in (Role.HOUSEHOLD, Role.PERSON):
        return token_of(seeded.house, role, whose)
    return token_at(seeded.house, role, whose.division[: _DIGITS.get(role, 4)])


def wrong_tokens(seeded: Seeded, role: Role, whose: Household) -> dict[str, str]:
    """Of somebody in that role whose area it is not, by what is wrong."""
    house, places = seeded.house, seeded.places
    if role in ALONE:
        return {}
    if role in (Role.HOUSEHOLD, Role.PERSON):
        others = [each for each in seeded.households if each.id != whose.id]
        return {f"{role} of {each.members[0].name}": token_of(house, role, each) for each in others}
    far = [places.far_village[: _DIGITS.get(role, 6)], "6201"]
    if role is Role.VILLAGE_OFFICER:
        far += [places.next_village]
    if role is Role.TOWN_OFFICER:
        far += [f"{places.county}999"]
    fits = [code for code in far if len(code) >= _DIGITS.get(role, 4)]
    return {f"{role} of {code}": token_at(house, role, code) for code in fits}
