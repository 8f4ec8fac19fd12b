"""Mail that nobody labelled: what the text model learns from its own surest verdicts, and the way to take all of that back.

    unlabelled = Unlabelled(point, ids)
    point.afterwards = unlabelled.after         called once a message is decided
    unlabelled.discard()                        412: so many self-given labels were taken back, to the last unit

The doors that scan never teach: nothing a client sends there is a label. What this file adds are labels of the models themselves, in pairs
and only while people's labels are scarce (learning/cotraining.py says why and how much). They go the way of every label: recorded in the
journal with source "co-training", the update in the vault, so a replay and a restart see them and `discard` finds and subtracts them. They
move the text weights alone: no counts, no reputation, no near duplicates, nobody's own offset. Outgoing mail and mail to several
recipients take no part; the first is not what arrives, the second belongs to nobody who could ask for it back.
"""

import msgspec

from wardline.base.ids import Ids
from wardline.base.logs import logger
from wardline.base.storage import StorageError
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Examined
from wardline.domains.mail.point import MailPoint
from wardline.domains.mail.records import MailLabel, pack, unpack
from wardline.domains.mail.states import POINT
from wardline.domains.mail.text.model import Features
from wardline.domains.mail.text.state import DAY_SECONDS, UNLABELLED
from wardline.learning.cotraining import CoTraining

LAYER = UNLABELLED
KEY = "labels:co-training"
DISCARD_LIMIT = 10_000_000
NOT_ARRIVING = frozenset({"cli"})  # files that somebody checks are not the mail that arrives


class Unlabelled:
    """Co-training at one mail point."""

    def __init__(self, point: MailPoint, ids: Ids) -> None:
        self.point = point
        self.ids = ids
        self.pairs = CoTraining[tuple[Features, str]]()

    def after(self, examined: Examined, envelope: Envelope, source: str) -> None:
        """A message was decided. Never raises: what cannot be stored is not learned."""
        if source in NOT_ARRIVING:
            return
        try:
            self._after(examined, envelope)
        except Exception as error:  # the loop itself would log the arguments, and with them addresses
            self.pairs.clear()
            logger("unlabelled").error("failed", error=type(error).__name__)

    def _after(self, examined: Examined, envelope: Envelope) -> None:
        self._follow()
        if not self.pairs.arrived() or envelope.direction != "in" or len(envelope.recipients) > 1 or examined.limits:
            return
        who = self.point.names.recipient(envelope.recipients[0]) if envelope.recipients else ""
        pair = self.pairs.seen(self.point.text.model.views(examined.features), (examined.features, who))
        if pair:
            try:
                self._learn(*pair.benign, abusive=False, weight=pair.weight)
                self._learn(*pair.abusive, abusive=True, weight=pair.weight)
            except StorageError:
                self.pairs.clear()

    def discard(self) -> int:
        """Take back everything the models taught themselves; returns how many labels that were. Raises StorageError on a full disk."""
        count = 0
        withdrawn: set[str] = set()
        for record in sorted(self.point.shard.journal.find_key(KEY, DISCARD_LIMIT), key=lambda record: -record.seq):
            label = unpack(record.body, MailLabel)
            if label.withdrawn:
                withdrawn.add(label.updates)
            elif label.updates not in withdrawn:
                self._write(msgspec.structs.replace(label, id=self.ids.new(), withdrawn=True))
                count += 1
        self.pairs.clear()
        return count

    def _follow(self) -> None:
        for _ in range(self.point.text.take_labelled()):
            self.pairs.labelled()

    def _learn(self, features: Features, who: str, *, abusive: bool, weight: float) -> None:
        now_s = self.point.shard.clock.now_us() // 1_000_000
        update = self.point.text.model.propose_unlabelled(features, abusive, weight, now_s // DAY_SECONDS)
        if update is None:
            return
        label_id = self.ids.new()
        self.point.text.keep(label_id, who, update)
        label = MailLabel(
            id=label_id,
            time_s=now_s,
            about=label_id,  # the message itself is not named, so that a person's label of it is never taken for this one
            abusive=abusive,
            subject=who,
            source=UNLABELLED,
            confidence=weight,
            updates=label_id,
        )
        self._write(label)

    def _write(self, label: MailLabel) -> None:
        def absorb(seq: int) -> None:
            self.point.counters.absorb(seq, label)
            self.point.text.absorb(seq, label)

        # Found by `discard`, and by `Learner.forget` when its subject asks to be forgotten.
        keys = (KEY, self.point.names.learned(label.about, label.subject))
        self.point.shard.write("label", label.id, point=POINT, body=pack(label), subject=label.subject, keys=keys, apply=absorb)
