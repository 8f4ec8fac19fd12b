"""What is checked of a message's sender and what comes out: the settings, the plan found before the first DNS question, and the names of the values.

    plan_of(raw, Envelope(client_ip="192.0.2.7", mail_from="a@example.com"), Settings())
      -> Plan(from_domain="example.com", spf_identity=("192.0.2.7", "example.com", "a@example.com", ""), …)

Standards: RFC 7208 §2.4 (which identity SPF checks), RFC 7489 §6.6.1 (which From can be evaluated).
"""

import ipaddress

import msgspec

from wardline.domains.mail.events import Envelope
from wardline.engine.feature import Value
from wardline.protocols import dmarc
from wardline.protocols.arc import ArcResult
from wardline.protocols.dkim import DkimResult
from wardline.protocols.dkim_message import SplitMessage, split
from wardline.protocols.dmarc import DmarcResult
from wardline.protocols.dns import Answer, a_label, address
from wardline.protocols.spf import SpfResult

LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a site checks.

    deadline_seconds: for all look-ups of one message together. questions: look-ups per message. max_signatures: DKIM signatures looked at.
    trusted_hosts: authserv-ids whose Authentication-Results are believed where no resolver is given; such a host must take out forged fields
    that bear its name.
    trusted_hops: how many Received fields may stand above a trusted field: what lies deeper came with the message.
    trusted_sealers: domains of forwarders and lists whose ARC seals are believed; anyone can seal, so without this a chain that holds proves nothing.
    """

    deadline_seconds: float = 3.0
    questions: int = 60
    max_signatures: int = 5
    trusted_hosts: tuple[str, ...] = ()
    trusted_hops: int = 1
    trusted_sealers: tuple[str, ...] = ()


class Authentication(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. values: "auth.*", bounded as a decision stores them. answers: by Question.key(), for `record`. The rest is for headers and people."""

    values: dict[str, Value]
    answers: dict[str, Answer] = {}
    spf: SpfResult | None = None
    dkim: tuple[DkimResult, ...] = ()
    arc: ArcResult | None = None
    dmarc: DmarcResult | None = None


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be checked of one message, found before the first question."""

    message: SplitMessage
    spf_identity: tuple[str, str, str, str] | None  # address, domain, sender, HELO
    from_domain: str
    from_problem: str
    trusted_sealers: tuple[str, ...] = ()


NAMES = (
    "auth.source",
    "auth.spf",
    "auth.spf_domain",
    "auth.dkim",
    "auth.dkim_domains",
    "auth.dkim_reason",
    "auth.dkim_length_limited",
    "auth.dkim_added",
    "auth.dmarc",
    "auth.dmarc_policy",
    "auth.dmarc_percent",
    "auth.arc",
    "auth.arc_domains",
    "auth.arc_vouches",
    "auth.aligned",
    "auth.from_domain",
    "auth.from_problem",
    "auth.unknown",
)


OFF = "off"  # nobody is asked: no resolver is given, and no host that is trusted said anything


def nothing(why: str) -> dict[str, Value]:
    """All values unknown, and why in one word: OFF, "submission", "failed"."""
    return {**dict.fromkeys(NAMES), "auth.unknown": [why]}


def plan_of(raw: bytes, envelope: Envelope, settings: Settings, *, whole: bool = True) -> Plan:
    """What there is to check. `whole`: False when a gateway handed on only head and tail, so that no digest of it can be compared."""
    message = split(raw)
    if not whole:
        message = msgspec.structs.replace(message, cut="gateway_size")
    fields = [field.raw.partition(b":")[2] for field in message.fields if field.name == b"from"]
    domains = dmarc.from_domains(fields[0].decode("utf-8", "replace")) if fields else []
    return Plan(
        message=message,
        spf_identity=_spf_identity(envelope),
        from_domain=domains[0] if domains else "",
        from_problem=dmarc.from_domain_problem(domains, len(fields)),
        trusted_sealers=settings.trusted_sealers,
    )


def _spf_identity(envelope: Envelope) -> tuple[str, str, str, str] | None:
    """What SPF is asked about; None where it has no meaning: no client address, or one of our own network (RFC 7208 §2.4)."""
    client = address(envelope.client_ip)
    if client is None or any(client.version == network.version and client in network for network in LOCAL_NETWORKS):
        return None
    helo = a_label(envelope.helo)
    mail_from = envelope.mail_from.strip().strip("<>")
    local, at, domain = mail_from.rpartition("@")
    if not at:
        return str(client), helo, f"postmaster@{helo}", helo
    domain = a_label(domain)
    return str(client), domain, f"{local}@{domain}", helo


def aligned(plan: Plan, spf_pairs: list[tuple[str, str]], dkim_pairs: list[tuple[str, str]]) -> bool | None:
    """Whether an identity that passed belongs to the organisation in From, policy or not; None when an open one might."""
    if plan.from_problem:
        return False
    fitting = [result for result, domain in (*spf_pairs, *dkim_pairs) if dmarc.aligned(domain, plan.from_domain, strict=False)]
    if "pass" in fitting:
        return True
    return None if "temperror" in fitting else False
