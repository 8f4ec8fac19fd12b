"""The report of an evaluation: what was stopped, at what price for whom, and how soon.

    report(rows, "login")        Report(kinds={"phish": Kind(…)}, rates={…}, groups=…, curves=…, campaigns=…)

Rates: the share of legitimate events that may be challenged; the threshold is set on the scores of the legitimate events themselves (their own
rate, not an estimate for another stream), as the papers on risk-based authentication draw them (Freeman et al. 2016; Wiefling et al. 2022).
An attempt counts for the share stopped when the attacker had the right password (or signed up): a wrong one enters nowhere.
A campaign counts as detected at the first attempt by which at least DETECT_LEAST of its last DETECT_WINDOW attempts were stopped and half of them were.
"""

import statistics
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from wardline.learning.evaluation.accounts import Accounts
from wardline.learning.evaluation.intervals import Share, area, median, threshold
from wardline.learning.evaluation.judged import SEVERE, Judged

RATES = (0.005, 0.01, 0.03, 0.08)
HISTORY_LEAST = 12
HISTORY_STEPS = (0, 1, 3, 6, 12, 25, 50, 100)
DETECT_WINDOW = 20
DETECT_LEAST = 3
GROUP_LEAST = 3
FALSE_POSITIVES = (0.001, 0.01)


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of attack. attempts: all; stopped: of those that could have entered, as shipped. at: the same by rate, over all and with a history
    of at least HISTORY_LEAST."""

    attempts: int
    stopped_all: Share
    stopped: Share
    at: dict[str, Share]
    at_history: dict[str, Share]
    area: float | None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Honest events that carry a tag. times: their share challenged over that of all honest events, as shipped."""

    challenged: Share
    severe: Share
    times: float | None
    at: dict[str, Share]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign. before: accounts touched before it was detected, all where it never was; entered_before: those that were let in."""

    kind: str
    attempts: int
    detected: bool
    seconds: float | None
    accounts: int
    before: int
    entered_before: int


class Campaigns(msgspec.Struct, frozen=True, kw_only=True):
    """The campaigns of one kind together; medians over those detected, and of accounts over all."""

    detected: Share
    median_seconds: float | None
    median_before: float | None
    median_entered_before: float | None
    missed_large: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of the history: from so many past logins. by rate: honest challenged, attempts stopped; kinds: the latter by kind of attack."""

    history: int
    challenged: dict[str, Share]
    stopped: dict[str, Share]
    kinds: dict[str, dict[str, Share]]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. accounts_at: by false-positive rate, the share of attackers' accounts whose highest score is above that of honest accounts.
    accounts: of sign-ups, whether the accounts were stopped in time."""

    type: str
    honest: int
    attacks: int
    verdicts: dict[str, dict[str, int]]
    challenged: Share
    severe: Share
    accounts_harmed: Share
    thresholds: dict[str, float]
    thresholds_history: dict[str, float]
    area: float | None
    cluster_area: float | None
    accounts_at: dict[str, Share]
    kinds: dict[str, Kind]
    groups: dict[str, Group]
    curves: list[Step]
    campaigns: dict[str, Campaigns]
    each: dict[str, Found]
    accounts: Accounts | None = None


def report(rows: Sequence[Judged], type: str, accounts: Accounts | None = None) -> Report:
    """All figures of one stream."""
    honest = [row for row in rows if not row.attack]
    attacks = [row for row in rows if row.attack]
    old = [row for row in honest if (row.history or 0) >= HISTORY_LEAST]
    cuts = {_rate(rate): threshold([row.score for row in honest], rate) for rate in RATES}
    old_cuts = {_rate(rate): threshold([row.score for row in old], rate) for rate in RATES} if old else {}
    verdicts: dict[str, dict[str, int]] = {"honest": {}, "attack": {}}
    for row in rows:
        side = verdicts["attack" if row.attack else "honest"]
        side[row.verdict] = side.get(row.verdict, 0) + 1
    challenged = Share.of_all(sum(row.stopped for row in honest), len(honest))
    each = {name: detection(found) for name, found in _by(attacks, lambda row: row.campaign).items() if name}
    good_accounts = _best(honest)
    return Report(
        type=type,
        honest=len(honest),
        attacks=len(attacks),
        verdicts=verdicts,
        challenged=challenged,
        severe=_severe(honest),
        accounts_harmed=Share.of_all(len({row.account for row in honest if row.verdict in SEVERE}), len({row.account for row in honest})),
        thresholds=cuts,
        thresholds_history=old_cuts,
        area=area([row.score for row in attacks if row.entered], [row.score for row in honest]),
        cluster_area=cluster_area(attacks, honest),
        accounts_at={
            f"{rate:.1%}": _above(_best(attacks).values(), threshold(list(good_accounts.values()), rate)) for rate in FALSE_POSITIVES
        },
        kinds={name: _kind(found, honest, cuts, old_cuts) for name, found in sorted(_by(attacks, lambda row: row.kind).items())},
        groups=_groups(honest, challenged, cuts),
        curves=_curves(honest, attacks, cuts),
        campaigns=_together(each),
        each=each,
        accounts=accounts,
    )


def _rate(rate: float) -> str:
    return f"{rate:.1%}"


def _by(rows: Iterable[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    found: dict[str, list[Judged]] = defaultdict(list)
    for row in rows:
        found[key(row)].append(row)
    return dict(found)


def _above(scores: Iterable[float], cut: float) -> Share:
    every = list(scores)
    return Share.of_all(sum(score >= cut for score in every), len(every))


def _severe(rows: Sequence[Judged]) -> Share:
    return Share.of_all(sum(row.verdict in SEVERE for row in rows), len(rows))


def _best(rows: Iterable[Judged]) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in rows:
        found[row.account] = max(found.get(row.account, 0.0), row.score)
    return found


def _kind(rows: list[Judged], honest: list[Judged], cuts: dict[str, float], old_cuts: dict[str, float]) -> Kind:
    able = [row for row in rows if row.entered]
    old = [row for row in able if (row.history or 0) >= HISTORY_LEAST]
    return Kind(
        attempts=len(rows),
        stopped_all=Share.of_all(sum(row.stopped for row in rows), len(rows)),
        stopped=Share.of_all(sum(row.stopped for row in able), len(able)),
        at={rate: _above([row.score for row in able], cut) for rate, cut in cuts.items()},
        at_history={rate: _above([row.score for row in old], cut) for rate, cut in old_cuts.items()},
        area=area([row.score for row in able], [row.score for row in honest]),
    )


def _groups(honest: list[Judged], all_challenged: Share, cuts: dict[str, float]) -> dict[str, Group]:
    tagged: dict[str, list[Judged]] = defaultdict(list)
    for row in honest:
        for tag in row.tags:
            tagged[tag].append(row)
    found = {}
    for tag, rows in sorted(tagged.items()):
        challenged = Share.of_all(sum(row.stopped for row in rows), len(rows))
        found[tag] = Group(
            challenged=challenged,
            severe=_severe(rows),
            times=round((challenged.share or 0.0) / all_challenged.share, 3) if all_challenged.share else None,
            at={rate: _above([row.score for row in rows], cut) for rate, cut in cuts.items()},
        )
    return found


def _curves(honest: list[Judged], attacks: list[Judged], cuts: dict[str, float]) -> list[Step]:
    found = []
    for place, least in enumerate(HISTORY_STEPS):
        most = HISTORY_STEPS[place + 1] if place + 1 < len(HISTORY_STEPS) else 1 << 62
        good = [row.score for row in honest if row.history is not None and least <= row.history < most]
        bad = [row for row in attacks if row.entered and row.history is not None and least <= row.history < most]
        if good or bad:
            found.append(
                Step(
                    history=least,
                    challenged={rate: _above(good, cut) for rate, cut in cuts.items()},
                    stopped=_stopped(bad, cuts),
                    kinds={kind: _stopped(rows, cuts) for kind, rows in sorted(_by(bad, lambda row: row.kind).items())},
                )
            )
    return found


def _stopped(rows: Sequence[Judged], cuts: dict[str, float]) -> dict[str, Share]:
    return {rate: _above([row.score for row in rows], cut) for rate, cut in cuts.items()}


def detection(rows: Sequence[Judged]) -> Found:
    """When one campaign's attempts, in order of time, began to be stopped."""
    ordered = sorted(rows, key=lambda row: row.at_s)
    last: deque[bool] = deque(maxlen=DETECT_WINDOW)
    touched: set[str] = set()
    entered: set[str] = set()
    at: float | None = None
    for row in ordered:
        last.append(row.stopped)
        if sum(last) >= DETECT_LEAST and sum(last) * 2 >= len(last):
            at = row.at_s
            break
        touched.add(row.account)
        if row.entered and not row.stopped:
            entered.add(row.account)
    return Found(
        kind=ordered[0].kind,
        attempts=len(ordered),
        detected=at is not None,
        seconds=round(at - ordered[0].at_s, 3) if at is not None else None,
        accounts=len({row.account for row in ordered}),
        before=len(touched),
        entered_before=len(entered),
    )


def _together(each: dict[str, Found]) -> dict[str, Campaigns]:
    kinds: dict[str, list[Found]] = defaultdict(list)
    for found in each.values():
        kinds[found.kind].append(found)
        kinds["all"].append(found)
    return {
        kind: Campaigns(
            detected=Share.of_all(sum(one.detected for one in every), len(every)),
            median_seconds=median([one.seconds for one in every if one.seconds is not None]),
            median_before=median([one.before for one in every]),
            median_entered_before=median([one.entered_before for one in every]),
            missed_large=sum(not one.detected and one.accounts >= 50 for one in every),
        )
        for kind, every in sorted(kinds.items())
    }


def cluster_area(attacks: Sequence[Judged], honest: Sequence[Judged]) -> float | None:
    """The area over clusters by their middle score (a mean would favour large ones where scores are skewed): attackers' campaigns against honest events of one network, each of at least GROUP_LEAST."""

    def middles(groups: dict[str, list[Judged]]) -> list[float]:
        return [statistics.median(row.score for row in rows) for name, rows in groups.items() if name and len(rows) >= GROUP_LEAST]

    return area(middles(_by(attacks, lambda row: row.campaign)), middles(_by(honest, lambda row: row.network)))
