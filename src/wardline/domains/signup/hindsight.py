"""A second look at a sign-up, when its account logs in or does something: what would be said of it, had it been known what came after it. A DomainState.

    state.read("login", at_us, {"account": "account:5f…"}, now_us)      {"signup.hindsight": 0.8, "signup.hindsight_of": ["signup.returns"]}

The first accounts of a farm share nothing with anybody when they are made, and what its names and domains have in common is no run yet. So of each new account is
kept what its sign-up said then: the log-odds of the decision, the keys that may come back, its traits. At a login what comes back and the graph are read
again as of now, and the log-odds are told with the greater of both: `signup.hindsight`, which means what the score of a sign-up means. Unknown where nothing
rose, so that nobody is asked twice for the same.

What an account does later, and who logs in to it, brings nothing: only sign-ups do. Whoever passed a challenge at a login, or was called benign, is looked at no more.
Bounded: the last ACCOUNTS_LIMIT new accounts, each until LOGINS logins ended well; about 1 KB for each.
"""

from collections import OrderedDict
from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from wardline.domains.signup.detectors.cluster import Cluster
from wardline.domains.signup.detectors.returns import Returns
from wardline.domains.signup.events import OUTCOME, POINT
from wardline.domains.signup.traits import SignupTraits, traits
from wardline.engine.feature import Value, Values, number
from wardline.engine.feedback.labels import label_of
from wardline.engine.graph import Graph
from wardline.engine.groups.recurrence import EVENTS, Recurrence
from wardline.engine.kept import KeptDecision, KeptEvent, kept_record
from wardline.engine.record import Record
from wardline.engine.signal import Signal, log_odds

LOGIN, SESSION, LOGIN_OUTCOME = "login", "session", "login.outcome"
ENDED_WELL, PROVED = frozenset({"success", "challenge_passed"}), "challenge_passed"
GIVEN_UP = "abandoned"
ACCOUNTS_LIMIT = 30_000
LOGINS = 6
RISE = 0.25  # nats, below which nothing is known that was not known then
LINK_BITS = 14.0  # what just links, two people share by chance


_pairs = msgspec.msgpack.Decoder(list[tuple[str, str]])


class _Made(msgspec.Struct, array_like=True, gc=False):
    """A sign-up as it is kept. index: how many came before it; numbers: its keys, 0 for none; traits: as pairs in MessagePack, which
    takes less room; group, back: what the two detectors said then, in nats."""

    index: int
    numbers: tuple[int, ...]
    traits: bytes
    log_odds: float
    group: float
    back: float
    logins: int = 0


class SignupHindsight:
    """See the module. graph, returns, likeness: the states that are read again; they are read only when this one is."""

    name = "signup_hindsight"
    types = frozenset({POINT, OUTCOME, LOGIN_OUTCOME})
    gives: Mapping[str, str] = {"signup.hindsight": "number", "signup.hindsight_of": "list"}

    def __init__(self, graph: Graph, returns: Recurrence, likeness: SignupTraits, limit: int = ACCOUNTS_LIMIT) -> None:
        self.graph, self.returns, self.likeness, self.limit = graph, returns, likeness, limit
        self.applied_seq = 0
        self.accounts = OrderedDict[str, _Made]()
        self._group, self._back = Cluster(), Returns()

    def read(self, type: str, occurred_us: int, facts: Values, time_us: int) -> dict[str, Value]:
        """The log-odds with what is known now, and the detectors that say more than then. Changes nothing."""
        made = self.accounts.get(str(facts.get("account"))) if type in (LOGIN, SESSION) else None
        if made is None:
            return {}
        back = self._back_now(made) - made.back
        group = self._group_now(occurred_us, facts) - made.group
        rose = {name: nats for name, nats in (("signup.returns", back), ("signup.cluster", group)) if nats > 0}
        if sum(rose.values()) < RISE:
            return {}
        return {
            "signup.hindsight": round(made.log_odds + sum(rose.values()), 3),
            "signup.hindsight_of": [*sorted(rose, key=rose.__getitem__, reverse=True)],
        }

    def names(self) -> list[str]:
        """The accounts that are looked at, oldest first."""
        return list(self.accounts)

    def log_odds_now(self, account: str, at_us: int) -> float | None:
        """What would be said of an account, if it logged in at a time; None where nothing rose."""
        found = self.read(LOGIN, at_us, {"account": account}, at_us).get("signup.hindsight")
        return found if isinstance(found, float) else None

    def _back_now(self, made: _Made) -> float:
        found = self.returns.since([key or None for key in made.numbers], made.index)
        if self.likeness.speaks():
            found["signup.likeness"] = self.likeness.likeness(_pairs.decode(made.traits))[0]
        return _nats(self._back.judge(found))

    def _group_now(self, occurred_us: int, facts: Values) -> float:
        found = self.graph.read(LOGIN, occurred_us, facts, 0)
        if number(found, "graph.link_bits") < LINK_BITS:
            return 0.0
        # The account itself is in the group by now.
        return _nats(self._group.judge({**found, "graph.cluster_size": number(found, "graph.cluster_size") - 1}))

    def absorb(self, seq: int, kept: KeptEvent, time_us: int) -> None:
        """A sign-up is kept; a login that ended well makes its account older."""
        name = kept.facts.get("account")
        if kept.type == POINT:
            if isinstance(kept, KeptDecision) and isinstance(name, str) and name not in self.accounts:
                index = kept.read.get(EVENTS)
                if isinstance(index, int):
                    self._keep(name, index, kept)
        elif isinstance(name, str) and name in self.accounts:
            result = kept.facts.get("result")
            if kept.type == OUTCOME:
                if result == GIVEN_UP:
                    del self.accounts[name]
            elif result in ENDED_WELL:
                made = self.accounts[name]
                made.logins += 1
                if result == PROVED or made.logins >= LOGINS:
                    del self.accounts[name]
        self.applied_seq = seq

    def _keep(self, name: str, index: int, kept: KeptDecision) -> None:
        self.accounts[name] = _Made(
            index,
            tuple([key or 0 for key in self.returns.keys(kept.facts)[: len(self.returns.kinds)]]),
            msgspec.msgpack.encode(traits(kept.facts)),
            kept.log_odds,
            _nats(self._group.judge(kept.read)),
            _nats(self._back.judge(kept.read)),
        )
        if len(self.accounts) > self.limit:
            self.accounts.popitem(last=False)

    def apply(self, record: Record) -> None:
        """One record: an event counts; a label that calls an account benign ends the looks at it."""
        if (kept := kept_record(record)) is not None:
            self.absorb(record.seq, kept, record.time_us)
        elif (label := label_of(record, {})) is not None and not label.withdrawn and not label.abusive:
            self.accounts.pop(label.about, None)

    def erase(self, subject: str) -> None:
        """Forget an account."""
        self.accounts.pop(subject, None)

    def snapshot(self) -> bytes:
        """Everything as MessagePack, in the order in which it would be forgotten."""
        return msgspec.msgpack.encode(list(self.accounts.items()))

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises ValueError, msgspec.DecodeError or ValidationError for anything else."""
        kept = msgspec.msgpack.decode(data, type=list[tuple[str, _Made]])
        if any(len(made.numbers) != len(self.returns.kinds) for _name, made in kept):
            raise ValueError("signup_hindsight: a snapshot of other kinds of key")
        for _name, made in kept:
            _pairs.decode(made.traits)
        self.accounts = OrderedDict(kept)

    def digest(self) -> str:
        """Equal states have equal digests."""
        return blake2b(self.snapshot(), digest_size=16).hexdigest()


def _nats(signal: Signal) -> float:
    return 0.0 if signal.score is None else log_odds(signal.score)
