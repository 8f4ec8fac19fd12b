"""Which sources were right: when an event is labelled, the sources that hit it are told whether it was abusive.

    hits = SourceHits(journal, tell=registry.labelled, wanted=lambda: registry.in_use)
    labelling.listeners.append(hits.told)      # called with every label, once it is written

The sources that hit an event stand in its facts (`ip.sources_hit`, `user_agent.sources_hit`, `email.sources_hit`), as they were when it was
judged. A label about an event counts for that event; one about an entity for its hundred newest events, once for each source and label. The last
label about a thing counts, earlier ones about it are taken back, and so is one that is withdrawn. Counts live as long as the process.
"""

from collections.abc import Callable, Iterable

import msgspec

from wardline.engine.kept import kept_event
from wardline.engine.label import Label
from wardline.engine.record import Record
from wardline.engine.store.journal import Journal

EVENTS_LIMIT = 100  # of one entity
THINGS_LIMIT = 10_000  # whose last label is remembered, so that it can be taken back
_SUFFIX = ".sources_hit"
_EVENT = "event:"


class _Counted(msgspec.Struct):
    label_id: str
    names: tuple[str, ...]
    abusive: bool


class SourceHits:
    """The way from labels to sources. tell(names, abusive, withdrawn=…): what counts them. wanted: whether there are sources to tell."""

    def __init__(self, journal: Journal, tell: Callable[..., None], wanted: Callable[[], bool] = lambda: True) -> None:
        self._journal = journal
        self._tell = tell
        self._wanted = wanted
        self._counted: dict[str, _Counted] = {}

    def told(self, label: Label) -> None:
        """One label was written: a statement or a withdrawal."""
        if not self._wanted():
            return
        before = self._counted.get(label.about)
        if label.withdrawn:
            if before is not None and before.label_id == label.withdraws:
                self._take_back(label.about)
            return
        if before is not None:
            if before.abusive == label.abusive:
                before.label_id = label.id  # the same again, by whomever, is no second hit
                return
            self._take_back(label.about)
        names = self._names(label.about)
        if names:
            self._tell(names, label.abusive)
            if len(self._counted) >= THINGS_LIMIT:
                del self._counted[next(iter(self._counted))]
            self._counted[label.about] = _Counted(label.id, names, label.abusive)

    def _take_back(self, about: str) -> None:
        counted = self._counted.pop(about)
        self._tell(counted.names, counted.abusive, withdrawn=True)

    def _names(self, about: str) -> tuple[str, ...]:
        if about.startswith(_EVENT):
            event_id = about.removeprefix(_EVENT)
            record = self._journal.find_id("decision", event_id) or self._journal.find_id("event", event_id)
            return hit_by((record,) if record else ())
        return hit_by(self._journal.find_key(about, EVENTS_LIMIT))


def hit_by(records: Iterable[Record]) -> tuple[str, ...]:
    """Names of the sources that hit any of these events, each once, in their order."""
    found: dict[str, None] = {}
    for record in records:
        kept = kept_event(record)
        for name, value in kept.facts.items() if kept else ():
            if name.endswith(_SUFFIX) and isinstance(value, list):
                found.update(dict.fromkeys(member for member in value if isinstance(member, str)))
    return tuple(found)
