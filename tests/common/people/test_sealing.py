"""Sealed values open in their own field with their own key; indexes find equal values again."""

import hmac
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libs.common.people.keys import KeyRing, KeyRingError, Purpose, add_key
from libs.common.people.sealing import Sealer, SealError, TamperedError, UnknownKeyError

FIELD = "person.resident_id"
NUMBER = "621123199512319056"


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    KeyRing.create(path, embedded=True)
    return path


@pytest.fixture
def sealer(keys: Path) -> Sealer:
    return _sealer(keys)


def _sealer(keys: Path) -> Sealer:
    return Sealer(KeyRing.load(keys, embedded=True))


FIXED = Sealer(KeyRing(seal={1: b"s" * 32}, index={1: b"i" * 32}))


@given(st.text(), st.text())
def test_what_is_sealed_opens_again_and_never_looks_the_same(field: str, value: str) -> None:
    sealed = FIXED.seal(field, value)
    assert FIXED.open(field, sealed) == value
    assert FIXED.seal(field, value) != sealed


@given(st.lists(st.none() | st.text(), max_size=20))
def test_the_bulk_forms_agree_with_the_single_ones(values: list[str | None]) -> None:
    sealed = FIXED.seal_many(FIELD, values)
    assert [each and FIXED.open(FIELD, each) for each in sealed] == values
    nonces = [each[2:14] for each in sealed if each is not None]
    assert len(set(nonces)) == len(nonces)
    singly = [None if value is None else FIXED.index(FIELD, value) for value in values]
    assert FIXED.index_many(FIELD, values) == singly


@given(st.text())
def test_an_index_is_the_key_id_and_the_fields_hmac(value: str) -> None:
    expected = hmac.digest(b"i" * 32, f"{FIELD}\0{value}".encode(), "sha256")
    assert FIXED.index(FIELD, value) == b"\x01" + expected


def test_a_value_moved_to_another_field_does_not_open(sealer: Sealer) -> None:
    sealed = sealer.seal(FIELD, NUMBER)
    with pytest.raises(TamperedError, match=r"person\.phone was changed or moved here"):
        sealer.open("person.phone", sealed)
    assert sealer.index(FIELD, NUMBER) != sealer.index("person.phone", NUMBER)


def test_no_byte_can_be_changed(sealer: Sealer) -> None:
    sealed = sealer.seal(FIELD, NUMBER)
    for at in range(len(sealed)):
        changed = sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :]
        with pytest.raises(SealError) as caught:
            sealer.open(FIELD, changed)
        assert NUMBER not in str(caught.value)
        assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "sealed",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\x01", id="a version alone"),
        pytest.param(b"\x01\x01" + b"\0" * 27, id="too short for a tag"),
        pytest.param(b"\x02\x01" + b"\0" * 40, id="another version"),
        pytest.param(NUMBER.encode() * 3, id="never sealed"),
    ],
)
def test_what_was_never_sealed_does_not_open(sealer: Sealer, sealed: bytes) -> None:
    with pytest.raises(TamperedError):
        sealer.open(FIELD, sealed)


def test_another_ring_cannot_open_or_find(sealer: Sealer, tmp_path: Path) -> None:
    other = Sealer(KeyRing.create(tmp_path / "other", embedded=True))
    with pytest.raises(TamperedError):
        other.open(FIELD, sealer.seal(FIELD, NUMBER))
    assert other.index(FIELD, NUMBER) != sealer.index(FIELD, NUMBER)


def test_a_new_seal_key_seals_while_the_old_one_still_opens(keys: Path) -> None:
    old = _sealer(keys).seal(FIELD, NUMBER)
    assert add_key(keys, Purpose.SEAL, embedded=True) == 2
    rotated = _sealer(keys)
    assert rotated.open(FIELD, old) == NUMBER
    assert rotated.seal(FIELD, NUMBER)[1] == 2
    (keys / "seal-1.key").unlink()
    with pytest.raises(UnknownKeyError, match="seal key 1"):
        _sealer(keys).open(FIELD, old)


def test_during_a_rotation_both_indexes_find_a_value(keys: Path) -> None:
    stored_before = _sealer(keys).index(FIELD, NUMBER)
    add_key(keys, Purpose.INDEX, embedded=True)
    rotated = _sealer(keys)
    stored_after = rotated.index(FIELD, NUMBER)
    assert stored_after != stored_before
    assert rotated.indexes(FIELD, NUMBER) == [stored_after, stored_before]
    assert rotated.index_many(FIELD, [NUMBER]) == [stored_after]
    assert (stored_before[0], stored_after[0]) == (1, 2)


def test_key_files_are_for_their_owner_alone(keys: Path) -> None:
    assert sorted(file.name for file in keys.iterdir()) == ["index-1.key", "seal-1.key"]
    assert {stat.S_IMODE(file.stat().st_mode) for file in keys.iterdir()} == {0o600}
    assert stat.S_IMODE(keys.stat().st_mode) == 0o700


def test_embedded_keys_serve_nowhere_else(keys: Path) -> None:
    with pytest.raises(KeyRingError, match="made for the embedded system"):
        KeyRing.load(keys, embedded=False)


def test_a_ring_of_our_own_serves_everywhere(tmp_path: Path) -> None:
    made = KeyRing.create(tmp_path, embedded=False)
    assert KeyRing.load(tmp_path, embedded=False) == made


def test_creating_again_keeps_the_keys_and_makes_what_is_missing(keys: Path) -> None:
    before = KeyRing.load(keys, embedded=True)
    (keys / "index-1.key").unlink()
    after = KeyRing.create(keys, embedded=True)
    assert after.seal == before.seal
    assert after.index != before.index


def test_a_ring_never_shows_its_keys(keys: Path) -> None:
    ring = KeyRing.load(keys, embedded=True)
    assert repr(ring) == "KeyRing()"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("", "is not a key file", id="empty"),
        pytest.param("purpose = ", "is not a key file", id="cut short"),
        pytest.param(
            'purpose = "seal"\nid = 2\nembedded = true\nkey = "c2hvcnQ="', "32 bytes", id="short"
        ),
        pytest.param(
            f'purpose = "seal"\nid = 256\nembedded = true\nkey = "{"A" * 43}="',
            "1 to 255",
            id="id out of range",
        ),
        pytest.param(
            f'purpose = "seal"\nid = 1\nembedded = true\nkey = "{"A" * 43}="',
            "in another file too",
            id="id taken",
        ),
    ],
)
def test_a_bad_key_file_is_named_and_its_key_is_not(keys: Path, text: str, complaint: str) -> None:
    (keys / "zz.key").write_text(text)
    with pytest.raises(KeyRingError, match=complaint) as caught:
        KeyRing.load(keys, embedded=True)
    assert "zz.key" in str(caught.value)
    assert "AAAA" not in str(caught.value)


def test_a_directory_without_keys_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KeyRingError, match=r"has no seal key: weiyuan keys create"):
        KeyRing.load(tmp_path, embedded=True)
