"""Accounts and the things they share: a state of the journal that finds groups of accounts behind rare keys while they are being made.

    graph = Graph(LINKS, creates=frozenset({"signup"}))
    graph.read("signup", at_us, facts, now_us)     {"graph.cluster_size": 14, "graph.link_bits": 21.5, "graph.rare_shared": 2, …}
    graph.absorb(seq, kept, now_us)                the account, its keys and its links count from here on
    graph.neighbours("account:5f2c…")              [Neighbour(account="account:77a1…", bits=21.5, shared=[Shared("device", 14.0, 1), …]), …]

What a key is worth is its rarity in bits: log2((accounts + prior) / degree), up to the cap of its kind (inverse document frequency, K. Spärck Jones,
1972). Kinds that imply each other stand in one group, of which the rarest counts. Two accounts whose shared groups sum to JOIN_BITS are linked, and
linked accounts are one cluster. The degree of a key counts a cluster once: a thousand accounts that a farm made on one device leave the
device rare, and a thousand strangers behind one address make it common. A key that is common links nothing and is not walked.

Bounded: so many accounts and keys; what was seen longest ago goes first and reads as unknown (`lost_us`: birth of the youngest account that
went). Per event the last MEMBERS of each rare key are looked at. An account leaves its cluster when it is forgotten or called benign.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from hashlib import blake2b

import msgspec

from wardline.engine.clusters import Clusters, KeptClusters
from wardline.engine.feature import Value, Values, joint_number
from wardline.engine.graph_values import GIVES, NOTHING, RARE_BITS, Account, Neighbour, Shared, gap_variation, values_of
from wardline.engine.kept import KeptEvent, kept_event
from wardline.engine.labels import label_of
from wardline.engine.record import Record

JOIN_BITS = 12.5
WALKED_BITS = 3.0
MEMBERS = 8
KEYS_OF_ACCOUNT = 24
EPOCH_ACCOUNTS = 1 << 16
ACCOUNTS_LIMIT = 60_000
KEYS_LIMIT = 300_000
LINKS_LIMIT = 32
ENDED_BADLY = ("challenge_failed", "abandoned")
ENDED_WELL = ("completed", "challenge_passed")


class Link(msgspec.Struct, frozen=True):
    """A kind of key. of: the facts that make it. group: kinds that imply each other share one. cap: the most bits that it is worth. prior: among how
    many accounts it is taken to be rare before any were seen (a device number is rare beforehand, a browser is not)."""

    name: str
    of: tuple[str, ...]
    group: str
    cap: float
    prior: int


class Key(msgspec.Struct, array_like=True):
    """A key that at least two accounts have. degree: accounts and clusters that have it, as of an epoch; total: accounts; members: the last of them."""

    degree: int
    epoch: int
    total: int
    members: list[int]


class Found(msgspec.Struct):
    """What an account of these keys is linked to. shared: candidate -> group -> (bits, place of the link); joins: (bits, candidate), strongest first."""

    keys: list[int]
    shared: dict[int, dict[str, tuple[float, int]]]
    joins: list[tuple[float, int]]


class _Snapshot(msgspec.Struct, array_like=True):
    next: int
    population: int
    epoch: int
    lost_us: int
    single: list[tuple[int, int]]
    keys: list[tuple[int, Key]]
    accounts: list[tuple[int, Account]]
    clusters: KeptClusters


_BEGUN = blake2b(digest_size=7)


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
        if len(links) > LINKS_LIMIT:
            raise ValueError(f"{len(links)} kinds of key; at most {LINKS_LIMIT}")
        self.links = tuple(links)
        self.creates = creates
        self.extends = creates | extends  # whoever tries to log in to an account brings it no keys: he may be a stranger
        self.accounts_limit, self.keys_limit = accounts_limit, keys_limit
        self.applied_seq = 0
        self.clusters = Clusters()
        self.next, self.population, self.epoch, self.lost_us = 1, 0, 0, 0
        # Whatever is full gives up its first entry: an OrderedDict finds that at once, a dict walks over the gaps of those that went before.
        self.single = OrderedDict[int, int]()
        self.keys = OrderedDict[int, Key]()
        self.accounts = OrderedDict[int, Account]()
        self.serial_of: dict[str, int] = {}
        self._last: tuple[Values, int, Found] | None = None

    # Reading

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """What the account would be linked to, before it counts. At an event that makes no account: what a known account is linked to by now, or
        nothing for one that is unknown. Changes nothing."""
        own = 0
        if type in self.creates:
            found = self._find(self._identify(facts))
            self._last = facts, self.applied_seq, found
        else:
            own = self.serial_of.get(str(facts.get("account")), 0)
            if not own:
                return {}
            if self.clusters.members[own].label < 0:
                return dict(NOTHING)
            found = self._find(list(self.accounts[own].keys), own)
        if not found.joins:
            return dict(NOTHING)
        bits, best = found.joins[0]
        shared = {self.links[place].name: worth for worth, place in found.shared[best].values()}
        near = [self.accounts[serial] for _bits, serial in found.joins]
        cluster = self.clusters.of(own) or self.clusters.of(best)
        values = values_of(cluster, self.accounts[best], near, shared, bits, occurred_us)
        if own:  # it came when it signed up, not now
            values["graph.gap_variation"] = gap_variation(cluster.times) if cluster else None
        return values

    def _identify(self, facts: Values) -> list[int]:
        """A number for every key whose facts are all known; its lowest five bits are the place of its kind."""
        keys, get = [], facts.get
        for place, link in enumerate(self.links):
            number = joint_number(_BEGUN, link.name, link.of, get)
            if number is not None:
                keys.append(number << 5 | place)
        return keys

    def bits(self, degree: int, link: Link) -> float:
        """The rarity of a key, in steps of a quarter of a bit. Made of whole numbers, so that every machine finds the same."""
        ratio = ((self.population + link.prior) << 4) // max(degree, 1)
        return min(max((ratio**4).bit_length() / 4 - 4.25, 0.0), link.cap)

    def degree(self, key: Key) -> int:
        """How many accounts and clusters have a key, older ones counting half with each epoch."""
        return max(key.degree >> min(self.epoch - key.epoch, 40), 1)

    def _find(self, keys: list[int], own: int = 0) -> Found:
        shared: dict[int, dict[str, tuple[float, int]]] = {}
        for number in keys:
            key = self.keys.get(number)
            if key is None:
                first = self.single.get(number)
                if first is None or first == own:
                    continue
                members, degree = [first], 1
            else:
                members, degree = key.members, self.degree(key)
            place = number & 31
            link = self.links[place]
            worth = self.bits(degree, link)
            if worth < WALKED_BITS:
                continue
            for serial in members:
                if serial != own and serial in self.accounts:
                    groups = shared.setdefault(serial, {})
                    before = groups.get(link.group)
                    if before is None or before[0] < worth:
                        groups[link.group] = worth, place
        joins = []
        for serial, groups in shared.items():
            total = sum([worth for worth, _place in groups.values()])
            if total >= JOIN_BITS:
                joins.append((total, serial))
        joins.sort(reverse=True)
        return Found(keys, shared, joins)

    def neighbours(self, name: str, limit: int = 50) -> list[Neighbour]:
        """The accounts that share something rare with an account, strongest first; empty for one that is not in memory."""
        serial = self.serial_of.get(name)
        if serial is None:
            return []
        found = self._find(list(self.accounts[serial].keys), serial)
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
        key = next((self.keys[number] for number in account.keys if number & 31 == place and number in self.keys), None)
        return Shared(self.links[place].name, bits, key.total if key else 1)

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
                self._create(name, kept, last[2] if last is not None and known else self._find(self._identify(kept.facts)))
        self.applied_seq = seq

    def _create(self, name: str, kept: KeptEvent, found: Found) -> None:
        serial, self.next = self.next, self.next + 1
        self.accounts[serial] = Account.of(name, kept.occurred_us, tuple(found.keys), kept.facts)
        self.serial_of[name] = serial
        self.clusters.add(serial, kept.occurred_us)
        root = self.clusters.join(serial, found.joins, kept.occurred_us)
        for number in found.keys:
            self._count(number, serial, root)
        if not root:
            self.population += 1
            if self.population >= EPOCH_ACCOUNTS:
                self.population >>= 1
                self.epoch += 1
        if len(self.accounts) > self.accounts_limit:
            self._forget(next(iter(self.accounts)))

    def _extend(self, serial: int, kept: KeptEvent) -> None:
        account = self.accounts[serial]
        result = kept.facts.get("result")
        cluster = self.clusters.of(serial)
        if cluster is not None and result in ENDED_BADLY:
            cluster.failed += 1
        elif cluster is not None and result in ENDED_WELL:
            cluster.passed += 1
        room = KEYS_OF_ACCOUNT - len(account.keys)
        if room <= 0:
            return
        new = [number for number in self._identify(kept.facts) if number not in account.keys][:room]
        if not new:
            return
        account.keys = (*account.keys, *new)
        root = self.clusters.join(serial, self._find(list(account.keys), serial).joins, kept.occurred_us)
        for number in new:
            self._count(number, serial, root)

    def _count(self, number: int, serial: int, root: int) -> None:
        key = self.keys.pop(number, None)
        if key is None:
            first = self.single.pop(number, None)
            if first is None:
                self.single[number] = serial
                if len(self.single) > self.keys_limit:
                    self.single.popitem(last=False)
                return
            key = Key(1, self.epoch, 1, [first])
        self.keys[number] = key  # what was seen last goes last
        if key.epoch != self.epoch:
            key.degree, key.epoch = self.degree(key), self.epoch
        key.total += 1
        if not root or not any(self.clusters.root(member) == root for member in key.members):
            key.degree += 1
        key.members.append(serial)
        if len(key.members) > MEMBERS:
            del key.members[0]
        if len(self.keys) > self.keys_limit:
            self.keys.popitem(last=False)

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
                self.population,
                self.epoch,
                self.lost_us,
                list(self.single.items()),
                list(self.keys.items()),
                list(self.accounts.items()),
                self.clusters.kept(),
            )
        )

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises msgspec.DecodeError or ValidationError for anything else."""
        kept = msgspec.msgpack.decode(data, type=_Snapshot)
        self.next, self.population, self.epoch, self.lost_us = kept.next, kept.population, kept.epoch, kept.lost_us
        self.single, self.keys, self.accounts = OrderedDict(kept.single), OrderedDict(kept.keys), OrderedDict(kept.accounts)
        self.clusters.restore(kept.clusters)
        self.serial_of = {account.name: serial for serial, account in self.accounts.items()}
        self._last = None

    def digest(self) -> str:
        """SHA-256 of the snapshot: its order is part of the state."""
        return hashlib.sha256(self.snapshot()).hexdigest()


__all__ = ["JOIN_BITS", "RARE_BITS", "Graph", "Link"]
