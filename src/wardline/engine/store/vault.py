"""The vault: everything from which content could be rebuilt, sealed under a key per subject and gone when that key is destroyed.

    vault = journal.vault
    receipt = vault.put(subject, "update", id="01K…", content=b"…")        # through the commit log like everything else
    vault.get(subject, "update", "01K…")                                   # b"…", or None: never there, expired, or erased
    vault.classes["body"].enabled                                          # False: message bodies are kept only where someone asks for it

The first entry of a subject carries its wrapped key through the commit log; the indexer moves the key into its slot (`base.privacy.Keyring`)
and the sealed bytes into their table, and the log's copy is zeroed. Rows name subject and entry only by 64-bit hashes.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping

import msgspec

from wardline.base.clock import Clock
from wardline.base.privacy import Keyring, seal, unseal
from wardline.engine.record import Record, lookup_hash
from wardline.engine.sql.indices import VaultRows
from wardline.engine.sql.sql_index import Sealed
from wardline.engine.store.receipt import Receipt

DAY_US = 86_400_000_000
CACHED_KEYS = 65_536
EXPIRE_PAGE = 100


class Class(msgspec.Struct, frozen=True):
    """How long entries of a class live, and whether they are kept at all."""

    ttl_days: int
    enabled: bool = True


CLASSES: Mapping[str, Class] = {"update": Class(400), "body": Class(30, enabled=False), "held": Class(30), "address": Class(400)}


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """The body of a vault record in the commit log. wrapped_key: only in the first entry of a subject, else empty."""

    class_: str
    expires_us: int
    wrapped_key: bytes
    sealed: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Entry)


class Vault:
    """See the module. `put` belongs to the thread that appends to the journal; `get` is open to all."""

    def __init__(
        self, append: Callable[[Record], Receipt], rows: VaultRows, keyring: Keyring, clock: Clock, classes: Mapping[str, Class] = CLASSES
    ) -> None:
        self.classes = dict(classes)
        self._append = append
        self._rows = rows
        self._keyring = keyring
        self._clock = clock
        # Taken after the journal's turn to write SQL and before its lock for the tail, never the other way round.
        self._lock = threading.RLock()
        # Slots whose rows are not committed yet: a second attempt after a full disk must not leave a second copy of a key.
        self._stored: dict[int, int] = {}
        # Keys that are in the commit log only, until the indexer has stored them; and those used lately.
        self._new_keys: dict[int, bytes] = {}
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        # Entries on their way to the index.
        self._waiting: dict[int, tuple[int, int, bytes]] = {}

    def put(self, subject: str, class_: str, id: str, content: bytes) -> Receipt | None:
        """Seal content for a subject. None when the class is switched off. Raises ValueError for an unknown class, and what `append` raises."""
        rule = self._rule(class_)
        if not rule.enabled:
            return None
        if not subject:
            raise ValueError("a vault entry needs a subject: without one nobody could ask for its erasure")
        now_us = self._clock.now_us()
        subject_hash = lookup_hash("subject", subject)
        id_hash = lookup_hash("id", f"{class_}/{id}")
        expires_us = now_us + rule.ttl_days * DAY_US
        # Under the lock as a whole: a key must not be destroyed between its choice and the entry's being known to wait.
        with self._lock:
            key, wrapped = self._key(subject_hash), b""
            if key is None:
                key, wrapped = self._keyring.new(subject_hash)
            sealed = seal(key, content, _context(subject, class_, id))
            body = _encoder.encode(Entry(class_, expires_us, wrapped, sealed))
            receipt = self._append(Record(0, 0, "vault", id, now_us, class_, subject, (), 1, body))
            self._waiting[receipt.seq] = (subject_hash, id_hash, sealed)
            if wrapped:
                self._new_keys[subject_hash] = key
        return receipt

    def get(self, subject: str, class_: str, id: str) -> bytes | None:
        """The newest content under this id; None when there is none, its time has come, or the subject was erased."""
        self._rule(class_)
        subject_hash = lookup_hash("subject", subject)
        id_hash = lookup_hash("id", f"{class_}/{id}")
        key = self._key(subject_hash)
        if key is None:
            return None
        with self._lock:
            candidates = [sealed for s, i, sealed in reversed(self._waiting.values()) if s == subject_hash and i == id_hash]
        candidates.extend(self._rows.newest(id_hash, subject_hash, self._clock.now_us()))
        for sealed in candidates:
            content = unseal(key, sealed, _context(subject, class_, id))
            if content is not None:
                return content
        return None

    def _rule(self, class_: str) -> Class:
        rule = self.classes.get(class_)
        if rule is None:
            raise ValueError(f"the vault has no class {class_!r}; it has {', '.join(sorted(self.classes))}")
        return rule

    def _key(self, subject_hash: int) -> bytes | None:
        with self._lock:
            key = self._new_keys.get(subject_hash) or self._cache.get(subject_hash)
            if key is not None:
                return key
        slot = self._rows.slot(subject_hash)
        key = self._keyring.load(subject_hash, slot) if slot is not None else None
        if key is not None:
            self._remember(subject_hash, key)
        return key

    def _remember(self, subject_hash: int, key: bytes) -> None:
        with self._lock:
            self._cache[subject_hash] = key
            while len(self._cache) > CACHED_KEYS:
                self._cache.popitem(last=False)

    # The indexer's side

    def absorb(self, record: Record) -> tuple[Sealed, tuple[int, int] | None]:
        """A vault record of the log as rows: the entry, and the slot where the subject's new key went."""
        entry = _decoder.decode(record.body)
        subject_hash = lookup_hash("subject", record.subject)
        slot = None
        if entry.wrapped_key:
            number = self._stored.get(subject_hash)
            if number is None:
                number = self._stored[subject_hash] = self._keyring.store(subject_hash, entry.wrapped_key)
            slot = (subject_hash, number)
        id_hash = lookup_hash("id", f"{entry.class_}/{record.id}")
        return Sealed(record.seq, subject_hash, entry.class_, id_hash, entry.expires_us, entry.sealed), slot

    def sync_keys(self) -> None:
        """Make the keys that `absorb` stored durable: before the rows that refer to their slots."""
        self._keyring.sync()

    def indexed(self, records: Iterable[Record]) -> None:
        """These vault records are in the index now."""
        self._stored.clear()
        for record in records:
            subject_hash = lookup_hash("subject", record.subject)
            with self._lock:
                self._waiting.pop(record.seq, None)
                key = self._new_keys.pop(subject_hash, None)
            if key is not None:
                self._remember(subject_hash, key)

    def remove_orphans(self) -> int:
        """Overwrite key slots that nothing refers to. Called once, while the journal opens."""
        return self._keyring.keep_only(self._rows.slots())

    # Erasure; the caller holds the journal's turn to write SQL and has flushed before

    def forget(self, subject: str) -> int:
        """Destroy a subject's key and remove its entries. Gives how many entries there were."""
        subject_hash = lookup_hash("subject", subject)
        with self._lock:
            self._cache.pop(subject_hash, None)
            self._new_keys.pop(subject_hash, None)
            slot = self._rows.slot(subject_hash)
            destroyed = slot is not None and self._keyring.destroy(slot, subject_hash)
            count = self._rows.forget(subject_hash)
            # Only now: a row that was left behind by a failure must never point at the key of somebody else.
            if slot is not None and destroyed:
                self._keyring.release(slot)
            return count

    def expire(self, now_us: int) -> int:
        """Remove entries whose time has come, and the keys of subjects that have none left. Gives how many entries."""
        count = 0
        while True:
            subjects = self._rows.expire(now_us, EXPIRE_PAGE)
            self._drop_unused(set(subjects))
            count += len(subjects)
            if len(subjects) < EXPIRE_PAGE:
                return count

    def _drop_unused(self, subjects: set[int]) -> None:
        """Destroy the keys of those subjects that have no entry left, not even one on its way."""
        with self._lock:
            slots = self._rows.drop_unused(subjects - {subject_hash for subject_hash, _, _ in self._waiting.values()})
            for subject_hash, slot in slots:
                self._cache.pop(subject_hash, None)
                # A crash before this leaves a key to which nothing refers: the next start overwrites it.
                if self._keyring.destroy(slot, subject_hash):
                    self._keyring.release(slot)

    def close(self) -> None:
        """Close the key file."""
        self._keyring.close()


def _context(subject: str, class_: str, id: str) -> bytes:
    return "\0".join((subject, class_, id)).encode("utf-8", "surrogatepass")
