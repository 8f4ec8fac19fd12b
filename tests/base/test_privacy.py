"""Pseudonyms and keys: equal only under the same key, declared kinds only, and gone when destroyed."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.forgetful_disk import Crash, ForgetfulDisk
from wardline.base.privacy import KINDS, SLOT_BYTES, Keyring, Pseudonyms, load_or_make_key, seal, unseal
from wardline.base.storage import DiskFiles, StorageDamaged

KEY = bytes(range(32))


def ring(path: Path, key: bytes = KEY) -> Keyring:
    return Keyring(key, DiskFiles(), path / "subjects.keys")


def test_a_pseudonym_is_stable_and_says_its_kind() -> None:
    name = Pseudonyms(KEY).of("account", "alice@example.com")
    assert name == Pseudonyms(KEY).of("account", "alice@example.com")
    kind, _, digest = name.partition(":")
    assert kind == "account"
    assert len(digest) == 24
    assert int(digest, 16) >= 0


def test_pseudonyms_differ_by_key_kind_and_value() -> None:
    names = {Pseudonyms(key).of(kind, value) for key in (KEY, KEY[::-1]) for kind in ("account", "email") for value in ("a", "b")}
    assert len(names) == 8


@given(st.text())
def test_nothing_of_the_value_shows_and_no_text_fails(value: str) -> None:
    name = Pseudonyms(KEY).of("account", value)
    assert len(name) == len("account:") + 24


def test_public_kinds_stay_readable() -> None:
    assert Pseudonyms(KEY).of("asn", "64496") == "asn:64496"


def test_an_undeclared_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="shoe_size"):
        Pseudonyms(KEY).of("shoe_size", "43")
    assert set(KINDS.values()) <= {"public", "pseudonymous", "sealed"}


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="5 bytes"):
        Pseudonyms(b"short")


def test_key_file_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "folder.key"
    key = load_or_make_key(DiskFiles(), path)
    assert load_or_make_key(DiskFiles(), path) == key
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "zz", "00" * 31, "é"])
def test_a_damaged_key_file_is_refused_and_kept(tmp_path: Path, content: str) -> None:
    (tmp_path / "folder.key").write_text(content)
    with pytest.raises(StorageDamaged, match="hexadecimal"):
        load_or_make_key(DiskFiles(), tmp_path / "folder.key")
    assert (tmp_path / "folder.key").read_text() == content


@given(st.binary(max_size=200), st.binary(max_size=20))
def test_seal_and_unseal(data: bytes, context: bytes) -> None:
    sealed = seal(KEY, data, context)
    assert unseal(KEY, sealed, context) == data
    assert unseal(KEY[::-1], sealed, context) is None
    assert unseal(KEY, sealed, context + b"x") is None
    assert unseal(KEY, sealed[:-1], context) is None
    assert unseal(KEY, b"", context) is None


def test_a_stored_key_is_found_again_and_is_gone_when_destroyed(tmp_path: Path) -> None:
    keys = ring(tmp_path)
    key, wrapped = keys.new(-7)
    slot = keys.store(-7, wrapped)
    keys.sync()
    assert ring(tmp_path).load(-7, slot) == key
    assert ring(tmp_path).load(-8, slot) is None
    assert ring(tmp_path, KEY[::-1]).load(-7, slot) is None
    assert key not in (tmp_path / "subjects.keys").read_bytes()
    keys.destroy(slot)
    assert keys.load(-7, slot) is None
    assert (tmp_path / "subjects.keys").read_bytes().strip(b"\0") == b""


def test_another_subjects_key_is_not_destroyed(tmp_path: Path) -> None:
    keys = ring(tmp_path)
    slot = keys.store(1, keys.new(1)[1])
    assert not keys.destroy(slot, 2)
    assert keys.load(1, slot) is not None
    assert keys.destroy(slot, 1)
    assert keys.destroy(slot, 1), "again does no harm"
    assert keys.load(1, slot) is None


def test_slots_are_used_again(tmp_path: Path) -> None:
    keys = ring(tmp_path)
    slots = [keys.store(n, keys.new(n)[1]) for n in range(3)]
    keys.destroy(slots[1])
    assert keys.store(8, keys.new(8)[1]) == 3, "not before it is released"
    keys.release(slots[1])
    assert keys.store(9, keys.new(9)[1]) == slots[1]
    assert (tmp_path / "subjects.keys").stat().st_size <= 4 * SLOT_BYTES


def test_what_nobody_refers_to_is_overwritten_at_the_start(tmp_path: Path) -> None:
    keys = ring(tmp_path)
    slots = [keys.store(n, keys.new(n)[1]) for n in range(4)]
    keys.close()
    again = ring(tmp_path)
    assert again.keep_only(iter([slots[0], slots[2]])) == 2
    assert [again.load(n, slots[n]) is not None for n in range(4)] == [True, False, True, False]
    assert again.store(9, again.new(9)[1]) in (slots[1], slots[3])


def test_a_damaged_slot_is_no_key(tmp_path: Path) -> None:
    keys = ring(tmp_path)
    slot = keys.store(1, keys.new(1)[1])
    keys.close()
    data = bytearray((tmp_path / "subjects.keys").read_bytes())
    data[30] ^= 1
    (tmp_path / "subjects.keys").write_bytes(data)
    assert ring(tmp_path).load(1, slot) is None


def test_keys_survive_a_power_loss_once_synced_and_are_gone_once_destroyed() -> None:
    path = Path("/nowhere/keys/subjects.keys")
    for crash_at in range(1, 16):
        for seed in range(10):
            disk = ForgetfulDisk(random.Random(seed), crash_at=crash_at)
            synced: dict[int, tuple[int, bytes]] = {}
            destroyed: list[bytes] = []
            try:
                keys = Keyring(KEY, disk, path)
                for subject in range(1, 5):
                    key, wrapped = keys.new(subject)
                    slot = keys.store(subject, wrapped)
                    keys.sync()
                    synced[subject] = (slot, key)
                    if subject == 2:
                        slot, _ = synced.pop(1)
                        wrapped = disk.content(path)[slot * SLOT_BYTES + 12 : slot * SLOT_BYTES + 72]
                        keys.destroy(slot)
                        destroyed.append(wrapped)
            except Crash:
                pass
            after = disk.after_power_loss()
            for subject, (slot, key) in synced.items():
                assert Keyring(KEY, after, path).load(subject, slot) == key
            assert all(wrapped not in after.content(path) for wrapped in destroyed)
