"""Credential: mail that hurries its reader to a sign-in page.

    "Your mailbox is full. Verify your account within 24 hours" + link  ->  Signal(0.90, "It says that a mailbox is full … It asks to …")

Groups of phrases in fourteen languages (credential.toml) and what can be done about them: a link, a form, an attached page. Honest services write
such words too when a password was reset or a new device signed in; they are proven senders whose links lead to themselves, and they do not
threaten. So words need a way to act on them, and a proven sender who links to itself is believed more.
"""

from collections.abc import Mapping

from wardline.domains.mail.events import Mail
from wardline.domains.mail.lexicon import load
from wardline.domains.mail.weighing import REASONS_SHOWN, strings
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal, probability
from wardline.protocols.url import registrable
from wardline.sources.freemail import is_freemail

HONEST_ODDS = 1.5
LEAST_ODDS = 0.5
LIMIT_ODDS = 4.5
FORM_ODDS = 1.5
PAGE_ODDS = 1.0
FOREIGN_ODDS = 0.5
FREEMAIL_ODDS = 0.7
MAILBOX_ODDS = 1.5  # answers to a sign-in warning go by mail to a stranger
PROVEN_ODDS = -0.8  # not more: who attacks from a domain of his own proves that too
OWN_LINK_ODDS = -0.3
LONG_ODDS = -0.7
LONG_CHARS = 4_000  # a long text contains everything now and then
FORM_WORDS = "It contains a form."
FOREIGN_WORDS = "Its links lead to another organisation than the sender's."
_PROMPTS = frozenset(("verify", "mailbox", "expiry", "payment", "sign_in", "document"))
_PAGES = frozenset(("html_form", "html_password", "html_script", "html_refresh"))  # an attached page that does something
_ANCHORS = ("anchor", "form", "area", "attachment")
_FOLLOWED = ("anchor", "text", "form", "area", "attachment")


class Credential(Detector[Mail]):
    """Phrases of credential phishing by group, with the ways to act on them."""

    name = "credential"
    reads = ("credential.cues", "credential.ways", "credential.long", "auth.aligned")
    cost_us = 30.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """credential.cues: list of groups; .ways: list of link, own_link, foreign_link, foreign_mailbox, form, page, free_mailbox; .long: bool."""
        found: list[Scalar] = [*load("credential").find(subject.phrases)]
        if not found:
            return {"credential.cues": found}
        home = registrable(subject.sender.domain)
        # In HTML a person follows what is marked as a link; words like "sign.in" only look like one.
        followed = _ANCHORS if subject.html.parts else _FOLLOWED
        hosts = {
            link.registrable for link in subject.links[:64] if link.scheme in ("http", "https") and link.origin in followed and link.host
        }
        ways: list[Scalar] = []
        if hosts:
            ways.append("own_link" if hosts == {home} else "link" if home in hosts else "foreign_link")
        if any(
            link.scheme == "mailto" and link.origin in ("anchor", "area") and link.registrable and link.registrable != home
            for link in subject.links[:64]
        ):
            ways.append("foreign_mailbox")
        if subject.html.forms or subject.html.password_inputs:
            ways.append("form")
        if any(not _PAGES.isdisjoint(file.flags) for file in subject.attachments[:20]):
            ways.append("page")
        if is_freemail(home):
            ways.append("free_mailbox")
        return {"credential.cues": found, "credential.ways": ways, "credential.long": len(subject.visible_text) > LONG_CHARS}

    def judge(self, values: Values) -> Signal:
        """Silent without a prompt and without a way to follow it."""
        cues = load("credential").cues
        found = [name for name in dict.fromkeys(strings(values.get("credential.cues"))) if name in cues]
        ways = strings(values.get("credential.ways"))
        if _PROMPTS.isdisjoint(found):
            return Signal(None, "It prompts for nothing.")
        if not {"link", "own_link", "foreign_link", "foreign_mailbox", "form", "page"} & set(ways):
            return Signal(None, "It has neither link nor form to follow.")
        odds = sum(cues[name].odds for name in found) - HONEST_ODDS
        odds += FORM_ODDS if "form" in ways else PAGE_ODDS if "page" in ways else 0.0
        odds += FOREIGN_ODDS if "foreign_link" in ways else 0.0
        odds += MAILBOX_ODDS if "foreign_mailbox" in ways and not {"own_link", "link", "foreign_link"} & set(ways) else 0.0
        odds += FREEMAIL_ODDS if "free_mailbox" in ways else 0.0
        odds += LONG_ODDS if values.get("credential.long") is True else 0.0
        if "own_link" in ways or "link" in ways:
            odds += PROVEN_ODDS if values.get("auth.aligned") is True else OWN_LINK_ODDS
        if odds < LEAST_ODDS:
            return Signal(None, "Such words are usual in honest mail of this kind.")
        found.sort(key=lambda name: (-cues[name].odds, name))
        words = [cues[name].words for name in found[:REASONS_SHOWN]]
        words += [FORM_WORDS] if "form" in ways else [FOREIGN_WORDS] if "foreign_link" in ways else []
        return Signal(probability(min(odds, LIMIT_ODDS)), " ".join(words), {"cues": [*found], "ways": [*ways]})
