"""The roster: which rules run at each decision point now, compiled; made anew between two events whenever the rulebook changes.

    roster = Roster(rulebook, {"login": Post(policy, text, names)}, keep=store_document)
    running = roster.at("login", now_us)          # a Running; the same object until something changed or a rule expired
    roster.alarmed("login", decision)             ["many_failures@2"]: it raised, or suddenly matches everything

Decisions are made on one thread, so a change takes effect between two of them: no event is dropped, none is decided under half a change.
A rule whose text does not compile under this build, or for which the point's rules together cost too much, is left out and named in `faults`; it never takes the others down.
"""

from collections.abc import Callable, Mapping

import msgspec

from wardline.engine.conditions.tree import SET_COST_LIMIT, SET_LIMIT
from wardline.engine.decision import Decision
from wardline.engine.policy import Policy, parse_policy, read_point
from wardline.engine.rules.rulebook import RUNNING, Rulebook, Version
from wardline.engine.rules.rulefile import RuleFile, RuleFileError, check_rule
from wardline.engine.rules.running import Acting, Document, Running, document_of

# A rule is alarming when it matched at least this share of so many decisions in a row, and five times what its evidence promised.
ALARM_DECISIONS = 200
ALARM_SHARE = 0.5
ALARM_FACTOR = 5.0


class Post(msgspec.Struct, frozen=True):
    """What a decision point brings: its policy, the policy's text, and the names that rules may read there, with their types."""

    policy: Policy
    text: str
    names: Mapping[str, str]
    canary_by: str = "account"  # which entity a canary takes its share of, unless the rule says otherwise


class _Watch:
    """Hits of a point's rules among its last decisions, and the share that each rule's evidence led one to expect."""

    __slots__ = ("expected", "hits", "seen")

    def __init__(self, expected: dict[str, float]) -> None:
        self.expected = expected
        self.hits: dict[str, int] = {}
        self.seen = 0


class Roster:
    """See the module."""

    def __init__(self, rulebook: Rulebook, posts: Mapping[str, Post], keep: Callable[[str, bytes], None]) -> None:
        self.rulebook = rulebook
        self.posts = dict(posts)
        # What a rule of each point may read, ask for, and take its canary's share of: as check_rule wants it.
        self._offers = (
            {point: post.names for point, post in posts.items()},
            {point: post.policy.document.verdicts for point, post in posts.items()},
            {point: post.canary_by for point, post in posts.items()},
        )
        self.faults: dict[str, str] = {}
        self._keep = keep
        self._running: dict[str, Running] = {}
        self._changed = -1
        self._until_us = 0
        self._checked: dict[str, RuleFile] = {}
        self._watched: dict[str, _Watch] = {}

    def at(self, point: str, now_us: int) -> Running:
        """What runs at a point. Compiles when the rulebook changed, or when a rule's last day is over."""
        if self._changed != self.rulebook.changed or now_us >= self._until_us:
            self._compile(now_us)
        return self._running[point]

    def check(self, text: bytes, source: str) -> RuleFile:
        """A rule file, checked against what its point offers. Raises RuleFileError."""
        return check_rule(text, source, *self._offers)

    def file(self, version: Version) -> RuleFile:
        """What a version's text says, checked against this build; once while it runs. Raises RuleFileError."""
        file = self._checked.get(version.id)
        if file is None or file.text != version.text:
            file = self.check(version.text.encode(), version.id)
            if version.stage in RUNNING:
                self._checked[version.id] = file
        return file

    def mildest(self, point: str) -> str:
        """The verdict that asks for nothing."""
        return self.posts[point].policy.document.verdicts[0]

    def _compile(self, now_us: int) -> None:
        acting: dict[str, list[Acting]] = {point: [] for point in self.posts}
        faults: dict[str, str] = {}
        until_us = 1 << 62
        expected: dict[str, dict[str, float]] = {point: {} for point in self.posts}
        running = list(self.rulebook.running())
        spent = dict.fromkeys(self.posts, 0)
        # What acts comes first, so that a rule that only watches never takes the place of one that acts.
        for version in sorted(running, key=lambda version: -RUNNING.index(version.stage)):
            try:
                file = self.file(version)
            except RuleFileError as error:
                faults[version.id] = str(error)
                continue
            if file.expires_us > now_us:
                until_us = min(until_us, file.expires_us)
                spent[version.point] += file.cost
                if spent[version.point] > SET_COST_LIMIT or len(acting[version.point]) >= SET_LIMIT:
                    spent[version.point] -= file.cost
                    faults[version.id] = f"the rules of {version.point} cost more than {SET_COST_LIMIT} comparisons an event: expire some"
                    continue
                acting[version.point].append(Acting(version.id, version.stage, version.share, file))
                expected[version.point][version.id] = _expected(version)
        ids = {version.id for version in running}
        self._checked = {id: file for id, file in self._checked.items() if id in ids}
        self.faults, self._until_us = faults, until_us
        for point, post in self.posts.items():
            # Most acts change nothing that runs (a draft, its evidence), or at one point only; compiling a hundred rules takes a tenth of a second.
            document = document_of(post.text, acting[point])
            if point not in self._running or self._running[point].document != document:
                self._running[point] = Running(post.policy, post.text, acting[point])
                self._keep(self._running[point].digest, document)
        self._changed = self.rulebook.changed
        self._watched = {point: _Watch(shares) for point, shares in expected.items()}

    def alarmed(self, point: str, decision: Decision) -> list[tuple[str, str]]:
        """After a decision: the versions that should be taken out, with the reason. Counts in windows of 200 decisions."""
        found = [(id, "it raised an error on an event") for id in decision.broken]
        watch = self._watched.get(point)
        if watch is None or not watch.expected:
            return found
        watch.seen += 1
        for id in (*decision.hits, *decision.shadow):
            watch.hits[id] = watch.hits.get(id, 0) + 1
        if watch.seen == ALARM_DECISIONS:
            for id, hits in watch.hits.items():
                share, expected = hits / watch.seen, watch.expected.get(id, 0.0)
                if share >= ALARM_SHARE and share >= ALARM_FACTOR * expected:
                    found.append((id, f"it matched {share:.0%} of the last {watch.seen} decisions; its evidence said {expected:.1%}"))
            watch.hits.clear()
            watch.seen = 0
        return found


def _expected(version: Version) -> float:
    """The share of decisions that a version's evidence led one to expect."""
    shares = [evidence.figures.get("hit_share") for evidence in version.evidence.values()]
    return max([float(share) for share in shares if isinstance(share, int | float)], default=0.0)


class PointRules:
    """The rules of one point, as its decisions use them: what runs now, and what becomes of a decision that was made by them."""

    def __init__(self, roster: Roster, point: str, now_us: Callable[[], int], quarantine: Callable[[str, str], None]) -> None:
        self.roster = roster
        self.point = point
        self._now_us = now_us
        self._quarantine = quarantine

    def now(self) -> Running:
        """What runs at this moment."""
        return self.roster.at(self.point, self._now_us())

    @property
    def mildest(self) -> str:
        """The verdict that asks for nothing."""
        return self.roster.mildest(self.point)

    def decided(self, seq: int, decision: Decision) -> None:
        """Count a decision for the stages of the rules, and take out rules that alarm."""
        self.roster.rulebook.decided(seq, self.point, decision.hits, decision.shadow)
        for id, reason in self.roster.alarmed(self.point, decision):
            self._quarantine(id, reason)


def running_of(document: bytes, roster: Roster) -> Running:
    """What a kept document stands for. Raises PolicyError, RuleFileError, msgspec.DecodeError where this build cannot read it any more."""
    found = msgspec.json.decode(document, type=Document)
    point = read_point(found.policy.encode())
    policy = parse_policy(found.policy.encode(), roster.posts[point].names if point in roster.posts else (), f"policy of {point}")
    acting = [Acting(each.id, each.stage, each.share, roster.check(each.text.encode(), each.id)) for each in found.rules]
    return Running(policy, found.policy, acting)
