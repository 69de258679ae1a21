"""The issuer's public keys: fetched when needed, rotated, and never asked for too often."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx
import jwt
import structlog

from libs.common.http.problems import Problem

log = structlog.get_logger()

Fetch = Callable[[], Awaitable[Mapping[str, Any]]]

_ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
_FLOOR = 10.0
_FRESH = 300.0
_RSA_BITS = 2048


def published_at(url: str, http: httpx.AsyncClient) -> Fetch:
    """The key set at the issuer's JWKS address."""

    async def fetch() -> Mapping[str, Any]:
        answer = await http.get(url, timeout=5.0)
        answer.raise_for_status()
        document: Mapping[str, Any] = answer.json()
        return document

    return fetch


class KeySet:
    """Keys by their id. An unknown id asks the issuer again, at most once in ten seconds.

    When the issuer does not answer, the keys at hand go on being used.
    """

    def __init__(self, fetch: Fetch, timer: Callable[[], float] = time.monotonic) -> None:
        self.timer = timer
        self.changes = 0
        """Rises when a key is withdrawn or replaced: what was verified before it counts no more."""
        self._fetch = fetch
        self._keys: dict[str, jwt.PyJWK] = {}
        self._published: dict[str, Any] = {}
        self._attempted = -math.inf
        self._fetched = -math.inf
        self._lock = asyncio.Lock()

    async def key(self, key_id: str) -> jwt.PyJWK | None:
        if key_id not in self._keys or self._is_old():
            await self._refresh(key_id)
        if not self._keys:
            raise Problem("unavailable", service="issuer")
        return self._keys.get(key_id)

    def _is_old(self) -> bool:
        return self.timer() - self._fetched > _FRESH

    async def _refresh(self, key_id: str) -> None:
        if self._lock.locked() and key_id in self._keys:
            return
        async with self._lock:
            if self.timer() - self._attempted < _FLOOR:
                return
            self._attempted = self.timer()
            try:
                self._adopt(await self._fetch())
            except (httpx.HTTPError, ValueError, TypeError, KeyError) as error:
                log.warning("issuer's keys not read", error=type(error).__qualname__)

    def _adopt(self, document: Mapping[str, Any]) -> None:
        published = {jwk["kid"]: jwk for jwk in document["keys"] if _signs(jwk)}
        keys = {key_id: key for key_id, jwk in published.items() if (key := _key(jwk))}
        if any(published.get(key_id) != jwk for key_id, jwk in self._published.items()):
            self.changes += 1
        self._keys, self._published = keys, published
        self._fetched = self.timer()


def _signs(jwk: Mapping[str, Any]) -> bool:
    algorithm = _ALGORITHMS.get((jwk.get("kty", ""), jwk.get("crv")))
    return (
        algorithm is not None
        and isinstance(jwk.get("kid"), str)
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) == algorithm
    )


def _key(jwk: Mapping[str, Any]) -> jwt.PyJWK | None:
    """The key with the one algorithm that its kind has here, whatever a token says of it."""
    try:
        key = jwt.PyJWK(dict(jwk), _ALGORITHMS[jwk["kty"], jwk.get("crv")])
    except jwt.PyJWTError as error:
        log.warning("issuer's key not usable", kid=jwk["kid"], error=type(error).__qualname__)
        return None
    if jwk["kty"] == "RSA" and key.key.key_size < _RSA_BITS:
        log.warning("issuer's key too short", kid=jwk["kid"])
        return None
    return key
