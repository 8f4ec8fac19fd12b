"""Entities by name: what a label or an action is about, in the one form in which the journal knows it.

    about(pseudonyms, "account:alice")          "account:5f2c…"      the same pseudonym as in the events of that account
    about(pseudonyms, {"ip": "192.0.2.7"})      "ip:9ab1…"
    about(pseudonyms, "account:5f2c…")          as it is: 24 hexadecimal digits are a pseudonym already
    about(pseudonyms, "01KAJ5S8ZX…")            "event:01KAJ5S8ZX…"  whatever names no kind of entity is an event's id

A name in clear becomes a pseudonym here, at the edge, and is kept nowhere. An object with one member is always in clear: write it where a name
could be taken for a pseudonym or for an event's id.
"""

import ipaddress
import re
from typing import Any

from wardline.base.privacy import DIGEST_BYTES, KINDS, Pseudonyms

EVENT = "event"
EVENT_ID_LIMIT = 128
NAME_LIMIT = 1024
_PSEUDONYM = re.compile(rf"[0-9a-f]{{{2 * DIGEST_BYTES}}}")


class EntityError(ValueError):
    """Something that names neither an event nor an entity: what is wrong, what to write."""


def about(pseudonyms: Pseudonyms, given: Any) -> str:
    """The one form of what is meant: "event:ID" or "kind:pseudonym". Raises EntityError."""
    if isinstance(given, dict):
        if len(given) != 1:
            raise EntityError('about: an object names one thing, such as {"account": "alice"}')
        kind, value = next(iter(given.items()))
        if not isinstance(kind, str) or not isinstance(value, str):
            raise EntityError('about: kind and name are texts, as in {"account": "alice"}')
        return event(value) if kind == EVENT else entity(pseudonyms, kind, value)
    if not isinstance(given, str) or not given.strip():
        raise EntityError('about: what is meant? Give an event\'s id, or an entity such as "account:alice"')
    kind, colon, value = given.partition(":")
    if colon and kind == EVENT:
        return event(value)
    if colon and kind in KINDS:
        return given if _PSEUDONYM.fullmatch(value) and KINDS[kind] != "public" else entity(pseudonyms, kind, value)
    return event(given)


def event(event_id: str) -> str:
    """ "event:ID". Raises EntityError for what cannot be an event's id."""
    if not 0 < len(event_id) <= EVENT_ID_LIMIT:
        raise EntityError(f"about: an event's id has 1 to {EVENT_ID_LIMIT} characters")
    return f"{EVENT}:{event_id}"


def entity(pseudonyms: Pseudonyms, kind: str, value: str) -> str:
    """The pseudonym of an entity that is given in clear, folded as events fold it. Raises EntityError."""
    if kind not in KINDS:
        raise EntityError(f"about: {kind[:32]!r} is no kind of entity; use one of {', '.join(sorted(KINDS))}, or {EVENT}")
    if not value.strip() or len(value) > NAME_LIMIT:
        raise EntityError(f"about: the name of an entity has 1 to {NAME_LIMIT} characters")
    name = pseudonyms.of(kind, folded(kind, value))
    if len(name) > 200:
        raise EntityError(f"about: the name of a {kind} is too long")
    return name


def is_pseudonym(name: str) -> bool:
    """Whether a name is one of `entity`'s pseudonyms, which somebody can be behind."""
    kind, _, value = name.partition(":")
    return KINDS.get(kind) in ("pseudonymous", "sealed") and bool(_PSEUDONYM.fullmatch(value))


def folded(kind: str, value: str) -> str:
    """What counts as the same name, for every door alike: else a label would be about somebody else than the event. Raises EntityError."""
    if kind in ("ip", "network"):
        try:
            if kind == "ip":
                address = ipaddress.ip_address(value.strip())
                mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
                return str(mapped or address)
            return str(ipaddress.ip_network(value.strip(), strict=False))
        except ValueError:
            example = "192.0.2.7 or 2001:db8::7" if kind == "ip" else "192.0.2.0/24"
            raise EntityError(f"about: not an address that can be read; give a {kind} as {example}") from None
    return value.strip().lower() if kind in ("email", "domain") else value
