"""What runs at a decision point now: its policy, and beside it the rules that are in shadow, in canary or live, fused into one function.

    running = Running(policy, [Acting("many_failures@2", "live", file), …])
    ruled = running.apply(values)        Ruled(hits=("many_failures@2",), shadow=(), verdict="challenge", reasons=(…), …)

A pure function of values: which entities a canary acts on is a keyed share of their pseudonyms, so it is the same tomorrow and in a replay.
`digest` names policy and rules together; the document behind it is kept, so that every decision can be judged again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardline.engine.decision import Reason, Ruled
from wardline.engine.feature import Value
from wardline.engine.policy import Policy
from wardline.engine.rule import RuleSet
from wardline.engine.rules.rulefile import RuleFile

OBLIGATIONS_LIMIT = 8


class Acting(msgspec.Struct, frozen=True):
    """One version of a rule that runs: its id (NAME@NUMBER), stage and share, and the checked file."""

    id: str
    stage: str
    share: float
    file: RuleFile

    def chosen(self, values: Mapping[str, Value]) -> bool:
        """Whether this version acts on the event: always when live, on its share of the entities in canary, never in shadow.

        Sticky: an entity stays in or out for as long as the version runs, and a larger share keeps all whom the smaller one had. Who has no
        such entity is left out.
        """
        if self.stage != "canary":
            return self.stage == "live"
        entity = values.get(self.file.canary_by)
        if entity is None:
            return False
        place = hashlib.blake2b(f"{self.id}\0{entity}".encode("utf-8", "replace"), digest_size=8).digest()
        return int.from_bytes(place, "big") < self.share * 2.0**64


class Entry(msgspec.Struct, frozen=True):
    """A rule in the kept document."""

    id: str
    stage: str
    share: float
    text: str


class Document(msgspec.Struct, frozen=True):
    """What a digest stands for."""

    policy: str
    rules: list[Entry] = []


def document_of(policy_text: str, acting: Sequence[Acting]) -> bytes:
    """A policy and the rules beside it as they are kept."""
    return msgspec.json.encode(Document(policy_text, [Entry(each.id, each.stage, each.share, each.file.text) for each in acting]))


class Running:
    """See the module. policy_text: the point's policy as it was read."""

    def __init__(self, policy: Policy, policy_text: str, acting: Sequence[Acting]) -> None:
        self.policy = policy
        self.acting = {each.id: each for each in acting}
        self.document = document_of(policy_text, acting)
        self.digest = hashlib.sha256(self.document).hexdigest()[:32]
        # Each rule with its own names: two may declare a field of the operator's with different kinds.
        own = {each.id: each.file.names for each in acting}
        # What the rules may read of counters: their own, and those of the point that they name.
        self.counters = tuple(sorted({counter.name for each in acting for counter in each.file.counters}))
        self._rules = RuleSet([each.file.rule(each.id) for each in acting], {}, own) if acting else None
        # Versions that are tried beside a live one of the same rule.
        self._trial_of = {each.file.name: each for each in acting if each.stage == "canary"}

    def apply(self, values: Mapping[str, Value]) -> Ruled:
        """Which rules match, and what those that act ask for."""
        if self._rules is None:
            return NOTHING
        found = self._rules.judge(values)
        if not found.hits and not found.errors:
            return NOTHING
        hits: list[str] = []
        shadow: list[str] = []
        reasons: list[Reason] = []
        obligations: list[dict[str, Any]] = []
        verdict = self.policy.document.verdicts[0]
        for hit in found.hits:
            each = self.acting[hit.rule]
            if not self._acts(each, values):
                shadow.append(each.id)
                continue
            written = each.file.written
            hits.append(each.id)
            reasons.append(Reason(f"{written.point}.{written.rule}", 1.0, hit.reason))
            if len(obligations) < OBLIGATIONS_LIMIT:
                obligations += [wanted for wanted in written.obligations if wanted not in obligations]
            verdict = self.policy.severer(verdict, written.verdict)
        return Ruled(
            verdict,
            tuple(hits),
            tuple(shadow),
            tuple(reasons),
            obligations[:OBLIGATIONS_LIMIT],
            tuple(fault.rule for fault in found.errors),
        )

    def _acts(self, each: Acting, values: Mapping[str, Value]) -> bool:
        """Whether a version acts on the event: chosen, and no trial of the same rule takes a live version's place there."""
        trial = self._trial_of.get(each.file.name) if each.stage == "live" else None
        return each.chosen(values) and not (trial is not None and trial.chosen(values))


NOTHING = Ruled()
