"""What PostgreSQL keeps of a password, made here: so the password is in no statement and no log.

The same that psql's `\\password` does (RFC 5802, RFC 7677).
"""

import base64
import hashlib
import hmac
import os

_ITERATIONS = 4096  # PostgreSQL's own; a generated password needs no more
_SHORTEST = 12


class PasswordRefused(ValueError):
    """A password that cannot be set, for a reason that does not quote it."""


def verifier(password: str, salt: bytes | None = None) -> str:
    """The value of `ALTER ROLE … PASSWORD`."""
    if len(password) < _SHORTEST or not (password.isascii() and password.isprintable()):
        raise PasswordRefused(f"a password has {_SHORTEST} characters or more, all of ASCII")
    salt = salt or os.urandom(16)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    return f"SCRAM-SHA-256${_ITERATIONS}:{_text(salt)}${_text(stored)}:{_text(server)}"


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
