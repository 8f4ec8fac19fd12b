"""Accounts and the things they share: a state of the journal that finds groups of accounts behind rare keys while they are being made.

    graph = Graph(LINKS, creates=frozenset({"signup"}))
    graph.read("signup", at_us, facts, now_us)     {"graph.cluster_size": 14, "graph.link_bits": 21.5, "graph.rare_shared": 2, …}
    graph.absorb(seq, kept, now_us)                the account, its keys and its links count from here on
    graph.neighbours("account:5f2c…")              [Neighbour(account="account:77a1…", bits=21.5, shared=[Shared("device", 14.0, 1), …]), …]

Two accounts whose shared groups of keys sum to JOIN_BITS are linked, and linked accounts are one cluster (engine/groups/graph_keys.py: what a key is worth).
A thousand accounts that a farm made on one device leave the device rare, and a thousand strangers behind one address make it common.

Bounded: so many accounts and keys; what was seen longest ago goes first and reads as unknown (`lost_us`: birth of the youngest account that
went). An account leaves its cluster when it is forgotten or called benign.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from wardline.engine.feature import Value, Values
from wardline.engine.feedback.labels import label_of
from wardline.engine.groups.clusters import Clusters, KeptClusters
from wardline.engine.groups.graph_keys import JOIN_BITS, Found, Key, Keys, Link
from wardline.engine.groups.graph_values import GIVES, NOTHING, RARE_BITS, Account, Neighbour, Shared, gap_variation, values_of
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.record import Record

KEYS_OF_ACCOUNT = 24
ACCOUNTS_LIMIT = 60_000
KEYS_LIMIT = 300_000
PLACES_LOOKED_AT = 24
ELSEWHERE = 0.15
ENDED_BADLY = ("challenge_failed",)
GIVEN_UP = "abandoned"
ENDED_WELL = ("completed", "challenge_passed")


class _Snapshot(msgspec.Struct, array_like=True):
    next: int
    population: int
    epoch: int
    lost_us: int
    single: list[tuple[int, int]]
    keys: list[tuple[int, Key]]
    accounts: list[tuple[int, Account]]
    clusters: KeptClusters


class Graph:
    """The state. A DomainState."""

    name = "graph"
    gives: Mapping[str, str] = GIVES
    types = None

    def __init__(
        self,
        links: Sequence[Link],
        creates: frozenset[str],
        accounts_limit: int = ACCOUNTS_LIMIT,
        keys_limit: int = KEYS_LIMIT,
        extends: frozenset[str] = frozenset(),
    ) -> None:
        self.keys = Keys(links, keys_limit)
        self.creates = creates
        self.extends = creates | extends  # whoever tries to log in to an account brings it no keys: he may be a stranger
        self.accounts_limit = accounts_limit
        self.applied_seq = 0
        self.clusters = Clusters()
        self.next, self.lost_us = 1, 0
        self.accounts = OrderedDict[int, Account]()
        self.serial_of: dict[str, int] = {}
        self._last: tuple[Values, int, Found] | None = None

    # Reading

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """What the account would be linked to, before it counts. At an event that makes no account: what a known account is linked to by now, or
        nothing for one that is unknown. Changes nothing."""
        own = 0
        if type in self.creates:
            found = self.keys.find(self.keys.numbers(facts), self.accounts)
            self._last = facts, self.applied_seq, found
        else:
            own = self.serial_of.get(str(facts.get("account")), 0)
            if not own:
                return {}
            if self.clusters.members[own].label < 0:
                return dict(NOTHING)
            found = self.keys.find(self.accounts[own].keys, self.accounts, own)
        if not found.joins:
            return dict(NOTHING)
        bits, best = found.joins[0]
        near = [self.accounts[serial] for _bits, serial in found.joins]
        cluster = self.clusters.of(own) or self.clusters.of(best)
        elsewhere = 0.0 if best in found.placed else 1.0
        if cluster is not None:
            recent = cluster.recent[-PLACES_LOOKED_AT:]
            elsewhere = self.keys.elsewhere([self.accounts[serial].keys for serial in recent if serial in self.accounts])
        groups = found.shared[best]
        if best in found.placed or elsewhere < ELSEWHERE:  # the group may be a class or a company, whose people share more than a place
            groups = self.keys.apart(groups)
            bits = sum([worth for worth, _place in groups.values()])
        shared = {self.keys.links[place].name: worth for worth, place in groups.values()}
        values = values_of(cluster, self.accounts[best], near, shared, bits, occurred_us, elsewhere)
        if own:  # it came when it signed up, not now
            values["graph.gap_variation"] = gap_variation(cluster.times) if cluster else None
        return values

    def neighbours(self, name: str, limit: int = 50) -> list[Neighbour]:
        """The accounts that share something rare with an account, strongest first; empty for one that is not in memory."""
        serial = self.serial_of.get(name)
        if serial is None:
            return []
        found = self.keys.find(self.accounts[serial].keys, self.accounts, serial, every=True)
        ranked = sorted(found.shared, key=lambda other: (-sum(worth for worth, _place in found.shared[other].values()), other))
        return [
            Neighbour(
                account=self.accounts[other].name,
                bits=sum(worth for worth, _place in found.shared[other].values()),
                same_cluster=0 < self.clusters.root(other) == self.clusters.root(serial),
                shared=[self._shared(self.accounts[serial], worth, place) for worth, place in found.shared[other].values()],
            )
            for other in ranked[:limit]
        ]

    def _shared(self, account: Account, bits: float, place: int) -> Shared:
        several = self.keys.several
        key = next((several[number] for number in account.keys if number & 31 == place and number in several), None)
        return Shared(self.keys.links[place].name, bits, key.total if key else 1)

    # Counting

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """Count one event: a new account with its keys, or further keys and the end of the sign-up of one that is known."""
        last, self._last = self._last, None
        name = kept.facts.get("account")
        if isinstance(name, str):
            serial = self.serial_of.get(name)
            if serial is not None and kept.type in self.extends:
                self._extend(serial, kept)
            elif serial is None and kept.type in self.creates:
                known = last is not None and last[0] is kept.facts and last[1] == self.applied_seq
                found = last[2] if last is not None and known else self.keys.find(self.keys.numbers(kept.facts), self.accounts)
                self._create(name, kept, found)
        self.applied_seq = seq

    def _create(self, name: str, kept: KeptEvent, found: Found) -> None:
        serial, self.next = self.next, self.next + 1
        self.accounts[serial] = Account.of(name, kept.occurred_us, found.numbers, kept.facts)
        self.serial_of[name] = serial
        self.clusters.add(serial, kept.occurred_us)
        root = self.clusters.join(serial, found.joins, kept.occurred_us)
        self.keys.count(found.numbers, serial, root, self.clusters)
        if not root:
            self.keys.grown()
        if len(self.accounts) > self.accounts_limit:
            self._forget(next(iter(self.accounts)))

    def _extend(self, serial: int, kept: KeptEvent) -> None:
        result = kept.facts.get("result")
        if result == GIVEN_UP:  # there is no such account; whoever tries again under another name is one person
            self._forget(serial)
            return
        account = self.accounts[serial]
        cluster = self.clusters.of(serial)
        if cluster is not None and result in ENDED_BADLY:
            cluster.failed += 1
        elif cluster is not None and result in ENDED_WELL:
            cluster.passed += 1
        room = KEYS_OF_ACCOUNT - len(account.keys)
        if room <= 0:
            return
        new = [number for number in self.keys.numbers(kept.facts) if number not in account.keys][:room]
        if not new:
            return
        account.keys = (*account.keys, *new)
        root = self.clusters.join(serial, self.keys.find(account.keys, self.accounts, serial).joins, kept.occurred_us)
        self.keys.count(new, serial, root, self.clusters)

    # Forgetting

    def _forget(self, serial: int) -> None:
        account = self.accounts.pop(serial)
        del self.serial_of[account.name]
        self.lost_us = max(self.lost_us, account.born_us)
        self.clusters.forget(serial)
        self.clusters.trim(self.accounts_limit)

    def erase(self, subject: str) -> None:
        """Forget an account. Its keys are hashes that lead to nobody from then on, and go the usual way."""
        serial = self.serial_of.get(subject)
        if serial is not None:
            self._forget(serial)

    # A State

    def apply(self, record: Record) -> None:
        """One record: an event counts, a label moves its account."""
        if (kept := kept_event(record)) is not None:
            self.absorb(record.seq, kept, record.time_us)
        elif (label := label_of(record, {})) is not None and (serial := self.serial_of.get(label.about)) is not None:
            said = 0 if label.withdrawn else 1 if label.abusive else -1
            self.clusters.label(serial, said)
            if said < 0:
                self.clusters.leave(serial)

    def snapshot(self) -> bytes:
        """Everything as MessagePack, in the order in which it would be forgotten."""
        return msgspec.msgpack.encode(
            _Snapshot(
                self.next,
                self.keys.population,
                self.keys.epoch,
                self.lost_us,
                list(self.keys.single.items()),
                list(self.keys.several.items()),
                list(self.accounts.items()),
                self.clusters.kept(),
            )
        )

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises msgspec.DecodeError or ValidationError for anything else."""
        kept = msgspec.msgpack.decode(data, type=_Snapshot)
        self.next, self.keys.population, self.keys.epoch, self.lost_us = kept.next, kept.population, kept.epoch, kept.lost_us
        self.keys.single, self.keys.several, self.accounts = OrderedDict(kept.single), OrderedDict(kept.keys), OrderedDict(kept.accounts)
        self.clusters.restore(kept.clusters)
        self.serial_of = {account.name: serial for serial, account in self.accounts.items()}
        self._last = None

    def digest(self) -> str:
        """SHA-256 of the snapshot: its order is part of the state."""
        return hashlib.sha256(self.snapshot()).hexdigest()


__all__ = ["JOIN_BITS", "RARE_BITS", "Graph", "Link"]
