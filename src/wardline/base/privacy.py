"""Identifiers become pseudonyms at the edge; content is sealed under a key per subject that can be destroyed.

    pseudonyms = Pseudonyms(key)
    pseudonyms.of("account", "alice@example.com")     "account:5f2c…" (24 hexadecimal digits of keyed BLAKE2b, RFC 7693)
    pseudonyms.of("asn", "64496")                     "asn:64496": declared public, stays readable

    ring = Keyring(folder_key, files, folder / "keys" / "subjects.keys")
    key, wrapped = ring.new(subject_hash)             # AES-256-GCM (NIST SP 800-38D); the subject's key, wrapped by the folder's
    slot = ring.store(subject_hash, wrapped)          # in a file of fixed slots: destroying a key overwrites its only copy in place

Trimming and case folding before hashing is the caller's: what counts as the same address differs from kind to kind.
"""

import secrets
import struct
import zlib
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from wardline.base.storage import Files, StorageDamaged, read_whole, write_atomic

Treatment = Literal["public", "pseudonymous", "sealed"]

# Every kind of entity and how it is kept. A kind that is not declared here is refused: nobody stores an identifier by oversight.
KINDS: dict[str, Treatment] = {
    "asn": "public",
    "country": "public",
    "detector": "public",
    "list": "public",
    "domain": "public",
    "site": "public",
    "account": "pseudonymous",
    "case": "pseudonymous",
    "device": "pseudonymous",
    "email": "pseudonymous",
    "fingerprint": "pseudonymous",
    "from_domain": "pseudonymous",
    "learned": "pseudonymous",
    "message": "pseudonymous",
    "message_id": "pseudonymous",
    "network": "pseudonymous",
    "pair": "pseudonymous",
    "phone": "pseudonymous",
    "queue": "pseudonymous",
    "recipient": "pseudonymous",
    "sender": "pseudonymous",
    "sender_domain": "pseudonymous",
    "session": "pseudonymous",
    "template": "pseudonymous",
    "url": "pseudonymous",
    "user": "pseudonymous",
    "wallet": "pseudonymous",
    "ip": "sealed",
}

KEY_BYTES = 32
DIGEST_BYTES = 12
NONCE_BYTES = 12
SLOT_BYTES = 128
_SLOT = struct.Struct("<4sq60sI")
_SLOT_MAGIC = b"WKY1"


class Pseudonyms:
    """Keyed names for identifiers: the same identifier under the same key has the same name, and nobody without the key can tell whose."""

    def __init__(self, key: bytes) -> None:
        if len(key) < 16:
            raise ValueError(f"the pseudonym key has {len(key)} bytes; give it at least 16")
        self._key = key[:64]
        # A keyed hash that has taken the kind already, to be copied for each identifier.
        self._begun = {
            kind: blake2b(kind.encode() + b"\0", key=self._key, digest_size=DIGEST_BYTES)
            for kind, treatment in KINDS.items()
            if treatment != "public"
        }

    def of(self, kind: str, value: str) -> str:
        """ "kind:" and 24 hexadecimal digits; for a public kind "kind:value". Raises ValueError for a kind that KINDS does not declare."""
        begun = self._begun.get(kind)
        if begun is None:
            if kind not in KINDS:
                raise ValueError(f"no privacy class is declared for the kind {kind!r}; add it to wardline.base.privacy.KINDS")
            return f"{kind}:{value}"
        hashed = begun.copy()
        hashed.update(value.encode("utf-8", "surrogatepass"))
        return f"{kind}:{hashed.hexdigest()}"


def load_or_make_key(files: Files, path: Path) -> bytes:
    """A key file's 32 bytes, made at random where it is missing (mode 0600). Raises StorageDamaged when the file holds something else."""
    if files.exists(path):
        try:
            key = bytes.fromhex(read_whole(files, path).decode("ascii").strip())
        except ValueError:
            key = b""
        if len(key) != KEY_BYTES:
            raise StorageDamaged(
                f"the key file does not hold {KEY_BYTES} bytes in hexadecimal",
                str(path),
                "Put the right key file back; what it sealed cannot be read without it.",
            )
        return key
    files.make_folder(path.parent)
    key = secrets.token_bytes(KEY_BYTES)
    write_atomic(files, path, key.hex().encode() + b"\n")
    return key


def seal(key: bytes, data: bytes, context: bytes) -> bytes:
    """Encrypt and authenticate: a random nonce of 12 bytes, then AES-256-GCM. `context` must be the same when it is opened."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes | None:
    """The content, None when key, context or bytes are not the ones that it was sealed with."""
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except (InvalidTag, ValueError):
        return None


class Keyring:
    """The subjects' keys, each wrapped by the folder key and alone in its slot of 128 bytes. One thread writes."""

    def __init__(self, folder_key: bytes, files: Files, path: Path) -> None:
        self._folder_key = folder_key
        self._files = files
        files.make_folder(path.parent)
        self._descriptor = files.open(path, create=True)
        files.sync_folder(path.parent)
        self._end = files.size(self._descriptor) // SLOT_BYTES
        self._free: list[int] = []

    def new(self, subject_hash: int) -> tuple[bytes, bytes]:
        """A fresh key for a subject, and the same wrapped (60 bytes)."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, seal(self._folder_key, key, _context(subject_hash))

    def unwrap(self, subject_hash: int, wrapped: bytes) -> bytes | None:
        """The key, None when it was wrapped for another subject or under another folder key."""
        return unseal(self._folder_key, wrapped, _context(subject_hash))

    def store(self, subject_hash: int, wrapped: bytes) -> int:
        """Put a wrapped key into a slot and give its number. Durable after `sync`."""
        slot = self._free.pop() if self._free else self._end
        self._end = max(self._end, slot + 1)
        head = _SLOT.pack(_SLOT_MAGIC, subject_hash, wrapped, 0)[:-4]
        data = head + struct.pack("<I", zlib.crc32(head))
        self._files.pwrite(self._descriptor, data + bytes(SLOT_BYTES - len(data)), slot * SLOT_BYTES)
        return slot

    def sync(self) -> None:
        """Make what was stored durable."""
        self._files.fdatasync(self._descriptor)

    def load(self, subject_hash: int, slot: int) -> bytes | None:
        """The subject's key from its slot; None when the slot is empty, damaged, or another's."""
        found = self._read(slot)
        return self.unwrap(subject_hash, found[1]) if found is not None and found[0] == subject_hash else None

    def _read(self, slot: int) -> tuple[int, bytes] | None:
        data = self._files.pread(self._descriptor, _SLOT.size, slot * SLOT_BYTES)
        if len(data) < _SLOT.size:
            return None
        magic, subject_hash, wrapped, crc = _SLOT.unpack(data)
        return (subject_hash, wrapped) if magic == _SLOT_MAGIC and zlib.crc32(data[:-4]) == crc else None

    def destroy(self, slot: int, subject_hash: int | None = None) -> bool:
        """Overwrite a slot, durably. `release` it when nothing refers to it any more.

        subject_hash: whose key is meant. False, and nothing is touched, when the slot holds another subject's by now: key file and database can
        come from different backups.
        """
        if subject_hash is not None:
            found = self._read(slot)
            if found is not None and found[0] != subject_hash:
                return False
        self._files.write_durably(self._descriptor, bytes(SLOT_BYTES), slot * SLOT_BYTES)
        return True

    def release(self, slot: int) -> None:
        """Let another subject's key have a destroyed slot."""
        self._free.append(slot)

    def keep_only(self, used: Iterator[int]) -> int:
        """Overwrite every slot that nobody refers to (a crash can leave one) and learn which are free. `used` ascends. Gives how many."""
        removed = 0
        expected = next(used, None)
        for slot in range(self._end):
            while expected is not None and expected < slot:
                expected = next(used, None)
            if slot == expected:
                continue
            if self._files.pread(self._descriptor, SLOT_BYTES, slot * SLOT_BYTES).strip(b"\0"):
                self.destroy(slot)
                removed += 1
            self._free.append(slot)
        return removed

    def close(self) -> None:
        """Close the key file."""
        self._files.close(self._descriptor)


def _context(subject_hash: int) -> bytes:
    return b"wardline subject key " + subject_hash.to_bytes(8, "big", signed=True)
