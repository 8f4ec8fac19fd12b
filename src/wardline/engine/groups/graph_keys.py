"""The keys that accounts share, each with its rarity and its last members: what the graph walks to find whom an account is linked to.

    keys = Keys(LINKS, limit=300_000)
    numbers = keys.numbers(facts)                 one for each kind whose facts are known
    keys.find(numbers, accounts)                  Found(shared={7: {"client": (14.0, 0)}}, joins=[(14.0, 7)])
    keys.count(numbers, 9, root, clusters)        account 9 has them too

What a key is worth is its rarity in bits: log2((accounts + prior) / degree), up to the cap of its kind (inverse document frequency, K. Spärck Jones,
1972). The degree of a key counts a cluster once. A key that is common links nothing and is not walked. Of kinds in one group the rarest counts.

Bounded: so many keys of one account, and as many of several; what was seen longest ago goes first. A key keeps its last MEMBERS accounts. So an event
costs the same whatever the history.
"""

from collections import OrderedDict
from collections.abc import Collection, Sequence

import msgspec

from wardline.engine.feature import Values
from wardline.engine.groups.clusters import Clusters
from wardline.engine.groups.joint import Joint

JOIN_BITS = 12.5
WALKED_BITS = 3.0
MEMBERS = 8
EPOCH_ACCOUNTS = 1 << 16
LINKS_LIMIT = 32
NUMBER_BYTES = 7
LOCAL_SHARE = 0.25


class Link(msgspec.Struct, frozen=True):
    """A kind of key. of: the facts that make it. group: kinds that imply each other share one. cap: the most bits that it is worth. prior: among how
    many accounts it is taken to be rare before any were seen (a device number is rare beforehand, a browser is not)."""

    name: str
    of: tuple[str, ...]
    group: str
    cap: float
    prior: int
    place: bool = False
    local: bool = False


class Key(msgspec.Struct, array_like=True, gc=False):
    """A key that at least two accounts have. degree: accounts and clusters that have it, as of an epoch; total: accounts; members: the last of them."""

    degree: int
    epoch: int
    total: int
    members: tuple[int, ...]


class Found(msgspec.Struct, gc=False):
    """What an account is linked to. shared: candidate -> group -> (bits, place of the link); joins: (bits, candidate), strongest first; placed: those
    at its own place."""

    numbers: tuple[int, ...]
    shared: dict[int, dict[str, tuple[float, int]]]
    joins: list[tuple[float, int]]
    placed: set[int]


class Keys:
    """See the module. population: accounts and clusters so far, halved with each epoch as the degrees are."""

    def __init__(self, links: Sequence[Link], limit: int) -> None:
        if len(links) > LINKS_LIMIT:
            raise ValueError(f"{len(links)} kinds of key; at most {LINKS_LIMIT}")
        self.links, self.limit = tuple(links), limit
        self.population, self.epoch = 0, 0
        # Whatever is full gives up its first entry: an OrderedDict finds that at once, a dict walks over the gaps of those that went before.
        self.single = OrderedDict[int, int]()
        self.several = OrderedDict[int, Key]()
        self.widest = max((place for place, link in enumerate(links) if link.place), default=-1)
        self._joint = Joint(tuple((link.name, link.of) for link in links), NUMBER_BYTES)

    def numbers(self, facts: Values) -> tuple[int, ...]:
        """A number for every key whose facts are all known; its lowest five bits are the place of its kind."""
        return tuple([number << 5 | place for place, number in enumerate(self._joint.numbers(facts)) if number is not None])

    def bits(self, degree: int, link: Link) -> float:
        """The rarity of a key, in steps of a quarter of a bit. Made of whole numbers, so that every machine finds the same."""
        bits = ((((self.population + link.prior) << 4) // degree) ** 4).bit_length() / 4 - 4.25
        return bits if bits < link.cap else link.cap

    def degree(self, key: Key) -> int:
        """How many accounts and clusters have a key, older ones counting half with each epoch."""
        return max(key.degree >> min(self.epoch - key.epoch, 40), 1)

    def find(self, numbers: Sequence[int], accounts: Collection[int], own: int = 0, every: bool = False) -> Found:
        """What an account with these keys is linked to, itself left out; `every`: also those with whom it shares too little for a link."""
        walked: list[tuple[float, int, tuple[int, ...]]] = []
        near: dict[str, set[int]] = {}
        wanted: set[int] = set()
        placed: set[int] = set()
        for number in numbers:
            key = self.several.get(number)
            if key is not None:
                members = key.members
                degree = key.degree if key.epoch == self.epoch else self.degree(key)
            else:
                first = self.single.get(number)
                if first is None or first == own:
                    continue
                members, degree = (first,), 1
            place = number & 31
            link = self.links[place]
            worth = self.bits(degree, link)
            if worth < WALKED_BITS:
                continue
            walked.append((worth, place, members))
            if every or worth >= JOIN_BITS:
                wanted.update(members)
            if link.place:
                placed.update(members)
            if (there := near.get(link.group)) is None:
                near[link.group] = set(members)
            else:
                there.update(members)
        # Whoever is linked shares one key that is enough by itself, or keys of two groups: most strangers share one thing, and are not looked at further.
        once: set[int] = set()
        for there in near.values():
            wanted |= once & there
            once |= there
        shared: dict[int, dict[str, tuple[float, int]]] = {}
        if wanted:
            for worth, place, members in walked:
                group = self.links[place].group
                for serial in members:
                    if serial in wanted and serial != own and serial in accounts:
                        groups = shared.setdefault(serial, {})
                        before = groups.get(group)
                        if before is None or before[0] < worth:
                            groups[group] = worth, place
        joins = []
        for serial, groups in shared.items():
            if serial in placed:
                groups = self.apart(groups)
            total = sum([worth for worth, _place in groups.values()])
            if total >= JOIN_BITS:
                joins.append((total, serial))
        joins.sort(reverse=True)
        return Found(tuple(numbers), shared, joins, placed)

    def apart(self, groups: dict[str, tuple[float, int]]) -> dict[str, tuple[float, int]]:
        """What two accounts at one place share, less what people of one place share anyway."""
        return {group: (worth * LOCAL_SHARE if self.links[place].local else worth, place) for group, (worth, place) in groups.items()}

    def elsewhere(self, members: Sequence[Sequence[int]]) -> float:
        """Of accounts with these numbers the share that is elsewhere than most; two networks may be one place, that of IPv4 and that of IPv6. 1 where no
        place is known."""
        counted: dict[int, int] = {}
        for numbers in members:
            for number in numbers:
                if number & 31 == self.widest:
                    counted[number] = counted.get(number, 0) + 1
        if not counted:
            return 1.0
        known, most = sum(counted.values()), sorted(counted.values())[-2:]
        return (known - most[-1] - (most[0] if len(most) == 2 and most[0] > 1 else 0)) / known

    def count(self, numbers: Sequence[int], serial: int, root: int, clusters: Clusters) -> None:
        """An account has these keys from here on. root: the cluster that it is in, 0 for none: a cluster counts once."""
        several, single = self.several, self.single
        for number in numbers:
            key = several.get(number)
            if key is None:
                first = single.pop(number, None)
                if first is None:
                    single[number] = serial
                    if len(single) > self.limit:
                        single.popitem(last=False)
                    continue
                key = several[number] = Key(1, self.epoch, 1, (first,))
                if len(several) > self.limit:
                    several.popitem(last=False)
            else:
                several.move_to_end(number)  # what was seen last goes last
            if key.epoch != self.epoch:
                key.degree, key.epoch = self.degree(key), self.epoch
            members = key.members
            key.total += 1
            if not root or root not in map(clusters.root, members):
                key.degree += 1
            key.members = (*members[1:], serial) if len(members) >= MEMBERS else (*members, serial)

    def grown(self) -> None:
        """One more account that is in no cluster, or a cluster."""
        self.population += 1
        if self.population >= EPOCH_ACCOUNTS:
            self.population >>= 1
            self.epoch += 1
