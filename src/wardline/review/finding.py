"""Finding members: from a seed to accounts, each with its own evidence, in three passes over the journal's recent records.

    found = Finder(journal, names, now_us).find(Seed(kind="rule", value="farm_names", hours=24))
    found.members["account:5f2c…"]     [Evidence("rule", "matched the rule farm_names", 6.0), Evidence("shared.device", …)]

The first pass collects accounts: those that the seed names. The second notes what each of them holds and what was decided about it. The third counts
who else holds the keys that members share, and how many accounts there are.
A key that two or more members share is worth log2((accounts + prior) / (holders outside the set + 1)) bits, up to the cap of its kind: an account farm's
own device is worth much, an address with a country behind it nothing (inverse document frequency, K. Spärck Jones, 1972). Kinds of one group imply
each other, and the best of each counts. Networks, browsers and names are soft: together they never reach MEMBER_BITS, and a device, a phone or an
address for recovery that fewer than FAMILY accounts share is soft too. A rule that matched, a score of the account's own, a verdict of labels add. Where
its sign-up has a higher score by now, with what has come since, that one counts (`signup.hindsight`).

Reading is bounded by RECORDS_LIMIT records and MEMBERS_LIMIT members, linear, and blocks: not for event-loop threads. Times are when we took the
events, so that a sender's clock decides nothing.
"""

import math
from collections.abc import Callable, Iterator, Mapping

import msgspec

from wardline.engine.feature import Values
from wardline.engine.kept import KeptDecision, KeptEvent, kept_event, kept_record
from wardline.engine.rule import Condition, RuleError, compile_condition
from wardline.engine.signal import log_odds, probability
from wardline.engine.store.journal import Journal
from wardline.review.campaign import EVIDENCE_LIMIT, MEMBERS_LIMIT, SEEDS, CampaignError, Evidence, Seed

RECORDS_LIMIT = 2_000_000
HOURS_LIMIT = 24.0 * 366
OUTSIDE_LIMIT = 4_096  # holders beyond the set that are told apart
FAMILY = 6
SOFT_BITS = 5.0
RULE_BITS = 6.0
SHADOW_BITS = 3.0
SCORE_BITS = 8.0
HOUR_US = 3_600_000_000


class KeyKind(msgspec.Struct, frozen=True):
    """group: kinds that imply each other. cap: the most bits it is worth. soft: never enough by itself. prior: among how many accounts it is
    taken to be rare before any were seen (a device's number is rare beforehand, a browser is not)."""

    group: str
    cap: float
    text: str
    soft: bool = False
    prior: int = 0


KEYS: dict[str, KeyKind] = {
    "device": KeyKind("device", 14.0, "a device", prior=4_096),
    "phone": KeyKind("phone", 14.0, "a phone number", prior=4_096),
    "email": KeyKind("email", 14.0, "an address for recovery", prior=4_096),
    "invite": KeyKind("invite", 8.0, "an invitation"),
    "ip": KeyKind("network", 4.0, "an address on the network", soft=True),
    "ip.prefix24": KeyKind("network", 3.0, "a network", soft=True),
    "user_agent": KeyKind("client", 3.0, "an unusual browser", soft=True),
    "name.stem": KeyKind("name", 4.0, "the stem of a name", soft=True),
    "email.domain": KeyKind("domain", 4.0, "a domain of addresses for recovery", soft=True),
}


class Own(msgspec.Struct):
    """What the window holds of one account."""

    keys: set[tuple[str, str]] = msgspec.field(default_factory=set)
    hits: set[str] = msgspec.field(default_factory=set)
    shadow: set[str] = msgspec.field(default_factory=set)
    score: float = 0.0
    hindsight: float = 0.0
    paying: bool = False
    event_id: str = ""


class Found(msgspec.Struct):
    """members: evidence by account, in the order in which they were met. accounts: how many there are in the window. whole: nothing was left out.
    shared: key -> (members that hold it, others that do). seeds: the keys that the seed stands for."""

    members: dict[str, list[Evidence]]
    owns: dict[str, Own]
    accounts: int = 0
    whole: bool = True
    shared: dict[tuple[str, str], tuple[int, int]] = {}
    seeds: set[str] = set()


class Finder:
    """See the module. names: what a condition may read at each decision point, with types. looked: for a seed of hindsight, filled by the caller
    with the accounts that it means as of now and the scores of their sign-ups; they may never have come back to be asked."""

    def __init__(self, journal: Journal, names: Callable[[], Mapping[str, Mapping[str, str]]], now_us: int) -> None:
        self.journal = journal
        self.names = names
        self.now_us = now_us
        self.looked: dict[str, float] = {}

    def check(self, seed: Seed) -> Condition | None:
        """The condition of a seed that has one. Raises CampaignError for a seed that cannot be."""
        if seed.kind not in SEEDS:
            raise CampaignError(f"seed: {seed.kind[:32]!r} is none; choose {', '.join(SEEDS)}")
        if not 0 < len(seed.value) <= 2_048:
            raise CampaignError(f"seed: the value of {seed.kind} is missing or longer than 2048 characters")
        if not 0 < seed.hours <= HOURS_LIMIT:
            raise CampaignError(f"hours: how far back? More than 0, at most {HOURS_LIMIT:.0f}")
        points = self.names()
        if seed.point and seed.point not in points:
            raise CampaignError(f"point: {seed.point[:64]!r} decides nothing; choose {', '.join(sorted(points))}")
        if seed.kind == "hindsight" and not _score(seed.value):
            raise CampaignError("hindsight: the least score of a sign-up is needed, above 0 and below 1, such as 0.5")
        if seed.kind != "where":
            return None
        if not seed.point:
            raise CampaignError("point: a condition needs the decision point whose events it is about, such as signup")
        try:
            return compile_condition(seed.value, {**points[seed.point], "verdict": "text"})
        except RuleError as error:
            raise CampaignError(f"where: {error}") from None

    def find(self, seed: Seed, known: frozenset[str] = frozenset()) -> Found:
        """Members by their evidence. known: accounts that are members already, whose keys count as the set's own. Raises CampaignError."""
        condition = self.check(seed)
        first = self.first_seq(self.now_us - int(seed.hours * HOUR_US))
        whole = self.journal.last_seq - first <= RECORDS_LIMIT
        first = max(first, self.journal.last_seq - RECORDS_LIMIT)
        seeds = {seed.value} if seed.kind == "key" else self._keys_of(seed.value, first) if seed.kind == "account" else set()
        found: dict[str, None] = {seed.value: None} if seed.kind == "account" else {}
        for kept in self._read(first, decisions=seed.kind not in ("key", "account")):
            account = kept.facts.get("account")
            if isinstance(account, str) and account not in found and (account in self.looked or matches(seed, kept, condition, seeds)):
                if len(found) >= MEMBERS_LIMIT:
                    whole = False
                    break
                found[account] = None
        weighed = self._weigh(seed, found, known, first)
        weighed.whole, weighed.seeds = whole, seeds
        return weighed

    def _weigh(self, seed: Seed, found: dict[str, None], known: frozenset[str], first: int) -> Found:
        owns: dict[str, Own] = {account: Own() for account in found}
        for kept in self._read(first):
            account = kept.facts.get("account")
            if isinstance(account, str) and account in owns:
                note(owns[account], kept)
        for account, own in owns.items():
            own.hindsight = max(own.hindsight, self.looked.get(account, 0.0))
        inside: dict[tuple[str, str], int] = {}
        for own in owns.values():
            for key in own.keys:
                inside[key] = inside.get(key, 0) + 1
        shared = {key for key, count in inside.items() if count > 1 or known}
        outside, accounts = self._outside(shared, owns.keys() | known, known, inside, first)
        counts = {key: (inside[key], outside.get(key, 0)) for key in shared}
        members = {account: weigh(seed, own, {key: counts[key] for key in own.keys & shared}, accounts) for account, own in owns.items()}
        return Found(members, owns, accounts, shared=counts)

    def _outside(
        self, shared: set[tuple[str, str]], members: set[str], known: frozenset[str], inside: dict[tuple[str, str], int], first: int
    ) -> tuple[dict[tuple[str, str], int], int]:
        """How many accounts outside the set hold each key, and how many accounts there are at all; those that are members already count inside."""
        strangers: dict[tuple[str, str], set[str]] = {}
        old: dict[tuple[str, str], set[str]] = {}
        accounts: set[str] = set()
        for kept in self._read(first, decisions=False):
            account = kept.facts.get("account")
            if not isinstance(account, str):
                continue
            accounts.add(account)
            if account in members and account not in known:
                continue
            where = old if account in known else strangers
            for key in keys_of(kept.facts):
                if key in shared and len(held := where.setdefault(key, set())) < OUTSIDE_LIMIT:
                    held.add(account)
        for key, holders in old.items():
            inside[key] = inside.get(key, 0) + len(holders)
        return {key: len(holders) for key, holders in strangers.items()}, len(accounts)

    def _keys_of(self, account: str, first: int) -> set[str]:
        """The hard keys of one account: who shares one of them may belong to it."""
        found: set[str] = set()
        for record in self.journal.find_key(account, 1_000):
            kept = kept_event(record) if record.seq >= first else None
            for kind, value in keys_of(kept.facts) if kept else ():
                if not KEYS[kind].soft:
                    found.add(value)
        return found

    def _read(self, first: int, *, decisions: bool = True) -> Iterator[KeptEvent]:
        """decisions: with what was decided; without, half as long."""
        for record in self.journal.read(first, kinds=("decision", "event")):
            kept = kept_record(record) if decisions else kept_event(record)
            if kept is not None:
                yield kept

    def first_seq(self, since_us: int) -> int:
        """The first record taken at or after a time, by bisection: records lie in the order in which they were taken."""
        low, high = 1, self.journal.last_seq + 1
        while low < high:
            middle = (low + high) // 2
            record = next(self.journal.read(middle, min(middle + 4_096, self.journal.last_seq)), None)
            if record is None or record.time_us >= since_us:
                high = middle
            else:
                low = record.seq + 1
        return low


def matches(seed: Seed, kept: KeptEvent, condition: Condition | None, keys: set[str]) -> bool:
    """Whether an event makes its account one that the seed means."""
    if seed.point and kept.type != seed.point:
        return False
    if seed.kind in ("key", "account"):
        return any(value in keys for _kind, value in keys_of(kept.facts))
    if not isinstance(kept, KeptDecision):
        return False
    if seed.kind == "rule":
        return any(hit == seed.value or hit.partition("@")[0] == seed.value for hit in kept.hits)
    if seed.kind == "verdict":
        return kept.verdict == seed.value
    if seed.kind == "hindsight":
        return _hindsight(kept.read) >= _score(seed.value)
    values = {**kept.facts, **kept.read, "verdict": kept.verdict, "score": kept.score, "log_odds": kept.log_odds}
    return condition is not None and condition.holds(values)


def keys_of(facts: Mapping[str, object]) -> list[tuple[str, str]]:
    """The keys that an event's account holds, as (kind, value)."""
    found = []
    for kind in KEYS:
        value = facts.get(kind)
        if isinstance(value, str) and not (kind == "email.domain" and facts.get("email.free_mail")):
            found.append((kind, value))
    return found


def note(own: Own, kept: KeptEvent) -> None:
    """Take over what one event says of its account."""
    if len(own.keys) < 64:
        own.keys.update(keys_of(kept.facts))
    own.event_id = kept.id
    own.paying = own.paying or kept.facts.get("payment") not in (None, "none")
    if isinstance(kept, KeptDecision):
        own.hits.update(kept.hits[:8])
        own.shadow.update(kept.shadow[:8])
        own.score = max(own.score, kept.score)
        own.hindsight = max(own.hindsight, _hindsight(kept.read))


def _hindsight(read: Values) -> float:
    """The score of an account's sign-up as a later decision saw it; 0 where it saw nothing new."""
    found = read.get("signup.hindsight")
    return probability(found) if isinstance(found, float) else 0.0


def _score(text: str) -> float:
    """The score that a seed asks for; 0 for what is none."""
    try:
        score = float(text)
    except ValueError:
        return 0.0
    return score if 0.0 < score < 1.0 else 0.0


def _bits(score: float) -> float:
    return round(min(log_odds(score) / math.log(2), SCORE_BITS), 2)


def _accounts(count: int) -> str:
    return "no account" if count == 0 else "1 account" if count == 1 else f"{count} accounts"


def weigh(seed: Seed, own: Own, shared: Mapping[tuple[str, str], tuple[int, int]], accounts: int) -> list[Evidence]:
    """The evidence of one account. shared: of its keys those that other members hold -> (members that do, others that do). Strongest first."""
    best: dict[str, Evidence] = {}
    for (kind, value), (inside, outside) in shared.items():
        key = KEYS[kind]
        if inside < 2 or (seed.kind == "key" and value == seed.value and key.soft):
            continue  # that all share what they were sought by says nothing
        bits = min(max(math.log2((max(accounts, inside + outside) + key.prior) / (outside + 1)), 0.0), key.cap)
        soft = key.soft or inside < FAMILY
        one = Evidence(
            f"{'soft' if soft else 'shared'}.{kind}",
            f"shares {key.text} with {_accounts(inside - 1)} of this set, and with {_accounts(outside)} outside it",
            round(bits, 2),
        )
        if bits >= 1.0 and (key.group not in best or best[key.group].bits < bits):
            best[key.group] = one
    soft_left = SOFT_BITS
    found = []
    for one in sorted(best.values(), key=lambda one: -one.bits):
        if one.kind.startswith("soft."):
            bits = min(one.bits, soft_left)
            soft_left -= bits
            one = Evidence(one.kind, one.text, round(bits, 2))
        if one.bits > 0:
            found.append(one)
    found += [Evidence("rule", f"matched the rule {hit}", RULE_BITS) for hit in sorted(own.hits)[:3]]
    found += [Evidence("shadow", f"would have matched the rule {hit}", SHADOW_BITS) for hit in sorted(own.shadow)[:1]]
    if own.hindsight > max(own.score, 0.5):
        found.append(
            Evidence("hindsight", f"its sign-up has the score {own.hindsight:.2f}, with what has come since", _bits(own.hindsight))
        )
    elif own.score > 0.5:
        found.append(Evidence("score", f"one of its own decisions had the score {own.score:.2f}", _bits(own.score)))
    found.sort(key=lambda one: -one.bits)
    return found[:EVIDENCE_LIMIT]
