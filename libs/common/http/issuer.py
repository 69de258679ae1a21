"""The embedded system's own token issuer: one Ed25519 key under its home, its owner's alone."""

import os
import secrets
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt.algorithms import OKPAlgorithm

from libs.common.http.caller import caller_of
from libs.common.http.roles import Role
from libs.common.settings import EMBEDDED_ISSUER


class Issuer:
    def __init__(self, key: Ed25519PrivateKey, audience: str) -> None:
        self._key, self._audience = key, audience
        public = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
        self._jwk = public | {"use": "sig", "alg": "EdDSA", "kid": f"embedded-{public['x'][:16]}"}

    @classmethod
    def of(cls, home: Path, audience: str) -> Self:
        """The issuer of the embedded system at `home`; its key is made on first use."""
        path = home / "issuer.pem"
        if not path.exists():
            _make_key(path)
        if path.stat().st_mode & 0o077:
            raise PermissionError(f"{path} must be readable by its owner only (mode 0600)")
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError(f"{path} does not hold an Ed25519 key")
        return cls(key, audience)

    async def jwks(self) -> Mapping[str, Any]:
        return {"keys": [self._jwk]}

    def issue(
        self,
        role: Role,
        *,
        division: str | None = None,
        department: str | None = None,
        household: UUID | None = None,
        person: UUID | None = None,
        enterprise: UUID | None = None,
        subject: str | None = None,
        lifetime: timedelta = timedelta(hours=8),
    ) -> str:
        """A token for one role; refused when the role lacks a claim that it needs."""
        given = {
            "division": division,
            "department": department,
            "household": household and str(household),
            "person": person and str(person),
            "enterprise": enterprise and str(enterprise),
        }
        whose = division or household or person or enterprise
        claims = {name: value for name, value in given.items() if value is not None}
        claims |= {"role": str(role), "sub": subject or f"{role}@{whose or 'embedded'}"}
        caller_of(claims)
        return jwt.encode(claims | self._terms(lifetime), self._key, "EdDSA", self._header())

    def _terms(self, lifetime: timedelta) -> dict[str, Any]:
        """Real time, whatever day the embedded system plays: a token's life is no policy matter."""
        at = int(time.time())
        return {
            "iss": EMBEDDED_ISSUER,
            "aud": self._audience,
            "iat": at,
            "nbf": at,
            "exp": at + int(lifetime.total_seconds()),
            "jti": secrets.token_hex(8),
            "embedded": True,
        }

    def _header(self) -> dict[str, Any]:
        return {"kid": self._jwk["kid"]}


def _make_key(path: Path) -> None:
    """Written aside and linked into place: of two processes that start at once, one key wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
