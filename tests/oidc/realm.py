"""A realm as its administrator and its token endpoint have it."""

import json
import re
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.oidc.server import ADMIN, REALM_FILE, Keycloak

PROVINCIAL = "weiyuan-provincial"
_PLACEHOLDER = re.compile(r"\$\{KEYCLOAK_[A-Z_]+:([^}]*)\}")

Json = Mapping[str, Any]


@dataclass(frozen=True)
class User:
    id: str
    name: str
    password: str


def realm_file() -> dict[str, Any]:
    """The file with what its placeholders stand for where a deployment says nothing."""
    realm: dict[str, Any] = json.loads(_PLACEHOLDER.sub(r"\1", REALM_FILE.read_text("utf-8")))
    return realm


def browser() -> httpx.AsyncClient:
    """Keeps cookies as browsers do: 127.0.0.1 is as good as TLS to them."""

    async def trust(_: httpx.Response) -> None:
        for cookie in http.cookies.jar:
            cookie.secure = False

    http = httpx.AsyncClient(trust_env=False, timeout=30, event_hooks={"response": [trust]})
    return http


@dataclass(frozen=True)
class Realm:
    keycloak: Keycloak
    name: str
    http: httpx.AsyncClient

    @property
    def issuer(self) -> str:
        return f"{self.keycloak.url}/realms/{self.name}"

    @property
    def oidc(self) -> str:
        return f"{self.issuer}/protocol/openid-connect"

    @property
    def jwks_url(self) -> str:
        return f"{self.oidc}/certs"

    async def token(self, form: Mapping[str, str], status: int = 200) -> Json:
        """What the token endpoint answers."""
        answer: Json = _json(await self.http.post(f"{self.oidc}/token", data=form), status)
        return answer

    async def system_token(self, client: str, secret: str, status: int = 200) -> Json:
        grant = {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
        return await self.token(grant, status)

    async def admin(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        """The administrator's request about this realm."""
        url = f"{self.keycloak.url}/admin/realms/{self.name}{path}"
        return await self._administered(method, url, body, status)

    async def add_user(self, *, status: int = 201, **attributes: str | list[str]) -> User:
        """Somebody invented, as an operator adds them: attributes and a password."""
        user = User("", f"somebody-{secrets.token_hex(4)}", secrets.token_urlsafe(16))
        password = {"type": "password", "value": user.password, "temporary": False}
        body = {
            "username": user.name,
            "enabled": True,
            "attributes": attributes,
            "credentials": [password],
        }
        await self.admin("POST", "/users", body, status=status)
        found = await self.admin("GET", f"/users?exact=true&username={user.name}")
        return User(found[0]["id"], user.name, user.password) if found else user

    async def client(self, client: str) -> dict[str, Any]:
        (found,) = await self.admin("GET", f"/clients?clientId={client}")
        return dict(found)

    async def add_system(self, name: str, division: str, *, without: str = "") -> str:
        """Another client system, made of the first as the runbook says; its secret."""
        model = await self.client(PROVINCIAL)
        mappers = [each for each in model["protocolMappers"] if each["name"] != without]
        for each in mappers:
            del each["id"]
            if each["name"] == "division":
                each["config"]["claim.value"] = division
        body = {key: value for key, value in model.items() if key not in ("id", "secret")}
        body |= {"clientId": name, "protocolMappers": mappers}
        await self.admin("POST", "/clients", body, status=201)
        return str((await self.client(name))["secret"])

    async def change_client(self, client: str, **changed: Any) -> None:
        known = await self.client(client)
        await self.admin("PUT", f"/clients/{known['id']}", known | changed, status=204)

    async def secret(self, client: str) -> str:
        """Made by Keycloak: the file has none."""
        return str((await self.client(client))["secret"])

    async def new_secret(self, client: str) -> str:
        known = await self.client(client)
        answer = await self.admin("POST", f"/clients/{known['id']}/client-secret")
        return str(answer["value"])

    async def change_user(self, user: User, **changed: Any) -> None:
        known = await self.admin("GET", f"/users/{user.id}")
        await self.admin("PUT", f"/users/{user.id}", known | changed, status=204)

    async def signing_keys(self) -> dict[str, dict[str, Any]]:
        """Components that hold the realm's RSA signing keys, by the id of their key."""
        keys = (await self.admin("GET", "/keys"))["keys"]
        return {
            key["kid"]: await self.admin("GET", f"/components/{key['providerId']}")
            for key in keys
            if key["algorithm"] == "RS256"
        }

    async def add_signing_key(self, priority: int) -> None:
        body = {
            "name": f"rotated-{priority}",
            "providerId": "rsa-generated",
            "providerType": "org.keycloak.keys.KeyProvider",
            "config": {"priority": [str(priority)]},
        }
        await self.admin("POST", "/components", body, status=201)

    async def disable_key(self, component: dict[str, Any]) -> None:
        config = component["config"] | {"enabled": ["false"], "active": ["false"]}
        path = f"/components/{component['id']}"
        await self.admin("PUT", path, component | {"config": config}, status=204)

    async def copy_as(self, name: str) -> None:
        body = realm_file() | {"realm": name}
        await self._administered("POST", f"{self.keycloak.url}/admin/realms", body, 201)

    async def _administered(self, method: str, url: str, body: Any, status: int) -> Any:
        form = {
            "grant_type": "client_credentials",
            "client_id": ADMIN,
            "client_secret": self.keycloak.secret,
        }
        master = f"{self.keycloak.url}/realms/master/protocol/openid-connect/token"
        token = _json(await self.http.post(master, data=form), 200)["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        return _json(await self.http.request(method, url, json=body, headers=headers), status)


@asynccontextmanager
async def opened_realm(keycloak: Keycloak, name: str) -> AsyncIterator[Realm]:
    async with httpx.AsyncClient(trust_env=False, timeout=30) as http:
        yield Realm(keycloak, name, http)


def _json(response: httpx.Response, status: int) -> Any:
    assert response.status_code == status, (response.status_code, response.text)
    return response.json() if response.content else None
