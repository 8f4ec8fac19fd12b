"""Clusters of linked things: union-find from which things can be taken out again.

    clusters = Clusters()
    clusters.join(7, [(21.5, 3), (14.0, 5)], at_us)     7 is linked to 3 and 5: all three are one cluster
    clusters.of(5).size                                 3
    clusters.leave(7)                                   3 and 5 part again: only 7 held them together

Union-find (B. Galler and M. Fischer, 1964) knows no deletion. Here a cluster remembers its last RECENT members, and each member the links it came by: a
cluster of at most RECENT is put together anew from the links that remain when one leaves. A larger one keeps together and counts one less.
Every call takes bounded time; what is kept grows with the members alone.
"""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

RECENT = 64
TIMES = 16
LINKS = 4
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


class Cluster(msgspec.Struct, array_like=True, gc=False):
    """One cluster. recent: its last members, oldest first; times: when they came (event time, microseconds); bits: sum of the bits they came by;
    bad and good: members that labels call so; failed and passed: how its members' sign-ups ended."""

    size: int
    recent: list[int]
    times: list[int]
    first_us: int
    last_us: int
    bits: float = 0.0
    bad: int = 0
    good: int = 0
    failed: int = 0
    passed: int = 0

    def add(self, serial: int, at_us: int, bits: float) -> None:
        """One more member."""
        self.size += 1
        self.bits += bits
        self.recent.append(serial)
        if len(self.recent) > RECENT:
            del self.recent[0]
        self.times.append(at_us)
        if len(self.times) > TIMES:
            del self.times[0]
        self.first_us, self.last_us = min(self.first_us, at_us), max(self.last_us, at_us)

    def take(self, other: "Cluster") -> None:
        """Everything of another cluster."""
        self.size += other.size
        self.bits += other.bits
        self.recent = (other.recent + self.recent)[-RECENT:]
        self.times = sorted(self.times + other.times)[-TIMES:]
        self.first_us, self.last_us = min(self.first_us, other.first_us), max(self.last_us, other.last_us)
        self.bad, self.good = self.bad + other.bad, self.good + other.good
        self.failed, self.passed = self.failed + other.failed, self.passed + other.passed

    def within(self, now_us: int, span_us: int) -> int:
        """How many of the last sixteen came within a span before a time."""
        return sum([now_us - span_us <= at_us <= now_us for at_us in self.times])


class _Member(msgspec.Struct, array_like=True, gc=False):
    cluster: int
    born_us: int
    label: int
    links: tuple[int, ...]


class _Snapshot(msgspec.Struct, array_like=True):
    next: int
    members: list[tuple[int, _Member]]
    clusters: list[tuple[int, Cluster]]
    alias: list[tuple[int, int]]


class Clusters:
    """See the module. Things are numbers that rise as they come."""

    def __init__(self) -> None:
        self.next = 1
        self.members: dict[int, _Member] = {}
        self.clusters: dict[int, Cluster] = {}
        self.alias = OrderedDict[int, int]()

    def add(self, serial: int, born_us: int) -> None:
        """A thing that is linked to nothing yet."""
        self.members[serial] = _Member(0, born_us, 0, ())

    def root(self, serial: int) -> int:
        """The number of the cluster that a thing is in, 0 for none."""
        member = self.members.get(serial)
        if member is None or not member.cluster:
            return 0
        cluster = member.cluster
        while (into := self.alias.get(cluster)) is not None:
            cluster = into
        member.cluster = cluster if cluster in self.clusters else 0
        return member.cluster

    def of(self, serial: int) -> Cluster | None:
        """The cluster that a thing is in; None when it stands alone."""
        return self.clusters.get(self.root(serial))

    def join(self, serial: int, others: Sequence[tuple[float, int]], at_us: int) -> int:
        """Link a thing to others by so many bits each. Gives the number of its cluster."""
        member = self.members[serial]
        root = self.root(serial)
        for bits, other in others[:LINKS]:
            if other not in self.members or other == serial:
                continue
            if other not in member.links:
                member.links = (*member.links, other)[-2 * LINKS :]
            there = self.root(other) or self._alone(other)
            if not root:
                root = member.cluster = there
                cluster = self.clusters[root]
                cluster.add(serial, at_us, bits)
                self._label(cluster, member.label, 1)
            elif there != root:
                root = self._merge(root, there)
        return root

    def _alone(self, serial: int) -> int:
        member = self.members[serial]
        number, self.next = self.next, self.next + 1
        self.clusters[number] = cluster = Cluster(1, [serial], [member.born_us], member.born_us, member.born_us)
        self._label(cluster, member.label, 1)
        member.cluster = number
        return number

    def _merge(self, one: int, other: int) -> int:
        if self.clusters[one].size < self.clusters[other].size:
            one, other = other, one
        gone = self.clusters.pop(other)
        for serial in gone.recent:
            if serial in self.members:
                self.members[serial].cluster = one
        if gone.size > len(gone.recent):  # for the members that it does not remember
            self.alias[other] = one
        self.clusters[one].take(gone)
        return one

    def label(self, serial: int, label: int) -> None:
        """1: abusive, -1: benign, 0: nothing is said."""
        member = self.members.get(serial)
        if member is None:
            return
        cluster = self.of(serial)
        if cluster is not None:
            self._label(cluster, member.label, -1)
            self._label(cluster, label, 1)
        member.label = label

    @staticmethod
    def _label(cluster: Cluster, label: int, by: int) -> None:
        if label > 0:
            cluster.bad = max(cluster.bad + by, 0)
        elif label < 0:
            cluster.good = max(cluster.good + by, 0)

    def forget(self, serial: int) -> None:
        """The thing is gone."""
        self.leave(serial)
        self.members.pop(serial, None)

    def leave(self, serial: int) -> None:
        """Out of its cluster, by no link any more."""
        member, root = self.members.get(serial), self.root(serial)
        if member is None:
            return
        member.links = ()
        if not root:
            return
        cluster = self.clusters[root]
        cluster.bits -= cluster.bits / cluster.size
        cluster.size -= 1
        self._label(cluster, member.label, -1)
        member.cluster = 0
        if serial in cluster.recent:
            cluster.recent.remove(serial)
        if cluster.size <= 1:
            self._dissolve(root)
        elif cluster.size == len(cluster.recent):
            self._rebuild(root, serial)

    def _dissolve(self, root: int) -> None:
        for serial in self.clusters.pop(root).recent:
            if serial in self.members:
                self.members[serial].cluster = 0

    def _rebuild(self, root: int, left: int) -> None:
        cluster = self.clusters[root]
        members = [serial for serial in cluster.recent if serial in self.members]
        near: dict[int, list[int]] = {serial: [] for serial in members}
        for serial in members:
            member = self.members[serial]
            member.links = tuple(other for other in member.links if other != left)
            for other in member.links:
                if other in near:
                    near[serial].append(other)
                    near[other].append(serial)
        parts = _parts(near)
        if len(parts) <= 1:
            return
        bits, times = cluster.bits / max(cluster.size, 1), set(cluster.times)
        self._dissolve(root)
        for part in parts:
            if len(part) > 1:
                made = self.clusters[self._alone(part[0])]
                for serial in part[1:]:
                    member = self.members[serial]
                    member.cluster = self.members[part[0]].cluster
                    made.add(serial, member.born_us, bits)
                    self._label(made, member.label, 1)
                made.times = [at_us for at_us in made.times if at_us in times] or made.times

    def kept(self) -> _Snapshot:
        """Everything, for a snapshot; the names of merged clusters in the order in which they would be forgotten."""
        return _Snapshot(self.next, list(self.members.items()), sorted(self.clusters.items()), list(self.alias.items()))

    def restore(self, kept: _Snapshot) -> None:
        """The inverse of `kept`."""
        self.next, self.members = kept.next, dict(kept.members)
        self.clusters, self.alias = dict(kept.clusters), OrderedDict(kept.alias)

    def trim(self, limit: int) -> None:
        """Forget the oldest of the names under which merged clusters are still known."""
        while len(self.alias) > limit:
            self.alias.popitem(last=False)


KeptClusters = _Snapshot


def _parts(near: dict[int, list[int]]) -> list[list[int]]:
    """The connected parts of a graph, each in rising order."""
    left = set(near)
    parts = []
    while left:
        waiting = [min(left)]
        left.discard(waiting[0])
        part = []
        while waiting:
            serial = waiting.pop()
            part.append(serial)
            for other in near[serial]:
                if other in left:
                    left.discard(other)
                    waiting.append(other)
        parts.append(sorted(part))
    return parts
