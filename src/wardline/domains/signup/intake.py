"""Intake of sign-ups: an event to flat facts.

    facts(event, edge)      {"name.shape": "a0", "name.digits": 4, "email.domain": "example.com", "form_ms": 5300, …}

Raises EventError for a field of the wrong kind or an outcome without a result.
"""

import math
import re
from collections import Counter
from urllib.parse import urlsplit

from wardline.domains.signup.events import OUTCOME, POINT, RESULTS
from wardline.engine.event import Event
from wardline.engine.feature import Value
from wardline.engine.walk.intake import Edge, Reading, clock_facts, language, occurred_us, screen, timezone

SHAPE_LIMIT = 24
DAY_MS = 86_400_000
_COUNTRY = re.compile(r"[A-Z]{2}")
_DOMAIN = re.compile(r"(?=.{1,253}\Z)[a-z0-9_](?:[a-z0-9_-]{0,62}\.)+[a-z][a-z0-9-]{1,62}")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]+")
_TRAILING_DIGITS = re.compile(r"(?<!\d)\d+\Z")  # begun once a run, or a long number in the middle costs its square


def facts(event: Event, edge: Edge) -> dict[str, Value]:
    """The facts of one sign-up or of its outcome."""
    found = edge.entities(event)
    found.update(clock_facts(occurred_us(event)))
    reading = Reading(event)
    if event.type == OUTCOME:
        found["result"] = reading.word("result", RESULTS, required=True)
        found["challenge"] = reading.word("challenge")
    elif event.type == POINT:
        found.update(_name(reading.text("username", 256), edge))
        address = reading.text("email", 320) or event.entities.get("email")
        found.update(_email(address, edge))
        if address and isinstance(username := event.fields.get("username"), str) and username:
            found["email.is_name"] = address.strip().casefold().rpartition("@")[0] == username.strip().casefold()
        shown = reading.text("display_name", 256)
        found["display_name"] = edge.pseudonyms.of("account", shown.strip().casefold()) if shown else None
        country = reading.text("phone_country", 2)
        found["phone.country"] = country.upper() if country and _COUNTRY.fullmatch(country.upper()) else None
        found["language"] = language(reading.text("accept_language", 64))
        found["timezone"] = timezone(reading.text("timezone", 64))
        found["screen"] = screen(reading.text("screen", 16))
        found["form_ms"] = reading.number("form_ms", 0, DAY_MS)
        found["referrer.host"] = _host(reading.text("referrer"))
        invite = reading.text("invite", 256)
        found["invite"] = edge.pseudonyms.of("session", invite) if invite else None
        found["payment"] = reading.word("payment")
    found.update(edge.agent(reading.text("user_agent")))
    found.update(reading.rest(edge.pseudonyms))
    return found


def shape(text: str) -> str:
    """What a name is made of, run by run: "anna.berg1984" -> "a.a0". Other scripts' letters are letters; at most 24 runs."""
    found: list[str] = []
    for character in text[:128]:
        kind = "a" if character.isalpha() else "0" if character.isdigit() else character if character in ".-_+" else "?"
        if not found or found[-1] != kind:
            if len(found) == SHAPE_LIMIT:
                break
            found.append(kind)
    return "".join(found)


def number_class(text: str) -> str:
    """What kind of number ends a name: "none", "year" for one in which people are born, or how many digits it has ("5" for more, too)."""
    found = _TRAILING_DIGITS.search(text)
    if found is None:
        return "none"
    digits = found.group()
    if len(digits) == 4 and digits.isascii() and 1930 <= int(digits) < 2020:
        return "year"
    return str(min(len(digits), 5))


def entropy(text: str) -> float:
    """Bits per character of a text by its own frequencies (C. Shannon, 1948), to a tenth: 0 for "aaaa", 2 for "abcd"."""
    text = text[:128]
    counts = Counter(text)
    return round(sum(count * math.log2(len(text) / count) for count in counts.values()) / len(text), 1)


def _name(name: str | None, edge: Edge) -> dict[str, Value]:
    if not name:
        return {}
    trailing = _TRAILING_DIGITS.search(name)
    stem = "".join(character for character in name.casefold() if character.isalpha())
    return {
        "name.length": len(name),
        "name.digits": len(trailing.group()) if trailing else 0,
        "name.number": number_class(name),
        "name.shape": shape(name),
        "name.entropy": entropy(name),
        "name.consonants": max((len(run) for run in _CONSONANTS.findall(name.casefold())), default=0),
        "name.stem": edge.pseudonyms.of("account", stem) if stem else None,
    }


def _email(address: str | None, edge: Edge) -> dict[str, Value]:
    if not address:
        return {}
    local, _, domain = address.strip().lower().rpartition("@")
    found: dict[str, Value] = {
        "email": edge.pseudonyms.of("email", address.strip().lower()),
        "email.shape": shape(local) if local else None,
        "email.number": number_class(local) if local else None,
    }
    if _DOMAIN.fullmatch(domain):
        found["email.domain"] = domain
        if edge.domain_facts is not None:
            found.update(edge.domain_facts(domain))
    return found


def _host(referrer: str | None) -> str | None:
    if not referrer:
        return None
    try:
        host = (urlsplit(referrer).hostname or "").rstrip(".")
    except ValueError:
        return None
    return host if _DOMAIN.fullmatch(host) else None
