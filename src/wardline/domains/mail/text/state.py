"""The text models as a state of the journal: read at admission, changed by labels, rebuilt from snapshot, journal and vault.

    state.read(features)                       {"text.log_odds": 4.2, "text.trained": 3100, "shape.log_odds": 1.1}
    update = state.propose(features, abusive=True, who="recipient:5f…")
    state.keep(label_id, who, update)          into the vault, before the label that names it is written
    state.absorb(seq, label)                   applies it, or takes it back when the label is a withdrawal

A label record names its update; the update itself is sealed under its subject's key. Where a subject was erased, the update cannot be read
any more: the erasure subtracted it first, so a state that is rebuilt without it is the same.
"""

from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.records import MailLabel, unpack
from wardline.domains.mail.states import POINT
from wardline.domains.mail.text.model import Features, TextModel, Update
from wardline.domains.mail.text.starter import read_starter, shipped_starter
from wardline.engine.feature import Value
from wardline.engine.record import Record
from wardline.engine.store.vault import Vault
from wardline.learning.frozen import Frozen

# The vault asks for a subject; what the site itself teaches belongs to the site.
SITE_SUBJECT = "site"
CLASS = "update"
# The source of labels that the models gave themselves (unlabelled.py).
UNLABELLED = "co-training"
DAY_SECONDS = 86_400
PENDING_LIMIT = 4096
FADE_LABELS = 200


class TextState:
    """The text models and how far they have followed the journal."""

    name = "text"

    def __init__(self, vault: Vault, starter: Frozen | None = None) -> None:
        self.applied_seq = 0
        self.model = TextModel()
        self.starter = starter
        self._vault = vault
        # Updates between `keep` and `absorb`, so that the live path need not read back what it has just written.
        self._pending: dict[str, Update] = {}
        self.missing = 0
        self._labelled = 0

    @property
    def label(self) -> str:
        """The name of what serves."""
        return f"{self.model.label}+{self.starter.name}" if self.starter else self.model.label

    def read(self, features: Features, starter: tuple[str, float] = ("", 0.0)) -> dict[str, Value]:
        """What the models say, as values. starter: a starter model's name and its log-odds, where it was asked already."""
        score = self.model.score(features)
        odds, trained = score.text_log_odds, score.trained
        if self.starter:
            # The starter steps back as the site's own labels come in: at FADE_LABELS it counts half.
            asked = starter[1] if starter[0] == self.starter.name else self.starter.log_odds(features.text)
            odds += asked * (FADE_LABELS / (FADE_LABELS + max(trained, 0)))
            trained += 1
        return {"text.log_odds": odds, "text.trained": trained, "shape.log_odds": score.shape_log_odds}

    def take_labelled(self) -> int:
        """How many labels of people came since the last call, 0 to PENDING_LIMIT."""
        count, self._labelled = self._labelled, 0
        return count

    def offset(self, who: str, features: Features) -> float:
        """What a recipient's own reports add for that recipient."""
        return self.model.offset(who, features)

    def propose(self, features: Features, abusive: bool, who: str, time_s: int) -> Update | None:
        """What a label would change; None when the models are sure of it already."""
        return self.model.propose(features, abusive, who, day=time_s // DAY_SECONDS)

    def keep(self, label_id: str, who: str, update: Update) -> None:
        """Put an update into the vault, durable with the record that is written next."""
        self._vault.put(who or SITE_SUBJECT, CLASS, label_id, update.to_bytes())
        if len(self._pending) < PENDING_LIMIT:
            self._pending[label_id] = update

    def absorb(self, seq: int, label: MailLabel | None) -> None:
        """Apply one label's record; records at or before `applied_seq` were applied already."""
        if seq <= self.applied_seq:
            return
        self.applied_seq = seq
        if label is None:
            return
        if label.source != UNLABELLED and not label.withdrawn:
            self._labelled = min(self._labelled + 1, PENDING_LIMIT)
        # The site's labels alone: users' would let one of them tilt what everybody's labels weigh.
        if label.source != UNLABELLED and not label.subject:
            self.model.count(label.abusive, -1 if label.withdrawn else 1)
        if not label.updates:
            return
        update = self._pending.pop(label.updates, None) or self._stored(label)
        if update is None:
            self.missing += 1
        elif label.withdrawn:
            self.model.subtract(update)
        else:
            self.model.add(update)

    def _stored(self, label: MailLabel) -> Update | None:
        data = self._vault.get(label.subject or SITE_SUBJECT, CLASS, label.updates)
        return Update.from_bytes(data) if data is not None else None

    def apply(self, record: Record) -> None:
        """`absorb` for a record as the journal has it."""
        if record.seq > self.applied_seq:
            mine = record.kind == "label" and record.point == POINT
            self.absorb(record.seq, unpack(record.body, MailLabel) if mine else None)

    def explain(self, mail: Mail, top: int) -> list[tuple[str, float, str]]:
        """The words that weighed most."""
        return self.model.explain(mail, top)

    def stat(self) -> Mapping[str, int]:
        """How many labels the models have counted, by kind."""
        benign, abusive = self.model.text.labels
        return {"counted_ham": benign, "counted_spam": abusive}

    def snapshot(self) -> bytes:
        """The models as bytes."""
        return self.model.snapshot()

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises for anything else and then changes nothing."""
        self.model.restore(data)

    def digest(self) -> str:
        """SHA-256 of the models."""
        return self.model.digest()


__all__ = ["TextState", "read_starter", "shipped_starter"]
