"""Tokens that prove nothing."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from libs.common.http.issuer import Issuer
from libs.common.http.roles import Role
from tests.house import House


async def worthless(house: House, role: Role, **claims: Any) -> dict[str, str]:
    """By what is wrong with them; each claims the role."""
    settings = house.process.settings
    good = house.issuer.issue(role, **claims)
    header, body, signature = good.split(".")
    told = json.loads(_bytes(header))
    other = Ed25519PrivateKey.generate()
    said = jwt.decode(good, options={"verify_signature": False})
    public = await _public_key(house)
    found = {
        "expired": house.issuer.issue(role, **claims, lifetime=timedelta(hours=-1)),
        "for another audience": Issuer.of(Path(settings.home), "other").issue(role, **claims),
        "signed by another key": jwt.encode(said, other, "EdDSA", {"kid": told["kid"]}),
        "of an unknown key": Issuer(other, settings.audience).issue(role, **claims),
        "without a key id": jwt.encode(said, other, "EdDSA"),
        "without its signature": f"{header}.{body}.",
        "with a longer life": f"{header}.{_part(said | {'exp': said['exp'] + 1})}.{signature}",
        "no token at all": "garbage",
        "deeply nested": f"{_text(b'[' * 5000)}.{body}.{signature}",
        "with a huge number": f"{_text(b'1' * 5000)}.{body}.{signature}",
        "of other characters": "渭源.渭源.渭源".encode().decode("latin-1"),
    }
    for algorithm in ("none", "None", "NONE", ""):
        unsigned = f"{_part(told | {'alg': algorithm})}.{body}"
        found[f"unsigned: alg {algorithm!r}"] = f"{unsigned}."
    for number, secret in enumerate(_forms(public)):
        forged = f"{_part(told | {'alg': 'HS256'})}.{body}"
        mark = hmac.digest(secret, forged.encode(), hashlib.sha256)
        found[f"signed with the public key as a secret, form {number}"] = f"{forged}.{_text(mark)}"
    return found


async def _public_key(house: House) -> Ed25519PublicKey:
    [published] = (await house.issuer.jwks())["keys"]
    return Ed25519PublicKey.from_public_bytes(_bytes(published["x"]))


def _forms(key: Ed25519PublicKey) -> Iterator[bytes]:
    yield key.public_bytes_raw()
    yield key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    yield key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _part(members: dict[str, Any]) -> str:
    return _text(json.dumps(members).encode())


def _text(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
