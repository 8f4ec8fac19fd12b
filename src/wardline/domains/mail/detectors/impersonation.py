"""Impersonation: a sender's name or domain that belongs to somebody else.

    From: "PayPal Service" <x81@mailbox.example>  ->  Signal(0.88, "The sender's name is that of a well-known organisation …")

What a person sees is the display name; what is true is the address. Compared are names of brands and of protected people, another address inside the
name, and the From domain with brands and with the recipient's own domain (skeletons after UTS #39, one edit). Newsletters *about* a
brand name it too, so a name among other words weighs much less than a name alone or with words of service.
"""

import re
from collections.abc import Mapping

from wardline.domains.mail.events import Address, Mail
from wardline.domains.mail.lookalikes import guard
from wardline.domains.mail.weighing import Cue, opinion
from wardline.engine.detector import Detector
from wardline.engine.feature import Scalar, Value, Values
from wardline.engine.signal import Signal
from wardline.protocols.confusables import skeleton
from wardline.protocols.distance import within
from wardline.protocols.unicode import fold
from wardline.protocols.url import registrable
from wardline.sources.freemail import is_freemail

CUES: Mapping[str, Cue] = {
    "brand_name": Cue(2.0, "The sender's name is that of a well-known organisation, and the address is not."),
    "brand_name_free_mailbox": Cue(2.6, "The sender's name is that of a well-known organisation, and the address is a free mailbox."),
    "brand_mentioned": Cue(0.55, "The sender's name contains that of a well-known organisation that the address does not belong to."),
    "address_in_name": Cue(1.8, "The sender's name shows another address than the real one."),
    "own_address_in_name": Cue(2.4, "The sender's name shows an address of the recipient's domain, and the mail comes from elsewhere."),
    "lookalike": Cue(2.6, "The From domain looks like a well-known name written with other characters."),
    "one_edit": Cue(1.6, "The From domain is one letter away from a well-known name."),
    "brand_in_domain": Cue(1.4, "The From domain contains a well-known name that it does not belong to."),
    "brand_domain_in_host": Cue(2.4, "The From domain begins like a well-known one and ends in another."),
    "brand_in_subdomain": Cue(0.45, "The From domain has a well-known name in front of another organisation's."),
    "other_ending": Cue(0.4, "The From domain is a well-known name with another ending."),
    "own_lookalike": Cue(2.4, "The From domain looks like the recipient's own, and is another."),
    "person": Cue(2.0, "The sender bears the name of a protected person, and the address is not of this site."),
}
_ADDRESS = re.compile(r"[a-z0-9._%+-]{1,64}@([a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,6})", re.IGNORECASE)
_WORDS = re.compile(r"[a-z0-9]+")
# Words that stand beside a brand's name when somebody poses as the brand itself.
_SERVICE = frozenset(
    str.split(
        "service services support security team help helpdesk desk account accounts billing center centre customer care client alert alerts notice notification "
        "notifications info mail online bank com inc ltd llc corp group official no reply noreply admin administrator department dept update updates verification "
        "the of your my and kundenservice kundendienst sicherheit equipe soporte servicio servicios service clientele assistance atendimento suporte id pay delivery "
        "express parcel tracking shipping office drive cloud docs storage app wallet gift card giftcard gutschein gutscheine gewinnspiel rewards reward voucher prize winner bonus kunden "
        "belohnung recompensas pontos premio claim promo survey tokens airdrop kyc atendimento"
    )
)
_OWN_LABEL = 6


class Impersonation(Detector[Mail]):
    """Display name and From domain against brands, protected people and the recipient's own domain."""

    name = "impersonation"
    reads = ("impersonation.flags", "impersonation.brand")
    cost_us = 35.0

    def measure(self, subject: Mail, known: Mapping[str, Value]) -> Mapping[str, Value]:
        """impersonation.flags: list of names from CUES; impersonation.brand: the imitated brand's public name or ""."""
        sender = subject.sender if subject.sender.domain else _only_address(subject)
        if not sender.domain:
            return {"impersonation.flags": [], "impersonation.brand": ""}
        protector = guard(known.get("config.protected_brands"), known.get("config.local_domains"))
        home = registrable(sender.domain)
        local = known.get("config.local_domains")
        ours = {registrable(name.lower()) for name in local if isinstance(name, str)} if isinstance(local, list) else set()
        recipients = {registrable(address.rpartition("@")[2].strip(">").lower()) for address in subject.envelope.recipients[:20]}
        recipients.discard("")
        flags: dict[str, None] = {}
        brand_name = ""
        display = sender.display[:300].strip()
        owner = None if is_freemail(home) else protector.brands.of_domain(sender.domain)
        if display and owner is None:
            named = protector.brands.named(display)
            if named and not any(protector.brands.owns(brand, sender.domain) for brand in named):
                brand = named[0]
                brand_name = brand.name
                folded = fold(display)
                own_words = {word for name in brand.names for word in _WORDS.findall(name)}
                others = [word for word in _WORDS.findall(folded) if word not in own_words and word not in _SERVICE and not word.isdigit()]
                mediated = " via " in folded or " at " in folded or " from " in folded or subject.is_list or home in recipients | ours
                if others or mediated:
                    # A surname or a product inside a longer name says nothing; a name that begins with the brand says a little.
                    if not mediated and _WORDS.findall(folded)[:1] == _WORDS.findall(brand.names[0])[:1]:
                        flags["brand_mentioned"] = None
                else:
                    flags["brand_name_free_mailbox" if is_freemail(home) else "brand_name"] = None
        if "@" in display and not subject.is_list:
            shown = _ADDRESS.search(display)
            if shown is not None:
                other = registrable(shown[1].lower())
                if other and other != home:
                    flags["own_address_in_name" if other in recipients | ours and home not in ours else "address_in_name"] = None
        imitation = None if is_freemail(home) else protector.imitates(sender.domain)
        if imitation is not None and home not in ours:
            flags[imitation.kind] = None
            if imitation.kind == "brand_in_domain" and "brand_name" in flags:
                del flags["brand_name"]  # one fact, not two: a brand's own newsletters come from such domains too
            brand_name = imitation.brand
        if home not in recipients | ours:
            label = home.partition(".")[0]
            for own in sorted(recipients | ours)[:20]:
                if not is_freemail(own) and _alike(label, own.partition(".")[0]):
                    flags["own_lookalike"] = None
        people = known.get("config.protected_people")
        if display and isinstance(people, list) and home not in ours | (set() if ours else recipients):
            words = frozenset(_WORDS.findall(fold(display)))
            if any(
                isinstance(person, str) and words and words == frozenset(_WORDS.findall(fold(person.partition("<")[0])))
                for person in people[:64]
            ):
                flags["person"] = None
        found: list[Scalar] = [*flags]
        return {"impersonation.flags": found, "impersonation.brand": brand_name}

    def judge(self, values: Values) -> Signal:
        """Silent when name and address belong together, or the name belongs to nobody in particular."""
        signal = opinion(values.get("impersonation.flags"), CUES, "Name and address of the sender do not contradict each other.")
        brand = values.get("impersonation.brand")
        if signal.score is None or not isinstance(brand, str) or not brand:
            return signal
        return Signal(signal.score, f"{signal.reason} It is about {brand}.", {**signal.evidence, "brand": brand})


def _only_address(mail: Mail) -> Address:
    """The sender that a person would see when From is malformed ("Name ,_<x@example.com>"): what stands before the last address, and that address."""
    text = (mail.header("From") or "")[:1_000]
    name, _, rest = text.rpartition("<")
    address = rest.partition(">")[0].strip().lower()
    domain = address.rpartition("@")[2]
    return Address(display=name.strip(" \t\"',_;"), address=address, domain=domain) if "@" in address and "." in domain else Address()


def _alike(label: str, own: str) -> bool:
    """Whether a From label imitates one of ours: not the same letters, but the same looks, or one slip away."""
    if label == own or len(own) < 4:
        return False
    if skeleton(label) == skeleton(own):
        return True
    return len(own) >= _OWN_LABEL and within(label, own, 1) is not None
