"""A backtest: whom a rule would have hit, over stored history. Reads; changes nothing; may run beside the server.

    rule = candidate("spray", "login", "failures_prefix_10m > 20", names, counters=[failures_prefix_10m])
    with Session(history, tail(history, journal), BACKTEST) as session:
        report = backtest(rule, session, labels, since_us=…, until_us=…, progress=print)
    print(render(report))

Three tiers, chosen by what the rule asks for. "stored": facts and counters as every decision read them, one pass of SQL over the columns
that the rule names. "recounted": counters that are new (given with the rule) are computed over history first (`history.recount`), equal to what they would
have read live. "shadow": what the rule did hit in shadow (`in_shadow=True`). Labels are those known at the window's end.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pyarrow as pa

from wardline.engine.conditions.sql import Sql, to_sql
from wardline.engine.conditions.tree import Checked
from wardline.engine.counting.counter import Counter
from wardline.engine.rule import check
from wardline.learning.backtest_report import Campaign, Day, Entities, Example, Group, Labelled, Overlap, Report, Share, render
from wardline.learning.history.recount import recount
from wardline.learning.history.session import Limits, Session, quoted

__all__ = ["BACKTEST", "Candidate", "Known", "Report", "Settings", "backtest", "candidate", "render"]

BACKTEST = Limits(memory_bytes=1280 << 20, threads=2, seconds=300.0)
DAY_US = 86_400_000_000
CAMPAIGNS_SHOWN = 20
EVENT = "event:"
Progress = Callable[[str, float], None]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One label as a backtest needs it. about: "event:ID" or an entity's pseudonym; time_us: when it was known."""

    about: str
    abusive: bool
    confidence: float = 1.0
    time_us: int = 0


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A rule to be tested. counters: declarations of those that history has no stored values of."""

    name: str
    point: str
    condition: Checked
    counters: tuple[Counter, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Which facts mean what. An event with a label of its own goes by that, else by its first labelled entity, in this order."""

    entities: tuple[str, ...] = ("account", "ip", "device")
    account: str = "account"
    age_days: str = "account.age_days"
    old_days: float = 365.0
    payment: str = "payment"
    unpaid: tuple[str, ...] = ("none",)
    campaign: str = "campaign"
    examples: int = 10
    confidence: float = 0.0


def candidate(name: str, point: str, when: str, names: Mapping[str, str], counters: Sequence[Counter] = ()) -> Candidate:
    """A rule as text, checked over the names of facts and counters and those of its own counters. Raises RuleError."""
    return Candidate(
        name=name,
        point=point,
        condition=check(when, {**names, **{counter.name: "number" for counter in counters}}),
        counters=tuple(counters),
    )


def backtest(
    rule: Candidate,
    session: Session,
    labels: Iterable[Known] = (),
    *,
    since_us: int | None = None,
    until_us: int,
    settings: Settings | None = None,
    in_shadow: bool = False,
    names: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Report:
    """The report on events of the rule's point in [since, until). Raises HistoryError, StorageDamaged, RuleError.

    names: kinds of declared facts, for names that no row of history knows yet. progress: told a stage and the share done.
    """
    run = _Run(rule, session, settings or Settings(), since_us, until_us, names or {}, progress or (lambda stage, done: None))
    return run.report(labels, in_shadow)


class _Run:
    def __init__(
        self,
        rule: Candidate,
        session: Session,
        settings: Settings,
        since_us: int | None,
        until_us: int,
        names: Mapping[str, str],
        progress: Progress,
    ) -> None:
        self.rule, self.session, self.settings = rule, session, settings
        self.since_us, self.until_us, self.names, self.progress = since_us, until_us, names, progress
        self.kinds = {**names, **session.kinds(rule.point)}
        self.recounted = tuple(counter for counter in rule.counters if counter.name in rule.condition.reads)
        self.notes: list[str] = []

    def report(self, labels: Iterable[Known], in_shadow: bool) -> Report:
        started = time.monotonic()
        condition = Sql("list_contains(_shadow, $1)", (self.rule.name,)) if in_shadow else to_sql(self.rule.condition)
        reads = ("_shadow",) if in_shadow else self.rule.condition.reads
        tier = "shadow" if in_shadow else "recounted" if self.recounted else "stored"
        if in_shadow:
            self.recounted = ()
            self.notes.append("Events from before the rule was in shadow count as not hit.")
        if self.recounted:
            self._recount()
        self.progress("rule", 0.5)
        days = self._match(condition, reads)
        self.progress("labels", 0.8)
        labelled, wrongly, missed = self._labelled(labels, sum(day.events for day in days))
        self.progress("report", 0.9)
        campaigns = self._campaigns()
        verdicts, overlap, alone = self._decided()
        first = min((part.first_us for part in self.session.manifest.of_type(None)), default=None)
        if self.recounted and first is not None and (self.since_us is None or self.since_us - self._longest_us() < first):
            self.notes.append("Counters begin with the history: in their first window they may read less than they would have.")
        report = Report(
            rule=self.rule.name,
            point=self.rule.point,
            condition="" if in_shadow else self.rule.condition.text,
            tier=tier,
            since_us=self.since_us,
            until_us=self.until_us,
            history_since_us=first,
            events=sum(day.events for day in days),
            hits=sum(day.hits for day in days),
            unknown=sum(day.unknown for day in days),
            entities=self._entities(),
            verdicts=verdicts,
            overlap=overlap,
            alone=alone,
            labelled=labelled,
            groups=self._groups(),
            campaigns=campaigns[:CAMPAIGNS_SHOWN],
            campaigns_left_out=max(len(campaigns) - CAMPAIGNS_SHOWN, 0),
            days=days,
            wrongly_hit=self._examples(wrongly),
            missed=self._examples(missed),
            notes=self.notes,
            sql=condition.text,
            seconds=time.monotonic() - started,
        )
        self.progress("done", 1.0)
        return report

    def _longest_us(self) -> int:
        return max(max(counter.window_seconds, 10 * counter.half_life_seconds) for counter in self.recounted) * 1_000_000

    def _source(self, names: Iterable[str], *, bare: bool = False) -> str:
        """The window's events with these columns, new counters among them unless `bare`."""
        wanted = list(dict.fromkeys(names))
        new = [] if bare else [counter.name for counter in self.recounted if counter.name in wanted]
        stored = [name for name in wanted if name not in new]
        events = self.session.events(
            self.rule.point, {name: self.kinds.get(name, "text") for name in dict.fromkeys([*stored, "_seq"])}, self.since_us, self.until_us
        )
        if not new:
            return events
        cells = ", ".join([f"e.{quoted(name)}" for name in dict.fromkeys([*stored, "_seq"])] + [f"r.{quoted(name)}" for name in new])
        return f"(SELECT {cells} FROM {events} e LEFT JOIN recounted r ON e._seq = r._seq)"  # noqa: S608 - names are quoted

    def _recount(self) -> None:
        table = recount(
            self.session,
            self.recounted,
            self.rule.point,
            since_us=self.since_us,
            until_us=self.until_us,
            names=self.names,
            progress=lambda done: self.progress("counters", 0.5 * done),
        )
        self.session.give("recounted", table)

    def _match(self, condition: Sql, reads: Sequence[str]) -> list[Day]:
        """Keep the hits in memory, narrow: texts by hash. Gives the days."""
        s = self.settings
        columns = ["_seq", "_occurred_us", "_verdict", "_hits", *s.entities, s.account, s.age_days, s.payment, s.campaign, *reads]
        entities = ", ".join(f"{_hashed(name)} AS entity_{number}" for number, name in enumerate(s.entities))
        parameters: list[Any] = list(condition.parameters)
        old = paying = "NULL::BOOLEAN"
        if self._has(s.age_days, "number"):
            parameters.append(s.old_days)
            old = f"{quoted(s.age_days)} >= ${len(parameters)}::DOUBLE"
        if self._has(s.payment, "text"):
            parameters.append(list(s.unpaid))
            paying = f"NOT list_contains(${len(parameters)}::VARCHAR[], {quoted(s.payment)})"
        self.session.make(
            "hit",
            f"SELECT _seq, _occurred_us, _verdict, _hits, {entities}, {_hashed(s.account)} AS account, "  # noqa: S608
            f"({old}) AS old, ({paying}) AS paying, {quoted(s.campaign)}::VARCHAR AS campaign "
            f"FROM {self._source(columns)} WHERE {condition.text}",
            parameters,
        )
        unknown = f"count(*) FILTER (({condition.text}) IS NULL)"
        found = self.session.arrow(
            f"SELECT _occurred_us // {DAY_US} AS day, count(*) AS events, {unknown} AS unknown "  # noqa: S608
            f"FROM {self._source(['_occurred_us', *reads])} GROUP BY day ORDER BY day",
            condition.parameters,
        ).to_pylist()
        hits = dict(self._all(f"SELECT _occurred_us // {DAY_US}, count(*) FROM hit GROUP BY 1"))  # noqa: S608
        return [Day(day=_day(row["day"]), events=row["events"], unknown=row["unknown"], hits=hits.get(row["day"], 0)) for row in found]

    def _has(self, name: str, kind: str) -> bool:
        return self.kinds.get(name) == kind

    def _all(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        table = self.session.arrow(sql, parameters)
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    def _entities(self) -> list[Entities]:
        found = []
        for number, name in enumerate(self.settings.entities):
            if name in self.kinds:
                ((hit, unknown),) = self._all(
                    f"SELECT count(DISTINCT entity_{number}), count(*) - count(entity_{number}) FROM hit"  # noqa: S608
                )
                found.append(Entities(name=name, hit=hit, unknown_events=unknown))
        return found

    def _groups(self) -> list[Group]:
        found = []
        for column, name in (("old", f"old ({self.settings.old_days:g} days or more)"), ("paying", "paying")):
            ((accounts, events, unknown),) = self._all(
                f"SELECT count(DISTINCT account) FILTER ({column}), count(*) FILTER ({column}), count(*) FILTER ({column} IS NULL) FROM hit"  # noqa: S608
            )
            found.append(Group(name=name, accounts=accounts, events=events, unknown_events=unknown))
        return found

    def _decided(self) -> tuple[dict[str, int], list[Overlap], int]:
        verdicts = self._all("SELECT coalesce(_verdict, 'none'), count(*) FROM hit GROUP BY 1 ORDER BY 2 DESC, 1")
        rules = self._all("SELECT rule, count(*) FROM (SELECT unnest(_hits) AS rule FROM hit) GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1000")
        ((alone,),) = self._all(
            "SELECT count(*) FROM hit WHERE coalesce(len(_hits), 0) = coalesce(list_contains(_hits, $1), FALSE)::INT", [self.rule.name]
        )
        return dict(verdicts), [Overlap(rule=rule, hits=count) for rule, count in rules if rule != self.rule.name], alone

    def _campaigns(self) -> list[Campaign]:
        name = self.settings.campaign
        if name not in self.kinds:
            return []
        rows = self._all(
            f"WITH there AS (SELECT {quoted(name)}::VARCHAR AS campaign, count(*) AS events, min(_occurred_us) AS began "  # noqa: S608
            f"FROM {self._source([name, '_occurred_us'], bare=True)} WHERE {quoted(name)} IS NOT NULL GROUP BY 1), "
            "hits AS (SELECT campaign, count(*) AS hits, min(_occurred_us) AS first FROM hit GROUP BY 1) "
            "SELECT t.campaign, t.events, coalesce(h.hits, 0), t.began, h.first FROM there t LEFT JOIN hits h USING (campaign) "
            "ORDER BY 3 DESC, 2 DESC, 1 LIMIT 10000"
        )
        return [
            Campaign(name=campaign, events=events, hits=hits, began_us=began, first_hit_us=first)
            for campaign, events, hits, began, first in rows
        ]

    # Labels

    def _labelled(self, labels: Iterable[Known], events: int) -> tuple[Labelled, list[int], list[int]]:
        hits = self._all("SELECT count(*) FROM hit")[0][0]
        known = self._known(labels)
        none = Labelled(
            coverage_of_hits=Share(0, hits), coverage_of_events=Share(0, events), precision=Share(0, 0), recall=Share(0, 0), false_hits=Share(0, 0)
        )  # fmt: skip
        if not known.num_rows:
            return none, [], []
        self.session.give("known", known)
        entities = [name for name in self.settings.entities if self._has(name, "text")]
        finds = [
            f"SELECT _seq, k.abusive, 0 AS place FROM {self._source(['_id'], bare=True)} e JOIN known k ON k.event AND e._id = k.about"  # noqa: S608
        ]
        if any(not event for event in known["event"].to_pylist()):
            finds += [
                f"SELECT _seq, k.abusive, {place} AS place FROM {self._source([name], bare=True)} e "  # noqa: S608
                f"JOIN known k ON NOT k.event AND e.{quoted(name)} = k.about"
                for place, name in enumerate(entities, 1)
            ]
        every = " UNION ALL ".join(finds)
        self.session.make("labelled", f"SELECT _seq, arg_min(abusive, place) AS abusive FROM ({every}) GROUP BY _seq")  # noqa: S608
        rows = self._all("SELECT l.abusive, h._seq IS NOT NULL, count(*) FROM labelled l LEFT JOIN hit h ON l._seq = h._seq GROUP BY ALL")
        counts = {(abusive, hit): count for abusive, hit, count in rows}
        bad_hit, bad_missed = counts.get((True, True), 0), counts.get((True, False), 0)
        good_hit, good_missed = counts.get((False, True), 0), counts.get((False, False), 0)
        found = Labelled(
            coverage_of_hits=Share(bad_hit + good_hit, hits),
            coverage_of_events=Share(sum(counts.values()), events),
            precision=Share(bad_hit, bad_hit + good_hit),
            recall=Share(bad_hit, bad_hit + bad_missed),
            false_hits=Share(good_hit, good_hit + good_missed),
        )
        wrongly = self._all(
            "SELECT max(h._seq) FROM labelled l JOIN hit h ON l._seq = h._seq WHERE NOT l.abusive "
            "GROUP BY h.account ORDER BY 1 DESC LIMIT $1",
            [self.settings.examples],
        )
        missed = self._all(
            "SELECT l._seq FROM labelled l LEFT JOIN hit h ON l._seq = h._seq WHERE l.abusive AND h._seq IS NULL ORDER BY 1 DESC LIMIT $1",
            [self.settings.examples],
        )
        return found, [row[0] for row in wrongly], [row[0] for row in missed]

    def _known(self, labels: Iterable[Known]) -> pa.Table:
        """The last label about each thing that was known at the window's end and is sure enough."""
        last: dict[str, Known] = {}
        for label in labels:
            if label.time_us < self.until_us and label.confidence >= self.settings.confidence:
                before = last.get(label.about)
                if before is None or label.time_us >= before.time_us:
                    last[label.about] = label
        return pa.table(
            {
                "about": pa.array([about.removeprefix(EVENT) for about in last], pa.string()),
                "event": pa.array([about.startswith(EVENT) for about in last], pa.bool_()),
                "abusive": pa.array([label.abusive for label in last.values()], pa.bool_()),
            }
        )

    def _examples(self, seqs: list[int]) -> list[Example]:
        if not seqs:
            return []
        entities = [name for name in self.settings.entities if self._has(name, "text")]
        cells = "".join(f", {quoted(name)}" for name in entities)
        rows = self._all(
            f"SELECT _id, _occurred_us{cells} FROM {self._source(['_seq', '_id', '_occurred_us', *entities], bare=True)} "  # noqa: S608
            "WHERE list_contains($1::BIGINT[], _seq) ORDER BY _seq DESC",
            [seqs],
        )
        return [
            Example(
                id=id,
                occurred_us=occurred,
                entities={name: value for name, value in zip(entities, values, strict=True) if value is not None},
            )
            for id, occurred, *values in rows
        ]


def _hashed(name: str) -> str:
    """64 bits instead of a text: to count different ones, a collision in 10^7 is one in a million."""
    return f"CASE WHEN {quoted(name)} IS NOT NULL THEN hash({quoted(name)}) END"


def _day(number: int) -> str:
    try:
        return datetime.fromtimestamp(number * 86_400, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):
        return f"day {number}"
