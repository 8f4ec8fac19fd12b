"""The history of one data folder, kept: compacted when enough is new, asked, tested against, forgotten from.

    keeper = Keeper(data, journal, clock, declared=lambda: {"": {"ip.asn": "number"}})
    keeper.compact_when_due()                       # in a process of its own, at low priority: decisions go on beside it
    keeper.ask(Question(text="login where score > 0.5"))
    keeper.backtest(rule, labels, until_us=…)       # -> Report; both read files and what is not compacted yet
    keeper.forget("account:5f2c…")                  # after journal.erase

All calls block and belong to threads, not to an event loop. Nothing is made on disk before there is an event to compact.
"""

import contextlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from wardline.base.apart import Apart, Ended
from wardline.base.clock import Clock
from wardline.base.storage import StorageDamaged, StorageError
from wardline.engine.feedback.labels import Labels
from wardline.engine.rules.rulefile import RuleFile
from wardline.engine.store.journal import Journal
from wardline.learning.backtest import BACKTEST, Candidate, Known, Report, backtest, candidate
from wardline.learning.history.columns import TYPES
from wardline.learning.history.compaction import Compacted, Declared, compact, declared_for, names_waiting, tail
from wardline.learning.history.question import Question, Reply, ask, columns_of, parse_time, understand
from wardline.learning.history.session import Limits, Session, names_of
from wardline.learning.history.store import History

FOLDER = "history"
# So many records are read from the journal at every question; more are compacted first.
TAIL_RECORDS = 5_000
DAY_US = 86_400_000_000
CHILD_SECONDS = 3600.0


class Keeper:
    """See the module. declared: event type -> name -> kind, of facts and counters; those under "" hold for every type. database,
    password_file: where the journal's records are, as in the configuration's `store`; "" for DATA/journal.db."""

    def __init__(
        self,
        data: Path,
        journal: Journal,
        clock: Clock,
        declared: Callable[[], Declared] = dict,
        *,
        database: str = "",
        password_file: str = "",
    ) -> None:
        self.database, self.password_file = database, password_file
        self.data, self.journal, self.clock, self.declared = data, journal, clock, declared
        self.apart = Apart()
        self.history = History(data / FOLDER, journal.folder.files)

    @property
    def waiting(self) -> int:
        """Records that are not compacted yet, of any kind."""
        return self.journal.last_seq - min(self.history.manifest().compacted_seq, self.journal.last_seq)

    def compact(self, *, apart: bool = False) -> Compacted:
        """Write what is new. apart: in a process of its own, so that decisions go on beside it.

        Raises StorageError, OSError.
        """
        self.journal.flush()
        if not apart:
            return compact(self.history, self.journal, declared=self.declared())
        order = {
            "last_seq": self.journal.last_seq,
            "declared": self.declared(),
            "database": self.database,
            "password_file": self.password_file,
        }
        arguments = ["-m", "wardline.learning.history.apart", str(self.data)]
        try:
            done = self.apart.run(arguments, json.dumps(order, default=dict).encode(), timeout_seconds=CHILD_SECONDS)
        except Ended:
            raise StorageError("the program is ending", str(self.history.path), "Compact after its start.") from None
        except TimeoutError as error:
            raise self._failed(str(error)) from None
        if done.status:
            raise self._failed(done.fault)
        return msgspec.json.decode(done.said, type=Compacted)

    def _failed(self, why: str) -> StorageError:
        return StorageError(f"the history could not be compacted: {why}", str(self.history.path), "Try `wardline compact`.")

    def compact_when_due(self) -> Compacted | None:
        """Compact apart, when more is waiting than a question should have to read. For upkeep."""
        return self.compact(apart=True) if self.compacts_first else None

    def rebuild(self) -> Compacted:
        """Remove the history and write it anew from the journal, as far back as that reaches."""
        self.history.clear()
        return self.compact(apart=True)

    @property
    def compacts_first(self) -> bool:
        """Whether more is waiting than a question should have to read."""
        return self.waiting > TAIL_RECORDS

    @contextlib.contextmanager
    def session(self, limits: Limits | None = None) -> Iterator[Session]:
        """A reader of everything up to now."""
        if self.compacts_first:
            self.compact(apart=True)
        with Session(self.history, tail(self.history, self.journal, self.declared()), limits) as opened:
            yield opened

    def ask(self, question: Question, limits: Limits | None = None) -> Reply:
        """The reply to an analyst's question. Raises HistoryError, RuleError, StorageError; what cannot be asked is told before anything is compacted."""
        if self.compacts_first:
            self._understood(question)
        with self.session(limits) as opened:
            return ask(opened, question, self.declared())

    def _understood(self, question: Question) -> None:
        """Check a question by what the history, the declarations and the records that wait know. Raises HistoryError, RuleError."""
        manifest, declared, fresh = self.history.manifest(), self.declared(), names_waiting(self.history, self.journal)

        def names(type: str) -> dict[str, str]:
            # Of what kind a new name will be, compaction decides.
            new = dict.fromkeys(fresh.get(type, ()), "any")
            return {**new, **columns_of(declared, type), **names_of(manifest.kinds.get(type, {}))}

        understand(question, {*fresh, *(part.type for part in manifest.files)}, names)

    def backtest(self, rule: Candidate, labels: Iterable[Known], *, until_us: int, limits: Limits | None = None, **more: Any) -> Report:
        """`learning.backtest.backtest` over everything up to now; `more` are its further arguments. Declared names may be named."""
        every = [*self.declared().values(), declared_for(self.declared(), rule.point)]
        more.setdefault("names", {name: kind for names in every for name, kind in names.items() if kind in TYPES})
        with self.session(limits or BACKTEST) as opened:
            return backtest(rule, opened, labels, until_us=until_us, **more)

    def backtest_file(self, file: RuleFile, labels: Labels, since: str, until: str, *, in_shadow: bool) -> Report:
        """Whom a rule file would have hit between two times as `question.parse_time` reads them; "" for all that is kept, and for now."""
        now_us = self.clock.now_us()
        until_us = parse_time(until, now_us) if until else now_us
        written = file.written
        return self.backtest(
            candidate(written.rule, written.point, written.when, file.names, file.counters),
            known(labels, until_us),
            since_us=parse_time(since, now_us) if since else None,
            until_us=until_us,
            in_shadow=in_shadow,
            names=file.names,
        )

    def forget(self, pseudonym: str) -> int:
        """Remove every row that names a pseudonym; gives how many. The journal erases first."""
        return self.history.forget(pseudonym) if self.history.path.exists() else 0

    def expire(self, days: int) -> int:
        """Retention: remove rows whose record is older than so many days; gives how many."""
        return self.history.expire(self.clock.now_us() - days * DAY_US) if self.history.path.exists() else 0

    def verify(self) -> list[str]:
        """A line for each file that is missing or not what was written."""
        try:
            return self.history.verify() if self.history.path.exists() else []
        except StorageDamaged as error:
            return [error.what]


def known(labels: Labels, now_us: int) -> Iterator[Known]:
    """What the labels come to, thing by thing, as a backtest takes it: only what is conclusive, as it stood at a time."""
    for about in list(labels.things):
        standing = labels.standing(about, now_us=now_us)
        if standing.abusive is not None:
            yield Known(about=about, abusive=standing.abusive, confidence=standing.confidence)
