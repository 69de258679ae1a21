"""Somebody logs in: Keycloak's own form, filled in as a browser would, by code and PKCE."""

import base64
import hashlib
import html
import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx

from tests.oidc.realm import Json, Realm, User, browser
from tests.oidc.server import CONSOLE_URL

CONSOLE = "weiyuan-console"
_REDIRECT = f"{CONSOLE_URL}/signed-in"
_FORM = re.compile(r'<form id="kc-form-login"[^>]* action="([^"]+)"')


@dataclass(frozen=True)
class Login:
    """One attempt to get at tokens of a client; each has a state and a verifier of its own."""

    realm: Realm
    client: str = CONSOLE
    redirect: str = _REDIRECT
    scope: str = "openid"
    state: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def asked(self, **changed: str) -> dict[str, str]:
        """What the console asks the authorization endpoint for; an empty value is left out."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        asked = {
            "response_type": "code",
            "client_id": self.client,
            "redirect_uri": self.redirect,
            "scope": self.scope,
            "state": self.state,
            "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        } | changed
        return {name: value for name, value in asked.items() if value}

    async def code(self, user: User) -> str:
        async with browser() as window:
            done = await self.submitted(window, user)
        assert done.status_code == 302, (done.status_code, done.text)
        told = parse_qs(urlsplit(done.headers["location"]).query)
        assert done.headers["location"].startswith(self.redirect)
        assert (told["state"], told["iss"]) == ([self.state], [self.realm.issuer])
        return told["code"][0]

    async def submitted(self, window: httpx.AsyncClient, user: User) -> httpx.Response:
        """The login form, sent with the user's name and password."""
        page = await window.get(f"{self.realm.oidc}/auth", params=self.asked())
        form = _FORM.search(page.text)
        assert form, (page.status_code, page.text)
        filled_in = {"username": user.name, "password": user.password}
        return await window.post(html.unescape(form[1]), data=filled_in)

    async def exchanged(self, code: str, status: int = 200, **changed: str) -> Json:
        """Tokens for the code."""
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client,
            "redirect_uri": self.redirect,
            "code": code,
            "code_verifier": self.verifier,
        } | changed
        return await self.realm.token(form, status)

    async def tokens(self, user: User) -> Json:
        return await self.exchanged(await self.code(user))
