"""Labels: what people say of messages, learned at once and taken back exactly.

    await learner.learn(raw, abusive=True, subject="", source="rspamd")      "" is the site itself
    await learner.unlearn(raw, subject="", source="rspamd")

`learn` and `unlearn` are twins: what a label changed in the models is recorded (in the vault, since it is made of the message's n-grams) and
subtracted again to the last unit. The same label twice counts once; a label that contradicts an earlier one of the same subject replaces it.
A label counts for the reputation of proven names only, and through the decision that proved them. What is shared hears a user once: a
second standing label of the same user for the same name, network or text changes the models within the user's budget and no reputation
and no count of copies, so that one user's three hundred reports of one sender weigh there as one.
"""

from collections.abc import Sequence

from wardline.base.ids import Ids
from wardline.base.metrics import Metrics
from wardline.domains.mail.door import LearnAnswer
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Examined
from wardline.domains.mail.identity import take_off, verify_id
from wardline.domains.mail.point import MailPoint
from wardline.domains.mail.records import MailDecision, MailLabel, pack, unpack
from wardline.domains.mail.states import POINT
from wardline.engine.record import Record
from wardline.engine.store.receipt import Receipt

# How much one label moves reputations: a user's report is a hint, the site's own label is a statement.
USER_CONFIDENCE = 0.5
SITE_CONFIDENCE = 1.0
SITE = ""
LABEL_SEARCH = 8
# Labels of a message are filed where its decision is: a letter to a list has many of them.
DECISION_SEARCH = 256
FORGET_LIMIT = 1_000_000


class Learner:
    """Learning at one mail point. `id_key` signs X-Wardline-Id."""

    def __init__(self, point: MailPoint, ids: Ids, metrics: Metrics, id_key: bytes) -> None:
        self.point = point
        self.ids = ids
        self.metrics = metrics
        self.id_key = id_key

    async def learn(self, raw: bytes, *, abusive: bool, subject: str, source: str, envelope: Envelope | None = None) -> LearnAnswer:
        """Learn one label. `subject`: the user who gave it, "" for the site."""
        examined, decision = await self._find(raw, envelope or Envelope())
        return await self.learn_examined(examined, decision, abusive=abusive, subject=subject, source=source)

    async def learn_examined(
        self, examined: Examined, decision: MailDecision | None, *, abusive: bool, subject: str, source: str, wait: bool = True
    ) -> LearnAnswer:
        """The same for a message that was examined elsewhere. `wait` False: the caller waits for many labels at once, by `settled`."""
        who = self.point.names.recipient(subject) if subject else SITE
        about = self.point.names.about(examined.about)
        earlier = self._standing(about, who)
        if earlier and earlier.abusive == abusive:
            return LearnAnswer(earlier.id, False, True, "this label was known already")
        if earlier:
            self._withdraw(earlier, about, who, source)
        label_id = self.ids.new()
        text = self.point.text
        now_s = self.point.shard.clock.now_us() // 1_000_000
        update = text.propose(examined.features, abusive, who, now_s)
        near, keys = self._heard(examined, _reputation_keys(decision, decision.proven if decision else (), abusive), who)
        label = MailLabel(
            id=label_id,
            time_s=now_s,
            about=about,
            abusive=abusive,
            subject=who,
            source=source,
            confidence=USER_CONFIDENCE if who else SITE_CONFIDENCE,
            decision_id=decision.id if decision else "",
            updates=label_id if update is not None else "",
            near=near,
            keys=keys,
        )
        if update is not None:
            text.keep(label_id, who, update)
        receipt = self._write(label, who)
        if wait:
            await receipt
        self.point.counts["learned_spam" if abusive else "learned_ham"] += 1
        self.metrics.labelled("spam" if abusive else "ham")
        done = "learned" if update is not None else "noted: the model was sure of it already"
        return LearnAnswer(label_id, update is not None, False, done)

    async def settled(self) -> None:
        """Wait until every label written so far is durable."""
        journal = self.point.shard.journal
        await journal.receipt(journal.last_seq)

    async def unlearn(self, raw: bytes, *, subject: str, source: str) -> LearnAnswer:
        """Take back what a subject said of a message."""
        examined, _decision = await self._find(raw, Envelope())
        who = self.point.names.recipient(subject) if subject else SITE
        about = self.point.names.about(examined.about)
        earlier = self._standing(about, who)
        if earlier is None:
            return LearnAnswer("", False, False, "nobody has labelled this message, or the label was taken back already")
        await self._withdraw(earlier, about, who, source)
        self.metrics.labelled("withdrawn")
        return LearnAnswer(earlier.id, True, False, "taken back")

    async def forget(self, who: str) -> int:
        """Take back every standing label of a subject, before what is kept about them is erased; returns how many."""
        count = 0
        taken: set[str] = set()
        for record in self.point.shard.journal.find_subject(who, FORGET_LIMIT):
            if record.kind != "label" or record.point != POINT:
                continue
            about = unpack(record.body, MailLabel).about
            standing = None if about in taken else self._standing(about, who)
            taken.add(about)
            if standing is not None:
                self._withdraw(standing, about, who, "forget")
                count += 1
        await self.settled()
        return count

    async def _find(self, raw: bytes, envelope: Envelope) -> tuple[Examined, MailDecision | None]:
        """The message without our own fields, examined, and the decision that was made on it."""
        bare, ids = take_off(raw)
        examined = await self.point.examine(bare, envelope)
        for value in ids:
            decision_id = verify_id(value, self.id_key)
            decision = self.point.recorded(decision_id) if decision_id else None
            if decision:
                return examined, decision
        found = self.point.shard.journal.find_key(self.point.names.about(examined.about), DECISION_SEARCH)
        decisions = [record for record in found if record.kind == "decision" and record.point == POINT]
        return examined, unpack(decisions[0].body, MailDecision) if decisions else None

    def _standing(self, about: str, who: str) -> MailLabel | None:
        """The subject's latest label about a message, unless it was withdrawn."""
        found: Sequence[Record] = self.point.shard.journal.find_key(self.point.names.learned(about, who), LABEL_SEARCH)
        labels = sorted((record for record in found if record.kind == "label"), key=lambda record: -record.seq)
        latest = unpack(labels[0].body, MailLabel) if labels else None
        return None if latest is None or latest.withdrawn else latest

    def _heard(self, examined: Examined, keys: tuple[str, ...], who: str) -> tuple[str, tuple[str, ...]]:
        """The text and the names for which this label counts: for a user those that no other standing label of theirs counts for."""
        # The text by its cluster, which other copies share.
        near = f"{self.point.counters.near.cluster(int(examined.near, 16)):x}" if examined.near else ""
        if not who:
            return near, keys
        free = tuple(key for key in keys if self._standing(key, who) is None)
        return (near if near and self._standing(_copies(near), who) is None else ""), free

    def _withdraw(self, earlier: MailLabel, about: str, who: str, source: str) -> Receipt:
        withdrawal = MailLabel(
            id=self.ids.new(),
            time_s=earlier.time_s,  # reputation takes a label back at the time it was given, so that decay matches
            about=about,
            abusive=earlier.abusive,
            subject=who,
            source=source,
            confidence=earlier.confidence,
            decision_id=earlier.decision_id,
            updates=earlier.updates,
            near=earlier.near,
            keys=earlier.keys,
            withdrawn=True,
        )
        return self._write(withdrawal, who)

    def _write(self, label: MailLabel, who: str) -> Receipt:
        def absorb(seq: int) -> None:
            self.point.counters.absorb(seq, label)
            self.point.text.absorb(seq, label)

        # Of a user also what it counts for (`_heard`).
        counted = (*label.keys, *([_copies(label.near)] if label.near else [])) if who else ()
        keys = (label.about, *(self.point.names.learned(what, who) for what in (label.about, *counted)))
        return self.point.shard.write("label", label.id, point=POINT, body=pack(label), subject=who, keys=keys, apply=absorb)


def _copies(near: str) -> str:
    return f"near:{near}"


def _reputation_keys(decision: MailDecision | None, proven: Sequence[str], abusive: bool) -> tuple[str, ...]:
    """The names a label counts for: proven ones both ways; claimed ones only against them, and never for a bare From."""
    if decision is None:
        return ()
    roles = {*proven, "network"}
    if proven:
        roles.add("pair")
    if abusive:
        roles.add("pair")
    return tuple(dict.fromkeys(decision.keys[role] for role in sorted(roles) if role in decision.keys))
