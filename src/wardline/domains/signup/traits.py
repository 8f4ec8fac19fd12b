"""What accounts of series look like at this site, in traits that are weak each: learned from the groups that the graph finds. A DomainState.

    state.read("signup", at_us, facts, now_us)      {"signup.likeness": 1.7, "signup.likeness_of": ["email.number", "phone"]}

Each trait is one of a few classes (how many digits end the name, whether an address was given, how long the form took). Counted are sign-ups in a
group of at least MARKED_FROM in which the account has its own part, or whose name or telephone number comes back, and those in none. The value is the sum over the traits of log(share among the former /
share among the latter), in nats: a naive Bayes likelihood ratio (M. Maron, 1961), smoothed, each trait bounded both ways, and less by TOGETHER because traits are not independent.

What teaches is what the graph and what comes back say, never a verdict or this value itself, so that nothing confirms itself. First accounts of farms are counted on the wrong
side: that makes the ratios smaller, not wrong. Whoever floods with groups that look like other people gains a ratio near that of everybody; its
bound keeps it below any check by itself. Old counts fade: a side is halved when it is full. A few hundred numbers in all.
"""

import math
from collections.abc import Iterable, Mapping
from hashlib import blake2b

import msgspec

from wardline.domains.signup.events import POINT
from wardline.engine.feature import Value, Values
from wardline.engine.kept import KeptDecision, KeptEvent, kept_decision
from wardline.engine.record import Record

MARKED_FROM = 6
SPEAKS_FROM = (40, 200)  # sign-ups in groups, and in none
FULL = 20_000
TRAIT_NATS = 1.5
PRIOR = 4.0
TOLD_NATS = 0.5
TOGETHER = 0.75  # the traits of a name and of its address hang together
KNOWN = ("display_name", "email", "phone", "referrer.host", "invite")
GIVEN = ("name.number", "email.number", "email.is_name", "email.free_mail", "phone.country", "payment")
TOGETHER_GIVEN = {
    "form of the name": ("name.shape",),
    "form of the address": ("email.shape", "email.number"),
    "mail domain": ("email.domain",),
    "kind of browser": ("user_agent.os", "user_agent.family"),
}
FORM_STEPS_MS = (2_000, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000)
NAME_NATS, PHONES = 7.0, 2  # from which a name or a telephone number marks an account by itself
CLASSES = 2  # of the traits and of what teaches: counts of others are no snapshot of this
CLASSES_LIMIT = 64  # of one trait: what a caller may choose freely is not counted without end


class _Kept(msgspec.Struct, array_like=True):
    counts: dict[str, dict[str, list[float]]]
    totals: list[float]
    classes: int = 0


class SignupTraits:
    """See the module."""

    name = "signup_traits"
    types = frozenset({POINT})
    gives: Mapping[str, str] = {"signup.likeness": "number", "signup.likeness_of": "list"}

    def __init__(self) -> None:
        self.applied_seq = 0
        self.counts: dict[str, dict[str, list[float]]] = {}
        self.totals = [0.0, 0.0]

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """The likeness in nats, and the traits that say most; unknown before enough was seen."""
        if type != POINT or not self.speaks():
            return {}
        total, told = self.likeness(traits(facts))
        return {"signup.likeness": total, "signup.likeness_of": told}

    def speaks(self) -> bool:
        """Whether enough was seen of both sides."""
        return self.totals[1] >= SPEAKS_FROM[0] and self.totals[0] >= SPEAKS_FROM[1]

    def likeness(self, made_so: Iterable[tuple[str, str]]) -> tuple[float, list[bool | int | float | str | None]]:
        """The likeness of whoever has these `traits`, in nats, and those that say most. Where it `speaks`."""
        total, told, seen = 0.0, [], sum(self.totals)
        for trait, value in made_so:
            counted = self.counts.get(trait, {}).get(value)
            if counted is None:
                continue
            usual = PRIOR * sum(counted) / seen
            share = [(counted[side] + usual) / (self.totals[side] + PRIOR) for side in (0, 1)]
            nats = min(max(math.log(share[1] / share[0]), -TRAIT_NATS), TRAIT_NATS)
            total += nats * TOGETHER
            if nats >= TOLD_NATS:
                told.append((nats, trait))
        told.sort(reverse=True)
        return round(total, 2), [trait for _nats, trait in told[:3]]

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """Count a decided sign-up on its side; one in a small group, or at the edge of one, on none."""
        if kept.type == POINT and isinstance(kept, KeptDecision):
            side = side_of(kept.read)
            if side is not None:
                self.totals[side] += 1.0
                for trait, value in traits(kept.facts):
                    classes = self.counts.setdefault(trait, {})
                    if value in classes or len(classes) < CLASSES_LIMIT:
                        classes.setdefault(value, [0.0, 0.0])[side] += 1.0
                if self.totals[side] >= FULL:
                    self._halve(side)
        self.applied_seq = seq

    def _halve(self, side: int) -> None:
        self.totals[side] /= 2
        for classes in self.counts.values():
            for counted in classes.values():
                counted[side] /= 2

    def apply(self, record: Record) -> None:
        """One record of the journal."""
        if record.point == POINT and (kept := kept_decision(record)) is not None:
            self.absorb(record.seq, kept, record.time_us)

    def erase(self, subject: str) -> None:
        """Counts of classes hold nobody's name: there is nothing to forget."""

    def snapshot(self) -> bytes:
        """Everything; equal states give equal bytes."""
        return msgspec.msgpack.encode(_Kept(self.counts, self.totals, CLASSES), order="sorted")

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises ValueError, msgspec.DecodeError or ValidationError for anything else."""
        kept = msgspec.msgpack.decode(data, type=_Kept)
        if (
            kept.classes != CLASSES
            or len(kept.totals) != 2
            or any(len(counted) != 2 for classes in kept.counts.values() for counted in classes.values())
        ):
            raise ValueError("signup_traits: not a snapshot")
        self.counts, self.totals = kept.counts, kept.totals

    def digest(self) -> str:
        """Equal states have equal digests."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()


def traits(facts: Values) -> list[tuple[str, str]]:
    """The weak traits of a sign-up, each as one of a few classes."""
    found = [(name, "given" if facts.get(name) is not None else "missing") for name in KNOWN]
    found += [(name, str(value)[:16]) for name in GIVEN if (value := facts.get(name)) is not None]
    for name, of in TOGETHER_GIVEN.items():
        values = [facts.get(part) for part in of]
        if None not in values:
            found.append((name, "|".join([str(value)[:24] for value in values])))
    spent = facts.get("form_ms")
    if isinstance(spent, int | float):
        found.append(("form_ms", str(sum(spent >= step for step in FORM_STEPS_MS))))
    return found


def side_of(read: Values) -> int | None:
    """1: in a large group, with a part of its own, or with a name or number that comes back; 0: in none; None: in between."""
    if comes_back(read):
        return 1
    size = read.get("graph.cluster_size")
    if not isinstance(size, int):
        return None
    rare, very_rare = read.get("graph.rare_shared"), read.get("graph.very_rare_shared")
    own = (isinstance(rare, int) and rare >= 2) or (isinstance(very_rare, int) and very_rare >= 1)
    if size >= MARKED_FROM:
        return 1 if own else None
    return 0 if size <= 1 else None


def comes_back(read: Values) -> bool:
    """The account itself carries a name or a telephone number that comes back more often than chance lets it."""
    phones, name = read.get("recurs.phone_count"), read.get("recurs.name")
    return (isinstance(phones, int) and phones >= PHONES) or (isinstance(name, int | float) and name >= NAME_NATS)
