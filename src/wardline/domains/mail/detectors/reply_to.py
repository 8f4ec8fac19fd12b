"""Reply-to: answers that go to somebody else than the one who seems to write.

    From: Director <director@example.org>, Reply-To: d.irector77@gmail.com  ->  Signal(0.77, "Answers go to a free mailbox, not to …")

Mailing lists, ticket systems and web forms do it too; lists are recognised and left alone. What fraud needs is an answer in a mailbox that
anybody can open, hence the weights.
"""

from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.weighing import Cue, opinion
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal
from wardline.protocols.url import registrable
from wardline.sources.freemail import is_freemail

CUES: Mapping[str, Cue] = {
    "other_free_mailbox": Cue(1.5, "The mail comes from one free mailbox and answers go to another."),
    "to_free_mailbox": Cue(0.9, "Answers go to a free mailbox, not to the organisation that seems to write."),
    "many": Cue(0.6, "Answers go to many addresses."),
    "poses_as_recipient": Cue(1.6, "The mail seems to come from the recipient's own domain, but answers leave it."),
    "other_organisation": Cue(0.15, "Answers go to another organisation."),
}
_LIST_FIELDS = frozenset(("list-id", "list-post", "list-unsubscribe", "x-loop", "x-beenthere", "x-mailing-list"))


class ReplyTo(Detector[Mail]):
    """Where answers go, compared with From."""

    name = "reply_to"
    reads = ("reply_to.flags",)
    cost_us = 3.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """reply_to.flags: list of names from CUES; empty also without a Reply-To field."""
        flags: list[Scalar] = []
        if subject.reply_to and subject.sender.domain and not any(name.lower() in _LIST_FIELDS for name, _ in subject.headers):
            sender, answer = subject.sender, subject.reply_to[0]
            if " via " in sender.display.lower():  # a list rewrote From to keep DMARC whole, and put the writer into Reply-To
                return {"reply_to.flags": flags}
            if len(subject.reply_to) > 4:
                flags.append("many")
            if answer.domain and answer.address != sender.address:
                home, other = registrable(sender.domain), registrable(answer.domain)
                if is_freemail(other) and is_freemail(home):
                    flags.append("other_free_mailbox")
                elif home != other:
                    ours = {registrable(address.rpartition("@")[2].strip(">").lower()) for address in subject.envelope.recipients[:20]}
                    inside = home in ours and not subject.envelope.authenticated_user
                    if is_freemail(other):
                        flags.append("poses_as_recipient" if inside else "to_free_mailbox")
                    else:
                        flags.append("other_organisation")
        return {"reply_to.flags": flags}

    def judge(self, values: Values) -> Signal:
        """Silent for ordinary answers and for those that merely go to another organisation."""
        return opinion(values.get("reply_to.flags"), CUES, "Answers go where the mail comes from.")
