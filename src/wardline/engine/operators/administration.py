"""What operators decided: mode, pause, allow and block lists, API keys, held messages. A state of the journal like every other.

    Act(op="mode", actor="cli", point="mail.in", value="tag")      -> decisions of mail.in are tagged from now on
    Act(op="list.add", actor="ada", entry=ListEntry(list="block", kind="domain", value="bad.example", …))

Every administrative act is one journal record of kind "audit": who, what, when, why. Replaying the records gives the state again, so the
audit trail and the settings cannot disagree. Values that are personal (an address, a user) are pseudonyms; `shown` is their sealed form.
"""

import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterator
from typing import Literal

import msgspec

from wardline.engine.record import Record

MODES = ("observe", "tag", "enforce")
SCOPES = ("decide", "read", "learn", "admin")
ENTRY_LIMIT = 100_000  # list entries; beyond it a source file is the right place
HELD_LIMIT = 100_000
MODELS_LIMIT = 16  # promotions of one point that can be taken back

Mode = Literal["observe", "tag", "enforce"]


class ListEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the allow or the block list. kind: domain (authenticated), network, address or user (pseudonyms)."""

    id: str
    list: str
    kind: str
    value: str
    owner: str
    reason: str
    added_s: int
    expires_s: int | None = None
    shown: str = ""


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """An API key: only the SHA-256 of its 256 random bits is kept."""

    id: str
    digest: str
    scopes: tuple[str, ...]
    name: str
    added_s: int


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A message on hold: which decision, who has the bytes, until when."""

    id: str
    holder: str
    queue_id: str
    since_s: int
    expires_s: int
    reason: str = ""


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One administrative act, the body of an audit record."""

    op: str
    actor: str
    point: str = ""
    value: str = ""
    reason: str = ""
    entry: ListEntry | None = None
    key: ApiKey | None = None
    held: Held | None = None


class _Snapshot(msgspec.Struct):
    modes: dict[str, str] = {}
    paused: bool = False
    entries: list[ListEntry] = []
    keys: list[ApiKey] = []
    held: list[Held] = []
    models: dict[str, list[str]] = {}


class Administration:
    """The settings as of `applied_seq`. Changes only by `apply`; reading is cheap enough for every decision."""

    name = "administration"

    def __init__(self) -> None:
        self.applied_seq = 0
        self.modes: dict[str, str] = {}
        self.paused = False
        self.entries: dict[str, ListEntry] = {}
        self.keys: dict[str, ApiKey] = {}
        self.held: dict[str, Held] = {}
        # By decision point: the models that were promoted, the one that serves last.
        self.models: dict[str, list[str]] = {}
        self._by_value: dict[tuple[str, str], list[ListEntry]] = {}
        # (IP version, prefix length) -> entries: which networks around an address are worth looking up.
        self._lengths: dict[tuple[int, int], int] = {}

    def absorb(self, seq: int, act: Act | None) -> None:
        """Apply the act of one record; records at or before `applied_seq` were applied already."""
        if seq > self.applied_seq:
            self.applied_seq = seq
            if act is not None:
                self.act(act)

    def apply(self, record: Record) -> None:
        """`absorb` for a record as the journal has it."""
        if record.seq > self.applied_seq:
            self.absorb(record.seq, msgspec.msgpack.decode(record.body, type=Act) if record.kind == "audit" else None)

    def act(self, act: Act) -> None:
        """Apply one act. Unknown operations are kept in the journal and change nothing here."""
        match act.op:
            case "mode":
                self.modes[act.point] = act.value
            case "pause":
                self.paused = True
            case "resume":
                self.paused = False
            case "list.add" if act.entry and len(self.entries) < ENTRY_LIMIT:
                self.entries[act.entry.id] = act.entry
                self._file(act.entry)
            case "list.remove":
                self._remove_entry(act.value)
            case "key.add" if act.key:
                self.keys[act.key.id] = act.key
            case "key.remove":
                self.keys.pop(act.value, None)
            case "hold" if act.held:
                while len(self.held) >= HELD_LIMIT:
                    self.held.pop(next(iter(self.held)))
                self.held[act.held.id] = act.held
            case "release" | "drop" | "hold.expire":
                self.held.pop(act.value, None)
            case "model.promote" if act.point:
                self.models[act.point] = [*self.models.get(act.point, []), act.value][-MODELS_LIMIT:]
            case "model.rollback" if self.models.get(act.point):
                self.models[act.point].pop()

    def _file(self, entry: ListEntry) -> None:
        self._by_value.setdefault((entry.kind, entry.value), []).append(entry)
        if length := _length(entry):
            self._lengths[length] = self._lengths.get(length, 0) + 1

    def _remove_entry(self, entry_id: str) -> None:
        entry = self.entries.pop(entry_id, None)
        if entry:
            rest = [other for other in self._by_value[entry.kind, entry.value] if other.id != entry_id]
            if length := _length(entry):
                self._lengths[length] -= 1
                if not self._lengths[length]:
                    del self._lengths[length]
            if rest:
                self._by_value[entry.kind, entry.value] = rest
            else:
                del self._by_value[entry.kind, entry.value]

    def mode(self, point: str, default: str) -> str:
        """The mode of a point; while paused every point only observes."""
        return "observe" if self.paused else self.modes.get(point, default)

    def model(self, point: str) -> str:
        """The name of the model that was promoted at a decision point; "" for none."""
        return next(reversed(self.models.get(point, [])), "")

    def matches(self, kind: str, value: str, now_s: int) -> Iterator[ListEntry]:
        """The list entries for one identity that have not expired."""
        for entry in self._by_value.get((kind, value), ()):
            if entry.expires_s is None or entry.expires_s > now_s:
                yield entry

    def covering(self, ip: str, now_s: int) -> Iterator[ListEntry]:
        """The entries for networks, of whatever length, that hold an address and have not expired; none for a text that is no address."""
        if not self._lengths:
            return
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        for version, length in sorted(self._lengths):
            if version == address.version:
                yield from self.matches("network", str(ipaddress.ip_network((address, length), strict=False)), now_s)

    def scopes(self, token: str) -> tuple[str, ...]:
        """What a presented API key may do; () when it is not one of ours. Compared in constant time."""
        parts = token.split("_", 2)
        key = self.keys.get(parts[1]) if len(parts) == 3 and parts[0] == "wl" else None
        digest = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        # Compared also when the key is unknown, so that the time taken does not tell which ids exist.
        return key.scopes if hmac.compare_digest(digest, key.digest if key else "0" * 64) and key else ()

    def snapshot(self) -> bytes:
        """The whole state as MessagePack."""
        lists = list(self.entries.values()), list(self.keys.values()), list(self.held.values())
        state = _Snapshot(self.modes, self.paused, *lists, self.models)
        return msgspec.msgpack.encode(state)

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises msgspec.DecodeError or ValidationError for anything else."""
        state = msgspec.msgpack.decode(data, type=_Snapshot)
        self.modes, self.paused = state.modes, state.paused
        self.entries = {entry.id: entry for entry in state.entries}
        self.keys = {key.id: key for key in state.keys}
        self.held = {held.id: held for held in state.held}
        self.models = state.models
        self._by_value, self._lengths = {}, {}
        for entry in state.entries:
            self._file(entry)

    def digest(self) -> str:
        """SHA-256 of the state in a fixed order."""
        state = _Snapshot(
            dict(sorted(self.modes.items())),
            self.paused,
            sorted(self.entries.values(), key=lambda entry: entry.id),
            sorted(self.keys.values(), key=lambda key: key.id),
            sorted(self.held.values(), key=lambda held: held.id),
            dict(sorted(self.models.items())),
        )
        return hashlib.sha256(msgspec.msgpack.encode(state)).hexdigest()


def _length(entry: ListEntry) -> tuple[int, int] | None:
    """IP version and prefix length of a network's entry; None for every other."""
    if entry.kind != "network":
        return None
    try:
        network = ipaddress.ip_network(entry.value, strict=False)
    except ValueError:
        return None
    return network.version, network.prefixlen


def new_key(name: str, scopes: tuple[str, ...], now_s: int) -> tuple[str, ApiKey]:
    """A fresh API key: the token to hand over once, and what is kept of it."""
    key_id = secrets.token_hex(4)
    token = f"wl_{key_id}_{secrets.token_urlsafe(32)}"
    return token, ApiKey(id=key_id, digest=hashlib.sha256(token.encode()).hexdigest(), scopes=scopes, name=name, added_s=now_s)
