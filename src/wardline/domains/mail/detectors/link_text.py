"""Link text: links that say one host and lead to another.

    <a href="http://evil.example/x">https://www.paypal.com/signin</a>  ->  Signal(0.92, "A link says it goes to PayPal and leads elsewhere.")

Newsletters do it too: their sending service counts the clicks on "www.shop.example". So another host alone is silent; it speaks
when the text names a brand or the recipient's own domain, or when the link leads to a bare address. The host that is named must not be the sender's own.
"""

import re
from collections.abc import Mapping

from wardline.domains.mail.events import Link, Mail
from wardline.domains.mail.lookalikes import guard
from wardline.domains.mail.weighing import Cue, opinion
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal
from wardline.protocols.url import a_label, is_ip, is_top_level, registrable

CUES: Mapping[str, Cue] = {
    "names_brand": Cue(2.2, "A link says that it goes to a well-known organisation and leads elsewhere."),
    "names_us": Cue(1.8, "A link says that it goes to the recipient's own domain and leads elsewhere."),
    "hides_ip": Cue(2.2, "A link says a host name and leads to a bare IP address."),
    "names_other": Cue(0.45, "A link says another host than it leads to."),
}
LINKS = 64
TEXT_CHARS = 300
_HOST = re.compile(r"(?:https?://)?([^\s/@:?#<>\"'(),;]{1,253})(?::\d{1,5})?(?:[/?#]\S{0,300})?", re.IGNORECASE)
# Without "http" or "www." only these endings make a word a host: "Node.js", "main.py" and "Readme.md" are none.
_ENDINGS = frozenset(
    str.split("com org net edu gov mil info biz de uk fr nl it es pl ru br jp cn in au ca ch at be se no dk fi cz eu example")
)
# Gateways of other mail systems that rewrite every link on the way.
_REWRITERS = frozenset(
    str.split(
        "urldefense.com proofpoint.com outlook.com office365.us mimecast.com mimecastprotect.com cudasvc.com symantec.com cisco.com sophos.com trendmicro.com "
        "barracuda.com fireeye.com checkpoint.com avanan.click inky.com hornetsecurity.com emailsecurity.app"
    )
)


def host_of(text: str) -> str:
    """The host that a link's text names, in A-label form; "" when it names none."""
    text = text.strip()
    if "." not in text or len(text) > TEXT_CHARS:
        return ""
    found = _HOST.fullmatch(text)
    if found is None or "." not in found[1]:
        return ""
    host = a_label(found[1].lower()) or ""
    ending = host.rpartition(".")[2]
    explicit = text[:4].lower() in ("http", "www.")
    return host if ending in _ENDINGS or (explicit and (is_top_level(ending) or ending in ("test", "invalid"))) else ""


class LinkText(Detector[Mail]):
    """Anchors whose text names another organisation than they lead to."""

    name = "link_text"
    reads = ("link_text.flags", "link_text.mismatches")
    cost_us = 6.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """link_text.mismatches: int; link_text.flags: list of names from CUES."""
        mismatches = 0
        flags: set[str] = set()
        for link in subject.links[:LINKS]:
            if "." not in link.text or link.origin not in ("anchor", "area") or link.scheme not in ("http", "https"):
                continue
            flag = self._compare(link, subject, known)
            if flag:
                mismatches += 1
                flags.add(flag)
        found: list[Scalar] = [*sorted(flags)]
        return {"link_text.mismatches": mismatches, "link_text.flags": found}

    @staticmethod
    def _compare(link: Link, subject: Mail, known: Mapping[str, Value]) -> str:
        said = registrable(host_of(link.text))
        if not said or said == link.registrable or not link.host or link.registrable in _REWRITERS:
            return ""
        if is_ip(link.host) and not is_ip(said):
            return "hides_ip"
        sender = registrable(subject.sender.domain)
        if said == sender:
            return "names_other"
        brands = guard(known.get("config.protected_brands"), known.get("config.local_domains")).brands
        brand = brands.of_domain(said)
        if brand is not None:
            return "" if brands.owns(brand, link.host) else "names_brand" if not brands.owns(brand, sender) else "names_other"
        homes = {registrable(address.rpartition("@")[2].strip(">").lower()) for address in subject.envelope.recipients[:20]}
        return "names_us" if said in homes else "names_other"

    def judge(self, values: Values) -> Signal:
        """Silent when links say where they go, and on tracked links of a sender's own name."""
        return opinion(values.get("link_text.flags"), CUES, "The links lead where they say.")
