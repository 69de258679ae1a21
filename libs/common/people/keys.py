"""Key rings: the files that hold the keys for sealing and for the blind index."""

import base64
import os
import secrets
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

KEY_BYTES = 32
MOST_KEYS = 255  # a sealed value names its key in one byte


class KeyRingError(Exception):
    """The secrets directory cannot serve: which file, and what to do."""


class Purpose(StrEnum):
    SEAL = "seal"
    INDEX = "index"


@dataclass(frozen=True)
class KeyRing:
    """Every key still in use; the highest id of a purpose is the current one.

    To rotate: `add_key`, restart, rewrite what is stored under an older id, delete the old file.
    """

    seal: Mapping[int, bytes] = field(repr=False)
    index: Mapping[int, bytes] = field(repr=False)

    @classmethod
    def load(cls, path: Path, *, embedded: bool) -> "KeyRing":
        """Read a directory of key files; keys made for the embedded system serve nowhere else."""
        keys = _keys_in(path, embedded=embedded)
        for purpose, found in keys.items():
            if not found:
                raise KeyRingError(f"{path} has no {purpose} key: weiyuan keys create {path}")
        return cls(seal=keys[Purpose.SEAL], index=keys[Purpose.INDEX])

    @classmethod
    def create(cls, path: Path, *, embedded: bool) -> "KeyRing":
        """Make the first key of each purpose that has none yet, then load the ring."""
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for purpose, found in _keys_in(path, embedded=embedded).items():
            if not found:
                add_key(path, purpose, embedded=embedded)
        return cls.load(path, embedded=embedded)


def add_key(path: Path, purpose: Purpose, *, embedded: bool) -> int:
    """Write the next key of a purpose: what is sealed from the next start on uses it."""
    number = max(_keys_in(path, embedded=embedded)[purpose], default=0) + 1
    if number > MOST_KEYS:
        raise KeyRingError(f"{path} has used all {MOST_KEYS} {purpose} key ids")
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    lines = [
        f'purpose = "{purpose}"',
        f"id = {number}",
        f"embedded = {str(embedded).lower()}",
        f'key = "{key}"',
    ]
    _write_once(path / f"{purpose}-{number}.key", "\n".join(lines) + "\n")
    return number


def _keys_in(path: Path, *, embedded: bool) -> dict[Purpose, dict[int, bytes]]:
    keys: dict[Purpose, dict[int, bytes]] = {purpose: {} for purpose in Purpose}
    for file in sorted(path.glob("*.key")):
        purpose, number, key = _read(file, embedded=embedded)
        if number in keys[purpose]:
            raise KeyRingError(f"{file}: {purpose} key {number} is in another file too")
        keys[purpose][number] = key
    return keys


def _read(file: Path, *, embedded: bool) -> tuple[Purpose, int, bytes]:
    try:
        written = tomllib.loads(file.read_text("utf-8"))
        purpose, number = Purpose(written["purpose"]), int(written["id"])
        made_for_embedded = bool(written["embedded"])
        key = base64.b64decode(written["key"], validate=True)
    except (KeyError, TypeError, ValueError):
        # The cause could quote the key.
        raise KeyRingError(f"{file} is not a key file: purpose, id, embedded, key") from None
    if len(key) != KEY_BYTES or not 1 <= number <= MOST_KEYS:
        raise KeyRingError(f"{file}: needs {KEY_BYTES} bytes of key and an id of 1 to {MOST_KEYS}")
    if made_for_embedded and not embedded:
        raise KeyRingError(
            f"{file} was made for the embedded system and protects nothing elsewhere; "
            "give this service keys of its own"
        )
    return purpose, number, key


def _write_once(file: Path, text: str) -> None:
    """All of the file or none of it, on disk before it is used: a key lost is data lost."""
    draft = file.with_suffix(f".{secrets.token_hex(4)}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    os.link(draft, file)  # unlike a rename, refuses to replace a key that is there
    draft.unlink()
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
