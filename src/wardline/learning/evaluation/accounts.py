"""Accounts instead of events: whether an attacker's account was stopped in time, in two readings, and how many honest people were asked for it.

    accounts(asked, known, answers)      Accounts(attackers=913, at_signup=Share(…), before_harm=Share(…), honest_at_signup=Share(…), …)

at_signup      something other than allow was said to the sign-up that made the account
before_harm    then, or at a login or a session of its owner, before the first session in which the account did harm (HARM)

An attacker's account is one whose sign-up the truth calls an attack, an honest one any other that a sign-up made. Of an honest account the logins and sessions of its
owner count, however late; whoever broke into it is another matter. Verdicts are not obeyed here: what was stopped goes on in the stream.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import msgspec

from wardline.learning.evaluation.intervals import Share
from wardline.learning.evaluation.judged import ALLOW, SEVERE, Answered, Asked, Truth

SIGNUP, LATER, SESSION = "signup", frozenset({"login", "session"}), "session"
HARM = frozenset({"mass_send", "forward_rule", "export", "delete_all"})


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """The attackers' accounts of one kind, in both readings."""

    at_signup: Share
    before_harm: Share


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """Accounts that this line or rule stopped after they had been let in at their sign-up; an account counts for each that did."""

    attackers: int
    honest: int


class Accounts(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. harmed_unasked: attackers' accounts that did harm and had never been stopped. honest_…: the same two readings, with all logins and
    sessions, and those of them that were held or rejected somewhere."""

    attackers: int
    at_signup: Share
    before_harm: Share
    harmed_unasked: Share
    honest: int
    honest_at_signup: Share
    honest_in_all: Share
    honest_held: Share
    kinds: dict[str, Made]
    lines: dict[str, Line]


class _One(msgspec.Struct):
    attack: bool
    kind: str
    at_signup: bool
    held: bool
    later: set[str] = msgspec.field(default_factory=set)
    harmed: bool = False
    unasked: bool = False


def accounts(asked: Iterable[Asked], known: Mapping[str, Truth], answers: Mapping[str, Answered]) -> Accounts:
    """Both readings, over events in their order. Events without a truth are passed over."""
    made: dict[str, _One] = {}
    for event in asked:
        truth = known.get(event.id)
        if truth is None:
            continue
        name = truth.account or event.entities.get("account", "")
        answer = answers.get(event.id)
        verdict = answer.verdict if answer is not None and answer.verdict else ALLOW
        attack = truth.truth == "attack"
        if event.type == SIGNUP:
            if name and name not in made:
                made[name] = _One(attack, truth.kind or "", verdict != ALLOW, verdict in SEVERE)
            continue
        one = made.get(name)
        if one is None or event.type not in LATER or attack != one.attack or (one.attack and one.harmed):
            continue
        if verdict != ALLOW:
            one.held = one.held or verdict in SEVERE
            one.later.add((answer.line if answer is not None else "") or event.type)
        if event.type == SESSION and event.fields.action in HARM:
            one.harmed, one.unasked = True, not one.at_signup and not one.later
    return _told(made)


def _told(made: Mapping[str, _One]) -> Accounts:
    attackers = [one for one in made.values() if one.attack]
    honest = [one for one in made.values() if not one.attack]
    kinds: dict[str, list[_One]] = defaultdict(list)
    lines: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in attackers:
        kinds[one.kind].append(one)
    for one in made.values():
        for line in one.later if not one.at_signup else ():
            lines[line][not one.attack] += 1
    return Accounts(
        attackers=len(attackers),
        at_signup=_at_signup(attackers),
        before_harm=_in_all(attackers),
        harmed_unasked=Share.of_all(sum(one.unasked for one in attackers), len(attackers)),
        honest=len(honest),
        honest_at_signup=_at_signup(honest),
        honest_in_all=_in_all(honest),
        honest_held=Share.of_all(sum(one.held for one in honest), len(honest)),
        kinds={name: Made(at_signup=_at_signup(every), before_harm=_in_all(every)) for name, every in sorted(kinds.items())},
        lines={name: Line(attackers=found[0], honest=found[1]) for name, found in sorted(lines.items())},
    )


def _at_signup(every: list[_One]) -> Share:
    return Share.of_all(sum(one.at_signup for one in every), len(every))


def _in_all(every: list[_One]) -> Share:
    return Share.of_all(sum(one.at_signup or bool(one.later) for one in every), len(every))
