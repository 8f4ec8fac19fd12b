"""Sign-ups of a synthetic city through the domain in process, without IP sources: what each kind met, and how soon its campaigns were seen.

    wardline city --users 8000 --days 60 --seed 21 --out events.ndjson --truth truth.ndjson
    python benchmarks/signup_city.py events.ndjson truth.ndjson

Everything that new accounts do counts, in order. Two figures are told for each kind: stopped at sign-up (a challenge or something severer), and stopped at
sign-up or at one of the first six logins by a line about series of accounts, before the account has done harm. The other lines of the login policy are left out.
Also prints what reading and counting the domain's states cost per sign-up (CPU time of this process).
"""

import argparse
import collections
import json
import time
from pathlib import Path
from typing import Any

import msgspec

from wardline.base.privacy import Pseudonyms
from wardline.domains.login.recipe import login
from wardline.domains.signup.recipe import signup
from wardline.engine.counting.counters import Counters
from wardline.engine.decision import Decision, judge
from wardline.engine.event import Event
from wardline.engine.kept import KeptDecision, KeptEvent
from wardline.engine.policy import parse_policy
from wardline.engine.walk.intake import Edge
from wardline.engine.walk.point import distinct
from wardline.engine.walk.points import make_states

NOW_US = 2_000_000_000_000_000
SERIES = (
    "one_of_a_series",
    "one_of_a_large_series",
    "one_of_a_series_by_now",
    "one_of_a_series_in_hindsight",
    "maybe_one_of_a_series_in_hindsight",
)
LOGINS = 6
HARM = frozenset({"mass_send", "forward_rule", "export"})
Row = tuple[dict[str, Any], Decision, str]


def decide(events: str, truth: str) -> list[Row]:
    """Every sign-up with what is true of it, what was decided, and the verdict of a line about series at one of its first logins (allow for none)."""
    domain, arrivals, edge, decoder = signup(), login(), Edge(Pseudonyms(b"k" * 32)), msgspec.json.Decoder(Event)
    counters = Counters(domain.counters, names={name: known.type for name, known in domain.known.items()}, capacity_bytes=64 << 20)
    made_states = make_states((domain, arrivals))
    states = made_states[domain.point]
    later = [state for state in made_states[arrivals.point] if state.name in arrivals.borrows]
    every = distinct({domain.point: states, arrivals.point: later})
    policy, policy_login = (
        parse_policy(domain.policy, domain.names(), "shipped"),
        parse_policy(arrivals.policy, arrivals.names(), "shipped"),
    )
    lines = [(line, condition) for line, condition in policy_login.lines if line.name in SERIES]
    with Path(truth).open() as found_lines:
        known = {found["id"]: found for line in found_lines if '"signup"' in line and (found := json.loads(line)).get("type") == "signup"}
    made: dict[str, tuple[dict[str, Any], Decision]] = {}
    first: dict[str, str] = {}
    logins: collections.Counter[str] = collections.Counter()
    harmed: set[str] = set()
    names: set[str] = set()
    spent = 0.0
    with Path(events).open("rb") as stream:
        for seq, line in enumerate(stream, 1):
            start = line[:120]
            if b'"signup' not in start and b'"login' not in start and b'"session' not in start:
                continue
            event = decoder.decode(line)
            if event.type == domain.point:
                names.add(event.entities["account"])
            elif event.entities.get("account") not in names and event.type != "signup.outcome":
                continue
            at_us = int(event.occurred_at.timestamp() * 1e6)
            facts = (domain if event.type.startswith("signup") else arrivals).facts(event, edge)
            read = counters.read(event.type, at_us, facts, NOW_US)
            account = str(facts.get("account"))
            decision = None
            if event.type == domain.point:
                begun = time.process_time()
                for state in states:
                    read.update(state.read(event.type, at_us, facts, NOW_US))
                spent += time.process_time() - begun
                decision = judge({**facts, **read}, domain.detectors, policy)
                made[account] = known[event.id], decision
            elif event.type == "session" and event.fields.get("action") in HARM:
                harmed.add(account)
            elif (
                event.type == arrivals.point
                and logins[account] < LOGINS
                and account not in harmed
                and first.get(account, "allow") == "allow"
            ):
                values = {**facts, "login.known_logins": logins[account]}
                for state in later:
                    values.update(state.read(event.type, at_us, facts, NOW_US))
                first[account] = next((line.verdict for line, condition in lines if condition.holds(values)), "allow")
                logins[account] += 1
            kept = KeptEvent(id=event.id, type=event.type, occurred_us=at_us, facts=facts)
            if decision is not None:  # what states learn from is what was read
                kept = KeptDecision(
                    id=event.id,
                    type=event.type,
                    occurred_us=at_us,
                    facts=facts,
                    read=read,
                    verdict=decision.verdict,
                    score=decision.score,
                    log_odds=decision.log_odds,
                )
            begun = time.process_time()
            for state in every:
                if state.types is None or kept.type in state.types:
                    state.absorb(seq, kept, NOW_US)
            spent += time.process_time() - begun
            counters.absorb(seq, event.type, at_us, facts, NOW_US)
    print(f"states: {1e6 * spent / max(len(made), 1):.0f} us of CPU per sign-up")
    return [(*row, first.get(account, "allow")) for account, row in made.items()]


def kind_of(truth: dict[str, Any]) -> str:
    return truth["kind"] or "honest"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events")
    parser.add_argument("truth")
    given = parser.parse_args()
    rows = decide(given.events, given.truth)
    kinds: dict[str, list[tuple[Decision, str]]] = collections.defaultdict(list)
    campaigns: dict[str, list[Decision]] = collections.defaultdict(list)
    for truth, decision, later in rows:
        kinds[kind_of(truth)].append((decision, later))
        if "farm" in (truth["kind"] or ""):
            kinds["farms, all"].append((decision, later))
        for tag in truth["tags"] if kind_of(truth) == "honest" else ():
            kinds[f"honest, {tag}"].append((decision, later))
        if truth["campaign"]:
            campaigns[truth["campaign"]].append(decision)
    for kind, found in sorted(kinds.items()):
        at_once = sum(decision.verdict != "allow" for decision, _later in found)
        held = sum(decision.verdict in ("hold", "reject") for decision, _later in found)
        either = sum(decision.verdict != "allow" or later != "allow" for decision, later in found)
        held_late = sum(later == "hold" for _decision, later in found)
        shares = f"stopped at sign-up {at_once / len(found):.4f} ({at_once}; held {held}), there or at a login {either / len(found):.4f}"
        print(f"{kind:22s} {len(found):6d}  {shares} ({either}; logins held {held_late})")
    for level in (("challenge", "hold", "reject"), ("hold", "reject")):
        soon = [
            next((n for n, d in enumerate(made) if d.verdict in level), len(made)) for name, made in campaigns.items() if "farm" in name
        ]
        print(f"farms: accounts made before the first {level[0]} or severer: median {sorted(soon)[len(soon) // 2]}, most {max(soon)}")
    honest = sorted(decision.score for truth, decision, _later in rows if kind_of(truth) == "honest")
    for rate in (0.001, 0.01):
        bound = honest[min(int(len(honest) * (1 - rate)), len(honest) - 1)]
        farms = [decision.score > bound for truth, decision, _later in rows if "farm" in (truth["kind"] or "")]
        print(f"farm accounts above the score of {rate:.1%} of honest ones: {sum(farms) / max(len(farms), 1):.3f}")
    harmed = sorted((decision.score, later != "allow") for truth, decision, later in rows if kind_of(truth) == "honest")
    room = int(len(harmed) * 0.001) - sum(late for _score, late in harmed)
    early = [score for score, late in harmed if not late]
    bound = early[max(len(early) - 1 - max(room, 0), 0)]
    both = [decision.score > bound or later != "allow" for truth, decision, later in rows if "farm" in (truth["kind"] or "")]
    told = sum(late or score > bound for score, late in harmed) / len(harmed)
    print(f"farm accounts above a score or stopped at a login: {sum(both) / max(len(both), 1):.3f}, honest ones {told:.4%}")


if __name__ == "__main__":
    main()
