"""Sign-ups of a synthetic city through the domain in process, without IP sources: what each kind met, and how soon its campaigns were seen.

    wardline city --users 8000 --days 60 --seed 21 --out events.ndjson --truth truth.ndjson
    python benchmarks/signup_city.py events.ndjson truth.ndjson

Also prints what reading and counting the domain's states cost per sign-up (CPU time of this process).
"""

import collections
import json
import sys
import time
from pathlib import Path
from typing import Any

import msgspec

from wardline.base.privacy import Pseudonyms
from wardline.domains.signup.recipe import signup
from wardline.engine.counters import Counters
from wardline.engine.decision import Decision, judge
from wardline.engine.event import Event
from wardline.engine.intake import Edge
from wardline.engine.kept import KeptEvent
from wardline.engine.policy import parse_policy

NOW_US = 2_000_000_000_000_000


def decide(events: str, truth: str) -> list[tuple[dict[str, Any], Decision]]:
    """Every sign-up with what is true of it and what was decided."""
    domain, edge, decoder = signup(), Edge(Pseudonyms(b"k" * 32)), msgspec.json.Decoder(Event)
    counters = Counters(domain.counters, names={name: known.type for name, known in domain.known.items()}, capacity_bytes=64 << 20)
    states = [make() for make in domain.states]
    policy = parse_policy(domain.policy, domain.names(), "shipped")
    with Path(truth).open() as lines:
        known = {found["id"]: found for line in lines if '"signup"' in line and (found := json.loads(line)).get("type") == "signup"}
    rows, spent = [], 0.0
    with Path(events).open("rb") as lines:
        for seq, line in enumerate((line for line in lines if b'"signup' in line[:120]), 1):
            event = decoder.decode(line)
            facts, at_us = domain.facts(event, edge), int(event.occurred_at.timestamp() * 1e6)
            read = counters.read(event.type, at_us, facts, NOW_US)
            begun = time.process_time()
            if event.type == domain.point:
                for state in states:
                    read.update(state.read(event.type, at_us, facts, NOW_US))
            spent += time.process_time() - begun
            if event.type == domain.point:
                rows.append((known[event.id], judge({**facts, **read}, domain.detectors, policy)))
            kept = KeptEvent(id=event.id, type=event.type, occurred_us=at_us, facts=facts)
            begun = time.process_time()
            for state in states:
                state.absorb(seq, kept, NOW_US)
            spent += time.process_time() - begun
            counters.absorb(seq, event.type, at_us, facts, NOW_US)
    print(f"states: {1e6 * spent / max(len(rows), 1):.0f} us of CPU per sign-up")
    return rows


def main() -> None:
    rows = decide(sys.argv[1], sys.argv[2])
    kinds: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    campaigns: dict[str, list[Decision]] = collections.defaultdict(list)
    for truth, decision in rows:
        kinds[truth["kind"] or "honest"][decision.verdict] += 1
        for tag in truth["tags"] if not truth["kind"] else ():
            kinds[f"honest, {tag}"][decision.verdict] += 1
        if truth["campaign"]:
            campaigns[truth["campaign"]].append(decision)
    for kind, verdicts in sorted(kinds.items()):
        count = sum(verdicts.values())
        print(f"{kind:22s} {count:6d}  " + ", ".join(f"{verdict} {share / count:.4f}" for verdict, share in sorted(verdicts.items())))
    for level in (("challenge", "hold", "reject"), ("hold", "reject")):
        first = [
            next((n for n, d in enumerate(made) if d.verdict in level), len(made)) for name, made in campaigns.items() if "farm" in name
        ]
        print(f"farms: accounts made before the first {level[0]} or severer: median {sorted(first)[len(first) // 2]}, most {max(first)}")
    honest = sorted(decision.score for truth, decision in rows if not truth["kind"])
    for rate in (0.001, 0.01):
        bound = honest[min(int(len(honest) * (1 - rate)), len(honest) - 1)]
        farms = [decision.score > bound for truth, decision in rows if "farm" in (truth["kind"] or "")]
        print(f"farm accounts above the score of {rate:.1%} of honest ones: {sum(farms) / max(len(farms), 1):.3f}")


if __name__ == "__main__":
    main()
