"""The attributes of a login that an account's habits are made of, from the coarsest level to the finest, as small numbers.

    attribute_keys({"ip": "ip:9a…", "ip.prefix24": "network:77…", "user_agent.os": "Linux", "hour": 9})
      -> (key at COUNTRY, …)       one number for each level, 0 where the value is unknown

A level's number has the level in its upper 4 bits and 28 bits of CRC-32 of the value (ISO 3309) below. The values that name one machine are keyed
pseudonyms already, so nobody outside can make two of them collide; a chance collision makes one value in 10^8 look familiar.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any
from zlib import crc32

from wardline.engine.feature import Value, Values

# Levels, coarse before fine within the network and within the client; 0 is the account's login count itself.
LOGINS, COUNTRY, ASN, PREFIX16, PREFIX24, IP, DEVICE_CLASS, SYSTEM, BROWSER, AGENT, DEVICE, LANGUAGE, TIMEZONE, HOURS, SCREEN, TODAY = (
    range(16)
)
LEVELS = range(COUNTRY, TODAY)
SHIFT = 28
MASK = (1 << SHIFT) - 1

# How many different values an account keeps of each level; what is used least leaves first.
KEPT = {
    COUNTRY: 6, ASN: 8, PREFIX16: 12, PREFIX24: 14, IP: 14, DEVICE_CLASS: 4, SYSTEM: 6, BROWSER: 8, AGENT: 8, DEVICE: 8,
    LANGUAGE: 4, TIMEZONE: 6, HOURS: 8, SCREEN: 10,
}  # fmt: skip
# What stands for an attribute that a client does not send: to leave it out is a habit too, of each kind of client for itself.
ABSENT = "-"
HOURS_PER_SLOT = 3
# Set in a key at DEVICE that names an identifier, and not in one that stands for the absence of any.
IDENTIFIED = 1 << SHIFT - 1


def _key(level: int, value: Value) -> int:
    return level << SHIFT | (crc32(str(value).encode("utf-8", "replace")) & MASK)


# Values that many logins have: their keys are made once. A function of its arguments alone, and bounded.
REMEMBERED = 4096


@lru_cache(REMEMBERED, typed=True)
def _shared_key(level: int, value: Value) -> int:
    return _key(level, value)


@lru_cache(REMEMBERED, typed=True)
def _client_keys(agent: Value, device_class: Value, system: Value, family: Value, major: Value) -> tuple[int, int, int, int]:
    return (
        _key(DEVICE_CLASS, device_class or ABSENT),
        _key(SYSTEM, f"{system}/{family}") if system or family else 0,
        _key(BROWSER, f"{system}/{family}/{major}") if family else 0,
        _key(AGENT, agent),
    )


@lru_cache(REMEMBERED, typed=True)
def _locale_keys(language: Value, timezone: Value) -> tuple[int, int]:
    return _key(LANGUAGE, language or ABSENT), _key(TIMEZONE, timezone or ABSENT)


@lru_cache(REMEMBERED, typed=True)
def _screen_key(screen: Value, system: Value, family: Value) -> int:
    return _key(SCREEN, f"{system}/{family}/{screen}")


@lru_cache(REMEMBERED, typed=True)
def _absence_key(client: Value) -> int:
    return _key(DEVICE, f"-{client or ABSENT}") & ~IDENTIFIED


# A browser that sent no device identifier, told as such or not told at all: other clients, such as mail programs, have none to send.
NO_DEVICE = (_absence_key("web"), _absence_key(None))
# A client that told no language or no time zone: most often one that keeps back what others tell, so a weaker sign than another language.
NO_LANGUAGE, NO_TIMEZONE = _key(LANGUAGE, ABSENT), _key(TIMEZONE, ABSENT)


def renewals_key(system: int) -> int:
    """The key of an account's own number: how many device identifiers came new with this system (a key at SYSTEM)."""
    return TODAY << SHIFT | system & MASK


def attribute_keys(facts: Values) -> tuple[int, ...]:
    """One number for each of LEVELS, in their order; 0 for what is not known here (no source) or means nothing (no address)."""
    get: Callable[[str], Any] = facts.get
    country, asn, prefix16, prefix24, ip = get("ip.country"), get("ip.asn"), get("ip.prefix16"), get("ip.prefix24"), get("ip")
    agent, device, hour, screen = get("user_agent"), get("device"), get("hour"), get("screen")
    if agent:
        client = _client_keys(agent, get("user_agent.device"), get("user_agent.os"), get("user_agent.family"), get("user_agent.major"))
    else:
        client = 0, 0, 0, _shared_key(AGENT, f"-{get('client') or ABSENT}")
    return (
        _shared_key(COUNTRY, country) if country else 0,
        _shared_key(ASN, asn) if asn else 0,
        _shared_key(PREFIX16, prefix16) if prefix16 else 0,
        _key(PREFIX24, prefix24) if prefix24 else 0,
        _key(IP, ip) if ip else 0,
        *client,
        _key(DEVICE, device) | IDENTIFIED if device else _absence_key(get("client")),
        *_locale_keys(get("language"), get("timezone")),
        _shared_key(HOURS, hour // HOURS_PER_SLOT) if isinstance(hour, int) else 0,
        _screen_key(screen, get("user_agent.os"), get("user_agent.family")) if screen else 0,
    )
