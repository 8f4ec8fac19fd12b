"""A record of the journal: one event, decision, label, action, audit note or vault entry, with what it can be found by.

    Record(seq=0, shard=0, kind="decision", id="01K…", time_us=1795253400125000, point="mail", subject="account:5f…",
           keys=("message:9c…", "recipient:5f…"), schema_version=1, body=b"{…}")

`seq` 0 means "give it the next one". `subject` and `keys` are pseudonyms (`base.privacy`); `body` belongs to whoever wrote the record.
On disk a record is a MessagePack array in the order of the fields, and is told intact by its CRC-32 (ISO 3309, as in zlib).
"""

from hashlib import blake2b

import msgspec

KINDS = ("event", "decision", "label", "action", "audit", "vault")
# Bounds of one record; a batch, a segment and the memory for what is not indexed yet are sized after them.
BODY_LIMIT_BYTES = 1 << 20
TEXT_LIMIT = 256
KEYS_LIMIT = 64


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One entry. time_us: microseconds since the epoch. Raises ValueError from `check` when a bound is broken."""

    seq: int
    shard: int
    kind: str
    id: str
    time_us: int
    point: str = ""
    subject: str = ""
    keys: tuple[str, ...] = ()
    schema_version: int = 1
    body: bytes = b""

    def with_seq(self, seq: int) -> "Record":
        """The same record at another place."""
        return Record(
            seq, self.shard, self.kind, self.id, self.time_us, self.point, self.subject, self.keys, self.schema_version, self.body
        )


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def encode(record: Record) -> bytes:
    """The bytes of a record as they are stored and summed."""
    return _encoder.encode(record)


def decode(data: bytes | memoryview) -> Record:
    """The record behind the bytes. Raises msgspec.DecodeError or msgspec.ValidationError."""
    return _decoder.decode(data)


def check(record: Record) -> None:
    """Raises ValueError, with what and the limit, for a record that the journal does not take."""
    if record.kind not in KINDS:
        raise ValueError(f"the journal has no kind {record.kind!r}; use one of {', '.join(KINDS)}")
    if not 1 <= record.schema_version <= 32_767:
        raise ValueError(f"a record's schema_version is {record.schema_version}; it runs from 1 to 32767")
    if len(record.body) > BODY_LIMIT_BYTES:
        raise ValueError(f"a record's body has {len(record.body)} bytes; the limit is {BODY_LIMIT_BYTES}")
    if len(record.keys) > KEYS_LIMIT:
        raise ValueError(f"a record has {len(record.keys)} keys; the limit is {KEYS_LIMIT}")
    for text in (record.id, record.point, record.subject, *record.keys):
        if len(text) > TEXT_LIMIT:
            raise ValueError(f"an id, point, subject or key of a record has {len(text)} characters; the limit is {TEXT_LIMIT}")


# A hash for each kind of place, to be copied for each value.
_BEGUN = {what: blake2b(digest_size=8, person=what.encode()) for what in ("id", "key", "subject")}


def lookup_hash(what: str, value: str) -> int:
    """Where a value is filed: 64 bits, signed as SQL wants them. Two values may share one; whoever looks up compares the record itself.

    what: "id" (value "kind/id"), "key" or "subject".
    """
    begun = _BEGUN[what].copy()
    begun.update(value.encode("utf-8", "surrogatepass"))
    return int.from_bytes(begun.digest(), "big", signed=True)


def lookup_hashes(record: Record) -> set[int]:
    """All places under which a record is filed: its id, its subject and its keys."""
    places = {lookup_hash("id", f"{record.kind}/{record.id}")}
    if record.subject:
        places.add(lookup_hash("subject", record.subject))
    for key in record.keys:
        places.add(lookup_hash("key", key))
    return places
