"""The pseudonyms of one message: what its journal records can be found and counted by.

    names = Names(pseudonyms)
    names.lookups(examined, envelope)     ("message_id:…", "fingerprint:…", "queue:…", "recipient:…")
    names.roles(examined, envelope)       {"from_domain": "from:…", "network": "network:…", "pair": "pair:…", …}

Everything is hashed under the data folder's key from here on: the same sender gives the same name here and another on any other machine.
"""

import ipaddress

from wardline.base.privacy import Pseudonyms
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Examined
from wardline.protocols.ip import parse

RECIPIENT_KEYS = 40


def network_of(ip: str) -> str:
    """The network that shares a client's reputation: /24 of IPv4, /48 of IPv6; "" when it is no address."""
    found = parse(ip)
    if found is not None and found[0] == 4:  # mapped addresses too, else all of IPv4 would be one network
        value = found[1]
        return f"{value >> 24}.{value >> 16 & 255}.{value >> 8 & 255}.0/24"
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped  # with a scope
    return str(ipaddress.ip_network((address, 24 if address.version == 4 else 48), strict=False))


def mailbox(address: str) -> str:
    """An address as it is compared: without brackets and spaces, lower case."""
    return address.strip().strip("<>").strip().lower()[:320]


class Names:
    """Makes the pseudonyms of messages under one key."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._of = pseudonyms.of

    def recipient(self, address: str) -> str:
        """The pseudonym of a recipient, who is also the subject of what is kept about their mail."""
        return self._of("recipient", mailbox(address))

    def message_id(self, value: str) -> str:
        """The pseudonym of a Message-ID, with or without its brackets."""
        return self._of("message_id", value.strip().strip("<>"))

    def queue(self, queue_id: str) -> str:
        """The pseudonym of a mail server's queue id."""
        return self._of("queue", queue_id.strip())

    def fingerprint(self, value: str) -> str:
        """The pseudonym of a body fingerprint."""
        return self._of("fingerprint", value)

    def about(self, value: str) -> str:
        """The pseudonym of one very message."""
        return self._of("message", value)

    def learned(self, about: str, subject: str) -> str:
        """Where the label of one subject about one message is filed."""
        return self._of("learned", f"{about}\0{subject}")

    def lookups(self, examined: Examined, envelope: Envelope) -> tuple[str, ...]:
        """What a decision can be found by later."""
        found = [self.fingerprint(examined.fingerprint), self.about(examined.about)]
        if examined.message_id:
            found.append(self.message_id(examined.message_id))
        if envelope.queue_id:
            found.append(self.queue(envelope.queue_id))
        found += [self.recipient(address) for address in envelope.recipients[:RECIPIENT_KEYS]]
        return tuple(dict.fromkeys(found))

    def roles(self, examined: Examined, envelope: Envelope) -> dict[str, str]:
        """The names that reputation is kept under. `spf_domain` and `dkim_domain` are claims until they are proven."""
        found: dict[str, str] = {}
        if examined.from_domain:
            found["from_domain"] = self._of("from_domain", examined.from_domain)
        sender_domain = mailbox(envelope.mail_from).rpartition("@")[2] or envelope.helo.lower()
        if sender_domain:
            found["spf_domain"] = self._of("sender_domain", sender_domain)
        if examined.dkim_domains:
            found["dkim_domain"] = self._of("sender_domain", examined.dkim_domains[0])
        if envelope.client_ip and (network := network_of(envelope.client_ip)):
            found["network"] = self._of("network", network)
        if examined.sender and envelope.recipients:
            found["pair"] = self._of("pair", f"{examined.sender}\0{mailbox(envelope.recipients[0])}")
        if envelope.authenticated_user:
            found["account"] = self._of("account", envelope.authenticated_user[:1024])
        return found
