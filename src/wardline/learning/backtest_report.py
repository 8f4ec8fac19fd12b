"""What a backtest found, and how it is told to people.

    Share(7, 100).interval        (0.034, 0.137): Wilson's interval at 95 %
    render(report)                a page of plain text; docs/backtest.md says how to read it

Every share comes with its interval and with what it is a share of. A hit that nobody labelled is no false positive: precision and recall
speak of labelled events alone, and the coverage says how many those are.
"""

from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

from wardline.learning.evaluation.intervals import wilson

WARNING = (
    "Blocking changes what comes later: attackers who meet the rule will do something else, and what it stops will leave no outcomes. "
    "These figures say what the rule would have hit, not what will happen once it is live."
)
SHOWN = 10


class Share(msgspec.Struct, frozen=True):
    """A part of a whole, counted."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.part / self.whole if self.whole else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval at 95 %; (0, 1) where nothing was counted."""
        return wilson(self.part, self.whole)


class Entities(msgspec.Struct, frozen=True, kw_only=True):
    """How many different values of a fact were hit, and the events that were hit without it."""

    name: str
    hit: int
    unknown_events: int


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """A live rule, and how many of the hits it hit as well."""

    rule: str
    hits: int


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """One day (UTC): events, those for which the rule was unknown, and hits."""

    day: str
    events: int
    unknown: int
    hits: int


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign in the window: how many of its events were hit, when it began and when the rule hit it first (None: never)."""

    name: str
    events: int
    hits: int
    began_us: int
    first_hit_us: int | None


class Labelled(msgspec.Struct, frozen=True, kw_only=True):
    """What labels say. precision: abusive of labelled hits; recall: hit of events labelled abusive; false_hits: hit of events labelled good."""

    coverage_of_hits: Share
    coverage_of_events: Share
    precision: Share
    recall: Share
    false_hits: Share


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Those among the hit whom a mistake would cost most: different accounts, events, and hit events of which it is not known."""

    name: str
    accounts: int
    events: int
    unknown_events: int


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One event by its id, when it happened, and its entities: pseudonyms alone."""

    id: str
    occurred_us: int
    entities: dict[str, str]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """See the module. tier: "stored" (facts and counters as decisions read them), "recounted" (with counters computed over history) or
    "shadow" (what the rule did in shadow). Times in microseconds since the epoch, the window's end excluded."""

    rule: str
    point: str
    condition: str
    tier: str
    since_us: int | None
    until_us: int
    history_since_us: int | None
    events: int
    hits: int
    unknown: int
    entities: list[Entities]
    verdicts: dict[str, int]
    overlap: list[Overlap]
    alone: int
    labelled: Labelled
    groups: list[Group]
    campaigns: list[Campaign]
    campaigns_left_out: int
    days: list[Day]
    wrongly_hit: list[Example]
    missed: list[Example]
    notes: list[str]
    warning: str = WARNING
    sql: str = ""
    seconds: float = 0.0


def render(report: Report) -> str:
    """The report for people, in plain text."""
    hits, labels = Share(report.hits, report.events), report.labelled
    lines = [
        f"{report.rule}: {_count(report.hits, 'hit')} in {_count(report.events, 'event')} of {report.point} ({_percent(hits.value)})",
        f"  condition    {report.condition}" if report.condition else "",
        f"  window       {_time(report.since_us or report.history_since_us)} to {_time(report.until_us)} (UTC)",
        f"  read from    {_TIERS[report.tier]}",
        f"  unknown      {_count(report.unknown, 'event')}: the rule could not be decided, and did not hit",
        "",
        "Who was hit",
        *(f"  {_count(e.hit, 'different ' + e.name)}{_without(e.unknown_events, e.name)}" for e in report.entities),
        *(
            f"  {_count(g.accounts, g.name + ' account')} in {_count(g.events, 'event')}{_without(g.unknown_events, 'it')}"
            for g in report.groups
        ),
        "",
        "What was decided then",
        *(f"  {verdict:<12} {count:,}" for verdict, count in report.verdicts.items()),
        *(f"  also hit by {overlap.rule}: {overlap.hits:,}" for overlap in report.overlap[:SHOWN]),
        f"  hit by no live rule: {report.alone:,}",
        "",
        "Labels",
        f"  labelled     {_share(labels.coverage_of_hits)} of hits, {_share(labels.coverage_of_events)} of events",
        *(
            [
                f"  precision    {_estimate(labels.precision)} of labelled hits were abusive",
                f"  recall       {_estimate(labels.recall)} of events labelled abusive were hit",
                f"  false hits   {_estimate(labels.false_hits)} of events labelled good were hit",
                "  A hit that nobody labelled is no false positive, and no true one either.",
            ]
            if labels.coverage_of_events.part
            else ["  No event of the window is labelled: nothing can be said about precision or recall."]
        ),
        *(["", "Campaigns", *_campaigns(report)] if report.campaigns else []),
        "",
        "Days",
        *_days(report.days),
        *_examples("Hit, but labelled good", report.wrongly_hit),
        *_examples("Labelled abusive, but missed", report.missed),
        "",
        *(f"Note: {note}" for note in report.notes),
        report.warning,
        f"{report.seconds:.1f} s",
    ]
    return "\n".join(line for number, line in enumerate(lines) if line or (number and lines[number - 1])) + "\n"


_TIERS = {
    "stored": "facts and counters as each decision read them",
    "recounted": "facts as recorded; new counters computed over history",
    "shadow": "what the rule did in shadow, live",
}


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _without(number: int, name: str) -> str:
    return f"; {_count(number, 'hit')} where {name} is unknown" if number else ""


def _percent(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.3f} %" if 0 < value < 0.01 else f"{100 * value:.1f} %"


def _share(share: Share) -> str:
    return f"{share.part:,} of {share.whole:,} ({_percent(share.value)})"


def _estimate(share: Share) -> str:
    low, high = share.interval
    return f"{_percent(share.value):<8} (95 %: {_percent(low)} to {_percent(high)}; {share.part:,} of {share.whole:,})"


def _time(time_us: int | None) -> str:
    if time_us is None:
        return "the beginning"
    try:
        return datetime.fromtimestamp(time_us / 1e6, UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
    except (ValueError, OverflowError, OSError):
        return f"{time_us} us"


def _campaigns(report: Report) -> Iterable[str]:
    for campaign in report.campaigns:
        if campaign.first_hit_us is None:
            when = "never hit"
        else:
            when = f"first hit {(campaign.first_hit_us - campaign.began_us) / 60e6:,.0f} min after it began"
        yield f"  {campaign.name:<24} {campaign.hits:,} of {_count(campaign.events, 'event')}, {when}"
    if report.campaigns_left_out:
        yield f"  and {_count(report.campaigns_left_out, 'campaign')} more"


def _days(days: list[Day]) -> Iterable[str]:
    most = max((day.hits for day in days), default=0)
    for day in days:
        bar = "#" * round(30 * day.hits / most) if most else ""
        yield f"  {day.day}  {day.hits:>10,} of {day.events:<12,} {bar}".rstrip()


def _examples(title: str, examples: list[Example]) -> list[str]:
    if not examples:
        return []
    return ["", title, *(f"  {e.id}  {_time(e.occurred_us)}  {' '.join(e.entities.values())}".rstrip() for e in examples)]
