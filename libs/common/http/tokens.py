"""Access tokens: OIDC JWTs verified against the issuer's keys, remembered for at most a minute."""

import hashlib
import time
from typing import Any, NamedTuple

import jwt

from libs.common.http.caller import Caller, caller_of
from libs.common.http.keys import KeySet
from libs.common.http.problems import Problem
from libs.common.settings import EMBEDDED_ISSUER

_REQUIRED = ["iss", "aud", "exp", "iat", "sub"]
_LEEWAY = 10
_LONGEST = 8192
_REMEMBERED = 60.0
_MOST = 10_000


class _Known(NamedTuple):
    caller: Caller
    expires: float
    until: float


class Verifier:
    """Tokens of one issuer for one audience; the embedded issuer's only in the embedded system."""

    def __init__(self, keys: KeySet, *, issuer: str, audience: str, embedded: bool = False) -> None:
        if issuer == EMBEDDED_ISSUER and not embedded:
            raise ValueError("the embedded issuer is for the embedded system only")
        self._keys, self._issuer, self._audience = keys, issuer, audience
        self._embedded = embedded
        self._known: dict[bytes, _Known] = {}
        self._changes = 0

    async def caller(self, token: str) -> Caller:
        """Whose token it is; a problem with status 401 when it is nobody's."""
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
        known = self._known.get(digest)
        if known and known.until > self._keys.timer() and self._changes == self._keys.changes:
            if known.expires < time.time():
                raise Problem("token_expired")
            return known.caller
        claims = await self._verify(token)
        caller = caller_of(claims)
        self._remember(digest, caller, claims["exp"] + _LEEWAY)
        return caller

    async def _verify(self, token: str) -> dict[str, Any]:
        try:
            key = await self._keys.key(_key_id(token))
            if key is None:
                raise Problem("token_invalid")
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise Problem("token_expired") from None
        except jwt.PyJWTError:
            raise Problem("token_invalid") from None
        if claims.get("embedded") and not self._embedded:
            raise Problem("token_invalid")
        return claims

    def _remember(self, digest: bytes, caller: Caller, expires: float) -> None:
        """All are remembered equally long, so the first one in is the first to lapse."""
        if self._changes != self._keys.changes:
            self._known.clear()
            self._changes = self._keys.changes
        self._known.pop(digest, None)
        if len(self._known) >= _MOST:
            del self._known[next(iter(self._known))]
        self._known[digest] = _Known(caller, expires, self._keys.timer() + _REMEMBERED)


def _key_id(token: str) -> str:
    if len(token) > _LONGEST:
        raise Problem("token_invalid")
    key_id = jwt.get_unverified_header(token).get("kid")
    if not isinstance(key_id, str):
        raise Problem("token_invalid")
    return key_id
