"""Sealing of what identifies a person: AES-256-GCM to read it back, HMAC-SHA256 to find it."""

import hashlib
import os
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from libs.common.people.keys import KeyRing

if TYPE_CHECKING:
    from hashlib import _Hash
VERSION = 1
_HEADER_BYTES = 2
_NONCE_BYTES = 12
_TAG_BYTES = 16
_HMAC_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


class SealError(Exception):
    """A sealed value could not be opened; never says what it holds."""


class UnknownKeyError(SealError):
    """Its key is not in this key ring."""


class TamperedError(SealError):
    """It was changed, belongs to another field, or was never sealed by us."""


class Sealer:
    """Seals and indexes the values of named fields, such as `person.resident_id`.

    A sealed value is version, key id, nonce, ciphertext; version, key id and field name are
    authenticated, so that it opens in its own field only. Random nonces allow 2^32 values per key.
    An index is key id and HMAC of the value within its field: equal values of a field are equal
    indexes, and rows that a rotation still has to rewrite begin with another id.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._ciphers = {number: AESGCM(key) for number, key in keys.seal.items()}
        self._header = bytes((VERSION, max(keys.seal)))
        self._cipher = self._ciphers[max(keys.seal)]
        self._index_keys = dict(sorted(keys.index.items(), reverse=True))
        self._pads: dict[tuple[str, int], tuple[_Hash, _Hash]] = {}

    def seal(self, field: str, value: str) -> bytes:
        return self.seal_bytes(field, value.encode())

    def seal_bytes(self, field: str, value: bytes) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        bound = self._header + field.encode()
        return self._header + nonce + self._cipher.encrypt(nonce, value, bound)

    def seal_many(self, field: str, values: Sequence[str | None]) -> list[bytes | None]:
        """One sealed value per value; what is missing stays missing."""
        header, encrypt, bound = self._header, self._cipher.encrypt, self._header + field.encode()
        random = os.urandom(_NONCE_BYTES * len(values))
        sealed: list[bytes | None] = []
        for at, value in enumerate(values):
            if value is None:
                sealed.append(None)
                continue
            nonce = random[at * _NONCE_BYTES : (at + 1) * _NONCE_BYTES]
            sealed.append(header + nonce + encrypt(nonce, value.encode(), bound))
        return sealed

    def open(self, field: str, sealed: bytes) -> str:
        return self.open_bytes(field, sealed).decode()

    def open_bytes(self, field: str, sealed: bytes) -> bytes:
        header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
        if len(rest) < _NONCE_BYTES + _TAG_BYTES or header[0] != VERSION:
            raise TamperedError(f"the value of {field} has not the form of a sealed value")
        cipher = self._ciphers.get(header[1])
        if cipher is None:
            raise UnknownKeyError(f"the value of {field} needs seal key {header[1]}")
        try:
            return cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], header + field.encode())
        except InvalidTag:
            raise TamperedError(f"the value of {field} was changed or moved here") from None

    def index(self, field: str, value: str) -> bytes:
        """The index to store."""
        return self.indexes(field, value)[0]

    def indexes(self, field: str, value: str) -> list[bytes]:
        """Every index the value may be stored under, newest first: search for any of them."""
        found = []
        for number in self._index_keys:
            inner, outer = (pad.copy() for pad in self._pads_of(field, number))
            inner.update(value.encode())
            outer.update(inner.digest())
            found.append(bytes((number,)) + outer.digest())
        return found

    def index_many(self, field: str, values: Iterable[str | None]) -> list[bytes | None]:
        """One index to store per value; what is missing stays missing."""
        number = next(iter(self._index_keys))
        inner_pad, outer_pad = self._pads_of(field, number)
        prefix = bytes((number,))
        indexes: list[bytes | None] = []
        for value in values:
            if value is None:
                indexes.append(None)
                continue
            inner, outer = inner_pad.copy(), outer_pad.copy()
            inner.update(value.encode())
            outer.update(inner.digest())
            indexes.append(prefix + outer.digest())
        return indexes

    def _pads_of(self, field: str, number: int) -> tuple["_Hash", "_Hash"]:
        """HMAC's two hashes with key and field name already in: a value then costs two copies."""
        pads = self._pads.get((field, number))
        if pads is None:
            block = self._index_keys[number].ljust(_HMAC_BLOCK, b"\0")
            inner = hashlib.sha256(block.translate(_INNER) + field.encode() + b"\0")
            pads = self._pads[field, number] = (inner, hashlib.sha256(block.translate(_OUTER)))
        return pads
