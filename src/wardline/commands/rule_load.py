"""The published workload of rules: what `wardline bench rules` measures.

    events, rules = workload(events=20_000, rules=100)
    measured(events, rules, seconds=3.0)      -> Figures(rules_per_second=…, p99_us_per_event=…, events_matched_share=0.1, …)

An event has 40 values: 22 numbers (counts with a heavy tail, ratios, ages, scores), 8 texts, 5 truth values, 5 lists; each is missing with a probability of one fifth. A rule
has two to four terms over them, of the forms that people write: thresholds on counters, a ratio, a text in a list, a flag in a list, the beginning of a text, a value that is
missing. Its last term is a window on a uniform score, as wide as it must be so that every rule holds equally rarely and a tenth of the events match at least one. Every
hit gives a reason with one to three values. All of it comes from one seed.
"""

import random
import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from wardline.engine.feature import Value
from wardline.engine.rule import Rule, RuleSet, compile_condition

MISSING_SHARE = 0.2
MATCHED_SHARE = 0.1

COUNTS = tuple(
    f"{what}_{window}" for what in ("failures", "logins", "signups", "accounts", "devices") for window in ("1m", "10m", "1h", "1d")
)
TEXTS = {
    "ip.country": ("AT", "CH", "DE", "FR", "IT", "NG", "PK", "RU", "US", "VN"),
    "ip.kind": ("hosting", "home", "mobile", "vpn", "tor"),
    "user_agent.family": ("Chrome", "Curl", "Edge", "Firefox", "HeadlessChrome", "Safari"),
    "result": ("success", "wrong_password", "unknown_account", "second_factor_failed"),
    "client": ("web", "mobile", "imap", "smtp", "bridge"),
    "email.domain": ("example.com", "example.org", "mail.example.net", "throwaway.example", "Example.COM"),
    "username.shape": ("aaaa", "aaaa99", "aaaa9999", "a9a9a9", "Aaaa.Aaaa"),
    "language": ("de-AT", "en-US", "fr-FR", "ru-RU", "vi-VN"),
}
TRUTHS = ("known_device", "second_factor", "username_exists", "disposable", "paying")
LISTS = {
    "ip.flags": ("hosting", "tor", "vpn", "scanner", "shared"),
    "device.flags": ("headless", "emulator", "no_touch", "odd_screen", "old_browser"),
    "account.flags": ("new", "dormant", "shared", "privileged", "locked"),
    "recent.countries": ("AT", "CH", "DE", "NG", "RU", "VN"),
    "recent.results": ("success", "wrong_password", "unknown_account"),
}
NAMES: dict[str, str] = {
    **dict.fromkeys(COUNTS, "number"),
    "risk": "number",
    "account.age_days": "number",
    **dict.fromkeys(TEXTS, "text"),
    **dict.fromkeys(TRUTHS, "bool"),
    **dict.fromkeys(LISTS, "list"),
}

Event = Mapping[str, Value]


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, on one core."""

    rules: int
    names: int
    events: int
    missing_share: float
    events_matched_share: float
    reasons_rendered: int
    errors: int
    p50_us_per_event: float
    p99_us_per_event: float
    events_per_second: int
    rules_per_second: int


def workload(events: int, rules: int, seed: int = 1) -> tuple[list[Event], RuleSet]:
    """Events and a fused set of rules; the same for the same seed."""
    source = random.Random(seed)
    made = [_event(source) for _ in range(events)]
    # A rule's own share of the events that have the score, when all rules together match a tenth of all events.
    share = 1 - (1 - MATCHED_SHARE / (1 - MISSING_SHARE)) ** (1 / rules)
    found: list[Rule] = []
    while len(found) < rules:
        when, shown = _condition(source)
        holds = compile_condition(when, NAMES).holds
        before = sum(map(holds, made)) / len(made)
        if before > share:
            low = source.random() * (1 - share / before)
            window = f"{low:.6f} < risk <= {low + share / before:.6f}"
            found.append(Rule(f"rule_{len(found)}", f"{when} and {window}", f"{shown}; the risk is {{risk}}."))
    return made, RuleSet(found, NAMES)


def measured(events: Sequence[Event], rules: RuleSet, seconds: float) -> Figures:
    """Judge the events over and over: first each on its own clock, then all in a row."""
    judge = rules.judge
    clock = time.perf_counter_ns
    times: list[int] = []
    matched = rendered = errors = 0
    for event in events:
        begun = clock()
        judged = judge(event)
        times.append(clock() - begun)
        matched += bool(judged.hits)
        rendered += len(judged.hits)
        errors += len(judged.errors)
    times.sort()
    done = 0
    begun = clock()
    while (spent := clock() - begun) < seconds * 1e9:
        for event in events:
            judge(event)
        done += len(events)
    return Figures(
        rules=len(rules.rules),
        names=len(NAMES),
        events=len(events) + done,
        missing_share=round(1 - sum(len(event) for event in events) / len(events) / len(NAMES), 3),
        events_matched_share=round(matched / len(events), 3),
        reasons_rendered=rendered,
        errors=errors,
        p50_us_per_event=round(times[len(times) // 2] / 1000, 1),
        p99_us_per_event=round(times[int(len(times) * 0.99)] / 1000, 1),
        events_per_second=round(done / spent * 1e9),
        rules_per_second=round(done / spent * 1e9 * len(rules.rules)),
    )


def _event(source: random.Random) -> Event:
    values: dict[str, Value] = {name: int(source.paretovariate(1.1)) - 1 for name in COUNTS}
    values["risk"] = source.random()
    values["account.age_days"] = round(source.expovariate(1 / 400), 2)
    values.update((name, source.choice(choices)) for name, choices in TEXTS.items())
    values.update((name, source.random() < 0.5) for name in TRUTHS)
    for name, choices in LISTS.items():
        values[name] = [*source.sample(choices, source.randrange(4))]
    return {name: value for name, value in values.items() if source.random() >= MISSING_SHARE}


def _condition(source: random.Random) -> tuple[str, str]:
    """One to three terms, and a sentence that shows what they ask."""
    terms: list[str] = []
    shown: list[str] = []
    for _ in range(source.randrange(1, 4)):
        term, sentence = _term(source)
        terms.append(term)
        shown.append(sentence)
    return " and ".join(terms), shown[0]


def _term(source: random.Random) -> tuple[str, str]:
    count, other = source.sample(COUNTS, 2)
    text = source.choice(list(TEXTS))
    flags = source.choice(list(LISTS))
    chosen = source.sample(TEXTS[text], 2)
    match source.randrange(10):
        case 0 | 1 | 2:
            return f"{count} >= {source.choice((1, 2, 3, 5))}", f"{{{count}}} came in the window"
        case 3:
            return f"{count} / ({count} + {other}) > 0.5", f"{{{count}}} against {{{other}}}"
        case 4:
            return f'{text} in ["{chosen[0]}", "{chosen[1]}"]', f"it is {{{text}}}"
        case 5:
            return f'{text} != "{chosen[0]}"', f"it is {{{text}}}"
        case 6:
            return f'"{source.choice(LISTS[flags])}" in {flags}', f"it is marked {{{flags}}}"
        case 7:
            return f'(missing({text}) or starts_with(lower({text}), "{chosen[0][:1].lower()}"))', f"it is {{{text}}}"
        case 8:
            return f"({source.choice(('', 'not '))}{source.choice(TRUTHS)} or {count} > 2)", f"{{{count}}} came in the window"
        case _:
            return f"coalesce(account.age_days, 0) < {source.choice((30, 300, 900))}", "the account is {account.age_days} days old"


def figures(events: int, rules: int, seconds: float) -> dict[str, Any]:
    """The whole measurement, ending with `rules_per_second`."""
    return msgspec.structs.asdict(measured(*workload(events, rules), seconds))
