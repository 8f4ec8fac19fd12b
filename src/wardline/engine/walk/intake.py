"""Intake: from an event's envelope to flat facts, the part that all event domains share.

    edge = Edge(pseudonyms, ip_facts=sources.ip_facts, agent_facts=agents.facts)
    edge.entities(event)      {"account": "account:5f…", "ip": "ip:9a…", "ip.prefix24": "network:77…", "ip.country": "AT", …}
    reading = Reading(event)
    reading.word("result", required=True)      "success"
    reading.number("form_ms", 0, 86_400_000)   5300.0

Identifiers become pseudonyms here and nowhere later; what is derived from them (network, country, shape) is derived before they are hidden.
A field that is absent is unknown. A field of the wrong kind is the sender's mistake and told as one: EventError names it. Fields that no
domain knows are kept under "field.NAME": numbers, flags and short words as they are, everything else as a pseudonym.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from wardline.base.privacy import KINDS, Pseudonyms
from wardline.engine.door import EventError
from wardline.engine.entity import EntityError, folded
from wardline.engine.event import Event
from wardline.engine.feature import Value
from wardline.engine.walk.noted import kept
from wardline.protocols.ip import BITS, parse, show

ENTITY_LIMIT = 16
UNKNOWN_FIELDS_LIMIT = 32
IDENTIFIER_LIMIT = 1024
NETWORKS_REMEMBERED = 8192
# Languages, time zones and screens that were read lately, each for itself.
WORDS_REMEMBERED = 512
_WORD = re.compile(r"[a-z][a-z0-9_]{0,31}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# What the sources say about an address as of a time in microseconds, about a user agent, and about the domain of a mail address.
IpFacts = Callable[[str, int], Mapping[str, Any]]
AgentFacts = Callable[[str], Mapping[str, Any]]
DomainFacts = Callable[[str], Mapping[str, Any]]


def occurred_us(event: Event) -> int:
    """Event time in microseconds since the epoch, exact."""
    since = event.occurred_at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class Reading:
    """Takes the fields of one event, each once and with its check; what was not taken is unknown to the domain."""

    __slots__ = ("_left", "_take")

    def __init__(self, event: Event) -> None:
        self._left: dict[str, Any] = dict(event.fields)
        self._take = self._left.pop

    def text(self, name: str, limit: int = IDENTIFIER_LIMIT) -> str | None:
        """A text of bounded length, for deriving facts; None when absent."""
        value = self._take(name, None)
        if value is None:
            return None
        if not isinstance(value, str):
            raise EventError(f"fields.{name}: a text is needed")
        return value[:limit]

    def word(self, name: str, allowed: frozenset[str] | None = None, *, required: bool = False) -> str | None:
        """A short word of the field's own vocabulary."""
        value = self._take(name, None)
        if value is None:
            if required:
                raise EventError(f"fields.{name}: needed for an event of this type")
            return None
        if not isinstance(value, str) or not _WORD.fullmatch(value):
            raise EventError(f"fields.{name}: a word in lower case is needed (a letter, then letters, digits and _, at most 32)")
        if allowed is not None and value not in allowed:
            raise EventError(f"fields.{name}: {value} is none; use one of {', '.join(sorted(allowed))}")
        return value

    def flag(self, name: str) -> bool | None:
        """True, false or absent."""
        value = self._take(name, None)
        if value is None or isinstance(value, bool):
            return value
        raise EventError(f"fields.{name}: true or false is needed")

    def number(self, name: str, least: float, most: float) -> int | float | None:
        """A number, cut to the range in which it means anything."""
        value = self._take(name, None)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise EventError(f"fields.{name}: a number is needed")
        if value != value:
            raise EventError(f"fields.{name}: not a number")
        return min(max(value, least), most)

    def rest(self, pseudonyms: Pseudonyms) -> dict[str, Value]:
        """The fields that nobody took, under "field.NAME"."""
        names = [name for name in self._left if _WORD.fullmatch(name)][:UNKNOWN_FIELDS_LIMIT]
        return {f"field.{name}": kept(name, self._left[name], pseudonyms) for name in names}


class Edge:
    """Where identifiers become pseudonyms. The three look-ups ask the sources; what they say is kept with the event, so that a replay asks none."""

    def __init__(
        self,
        pseudonyms: Pseudonyms,
        ip_facts: IpFacts | None = None,
        agent_facts: AgentFacts | None = None,
        domain_facts: DomainFacts | None = None,
    ) -> None:
        self.pseudonyms = pseudonyms
        self.ip_facts = ip_facts
        self.agent_facts = agent_facts
        self.domain_facts = domain_facts
        self._networks: dict[tuple[int, int], tuple[str, str]] = {}

    def entities(self, event: Event) -> dict[str, Value]:
        """Every entity as a pseudonym, and what is known of its address. Raises EventError for an address that is none."""
        facts: dict[str, Value] = {"site": event.site[:64]}
        if len(event.entities) > ENTITY_LIMIT:
            raise EventError(f"entities: at most {ENTITY_LIMIT} are taken")
        for kind, value in event.entities.items():
            if not value:
                continue
            if len(value) > IDENTIFIER_LIMIT:
                raise EventError(f"entities.{kind[:32]}: at most {IDENTIFIER_LIMIT} characters")
            if kind == "ip":
                facts.update(self.address(value, event))
            elif KINDS.get(kind) == "pseudonymous":
                facts[kind] = self.pseudonyms.of(kind, _folded(kind, value))
            elif _WORD.fullmatch(kind):
                facts[f"entity.{kind}"] = self.pseudonyms.of("session", value)
        if event.flow_id:
            facts["flow"] = self.pseudonyms.of("session", event.flow_id[:IDENTIFIER_LIMIT])
        return facts

    def address(self, text: str, event: Event) -> dict[str, Value]:
        """An address as a pseudonym, its networks, and what the sources say of it."""
        found = parse(text)
        if found is None:
            raise EventError("entities.ip: not an IP address; give it as 192.0.2.7 or 2001:db8::7")
        version, value = found
        plain = show(version, value)
        near, wide = self._around(version, value)
        facts: dict[str, Value] = {"ip": self.pseudonyms.of("ip", plain), "ip.version": version, "ip.prefix24": near, "ip.prefix16": wide}
        if self.ip_facts is not None:
            facts.update(self.ip_facts(plain, occurred_us(event)))
        return facts

    def _around(self, version: int, value: int) -> tuple[str, str]:
        """The pseudonyms of the networks around an address; a few thousand are remembered, since most events come from the same ones."""
        site = version, value >> (8 if version == 4 else 80)
        found = self._networks.get(site)
        if found is None:
            of = self.pseudonyms.of
            sizes = (24, 16) if version == 4 else (48, 32)
            found = of("network", prefix(version, value, sizes[0])), of("network", prefix(version, value, sizes[1]))
            if len(self._networks) >= NETWORKS_REMEMBERED:
                self._networks.clear()
            self._networks[site] = found
        return found

    def agent(self, text: str | None) -> dict[str, Value]:
        """A user agent: its digest for counting, and browser, system and device where the source is there."""
        if not text:
            return {}
        facts: dict[str, Value] = {"user_agent": self.pseudonyms.of("template", text)}
        if self.agent_facts is not None:
            facts.update(self.agent_facts(text))
        return facts


def _folded(kind: str, value: str) -> str:
    try:
        return folded(kind, value)
    except EntityError:
        raise EventError(f"entities.{kind}: not a network; give it as 192.0.2.0/24 or 2001:db8::/32") from None


def prefix(version: int, value: int, bits: int) -> str:
    """The network of so many leading bits around an address, as 192.0.2.0/24."""
    size = BITS[version] - bits
    return f"{show(version, value >> size << size)}/{bits}"


def clock_facts(at_us: int) -> dict[str, Value]:
    """Hour of day (0 to 23) and day of the week (0 is Monday), both UTC."""
    hours = at_us // 3_600_000_000
    return {"hour": hours % 24, "weekday": (hours // 24 + 3) % 7}


_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?=[-,;]|\Z)")
_TIMEZONE = re.compile(r"[A-Za-z]{1,14}(?:/[A-Za-z0-9_+-]{1,24}){0,2}")
_SCREEN = re.compile(r"\d{2,5}x\d{2,5}")


@lru_cache(WORDS_REMEMBERED)
def language(accepted: str | None) -> str | None:
    """The first language of an Accept-Language field (RFC 9110 §12.5.4), two or three letters in lower case; None for anything else."""
    found = _LANGUAGE.match(accepted.strip()) if accepted else None
    return found.group().lower() if found else None


@lru_cache(WORDS_REMEMBERED)
def timezone(name: str | None) -> str | None:
    """A name as in the IANA time zone database; None for anything of another form."""
    return name if name and _TIMEZONE.fullmatch(name) else None


@lru_cache(WORDS_REMEMBERED)
def screen(size: str | None) -> str | None:
    """Width and height in pixels, as 1920x1080; None for anything of another form."""
    return size if size and _SCREEN.fullmatch(size) else None


class Knowledge(msgspec.Struct, frozen=True):
    """A fact as rules see it: its type ("number", "text", "bool", "list") and one line about it."""

    type: str
    about: str


SHARED: dict[str, Knowledge] = {
    "site": Knowledge("text", "which of the operator's services the event belongs to"),
    "account": Knowledge("text", "pseudonym of the account"),
    "device": Knowledge("text", "pseudonym of the device"),
    "email": Knowledge("text", "pseudonym of the address"),
    "phone": Knowledge("text", "pseudonym of the phone number"),
    "session": Knowledge("text", "pseudonym of the session"),
    "flow": Knowledge("text", "pseudonym that joins the steps of one attempt"),
    "ip": Knowledge("text", "pseudonym of the address"),
    "ip.version": Knowledge("number", "4 or 6"),
    "ip.prefix24": Knowledge("text", "pseudonym of the network of one site: /24 of IPv4, /48 of IPv6"),
    "ip.prefix16": Knowledge("text", "pseudonym of the network of one region: /16 of IPv4, /32 of IPv6"),
    "ip.public": Knowledge("bool", "whether the address belongs to the public internet"),
    "ip.as_name": Knowledge("text", "name of the autonomous system, where a source is configured"),
    "ip.proxy": Knowledge("bool", "the address is an open or residential proxy, where a source is configured"),
    "ip.lists": Knowledge("list", "the operator's other lists of addresses that hold it"),
    "ip.sources_hit": Knowledge("list", "the sources that said something of the address"),
    "ip.sources_missing": Knowledge("list", "the sources that should have been asked and could not"),
    "ip.asn": Knowledge("number", "autonomous system, where a source is configured"),
    "ip.country": Knowledge("text", "country as two capital letters, where a source is configured"),
    "ip.hosting": Knowledge("bool", "the address belongs to a hosting company, where a source is configured"),
    "ip.vpn": Knowledge("bool", "the address belongs to a VPN service, where a source is configured"),
    "ip.tor": Knowledge("bool", "the address is an exit of Tor, where a source is configured"),
    "user_agent": Knowledge("text", "pseudonym of the whole user agent"),
    "user_agent.family": Knowledge("text", "browser"),
    "user_agent.major": Knowledge("number", "the browser's major version"),
    "user_agent.os": Knowledge("text", "operating system"),
    "user_agent.device": Knowledge("text", "class of device: desktop, phone, tablet, tv, console, script, bot, other"),
    "user_agent.crawler": Knowledge("bool", "the client calls itself a crawler, where a source is configured"),
    "user_agent.sources_hit": Knowledge("list", "the sources that said something of the user agent"),
    "hour": Knowledge("number", "hour of the day, 0 to 23, UTC"),
    "weekday": Knowledge("number", "day of the week, 0 is Monday, UTC"),
}
