"""How much likelier a login's attributes are when somebody else logs in than when the owner does, in nats, attribute by attribute.

    found = weigh(packed, keys, population, day)
    found.network, found.client, found.locale, found.hours       nats; above 0 speaks for somebody else
    found.network_level, found.network_logins                    the finest level that the account used before, and how often

After D. Freeman, S. Jain, M. Dürmuth, B. Biggio, G. Giacinto: "Who Are You? A Statistical Approach to Measuring User Authenticity" (NDSS 2016),
and S. Wiefling, P. Jørgensen, S. Thunem, L. Lo Iacono (ACM TOPS, 2022, doi:10.1145/3546069). For a value v of a level below its parent w,

    p(v | w, owner) = (c(v) + a * p(v | w)) / (c(w) + a)         c: the account's logins, p: the site's share, a: how often the account
    r = p(v | w, owner) / p(v | w)                               brought a new value at this level per parent (after Witten and Bell, 1991)
    nats = -ln(r / (1 - t + t * r))                              t: the share of intruders who have the owner's own value by intent

The levels multiply down the hierarchy (chain rule), so a new network counts once and not again for each of its addresses. With no history
every r is 1 and nothing speaks, and where an account never showed any value of a level, that level is left out. `t` is what keeps "the right
city" from buying a stranger more than ln(1/t) nats of trust. The site's share of a familiar value is that among the others: what an account
does itself does not make it common.

Two things are told otherwise. A new device identifier is measured by how often *this system* brought one, since a phone keeps its cookie where a
browser in private mode has a new one each time. That a browser sends none is compared with all of the account's logins, and with intruders who leave it
out in half of the cases where the owner sends one, whatever others do.
"""

import struct
from math import log
from typing import NamedTuple

from wardline.domains.login import attributes as level
from wardline.domains.login.attributes import LEVELS, LOGINS, NO_DEVICE, NO_LANGUAGE, NO_TIMEZONE, SHIFT, renewals_key
from wardline.domains.login.habits import COUNT_SHIFT, DAYS, DOUBTED_DAYS, FIRST_SHIFT, Index, index
from wardline.domains.login.population import Population

try:
    from wardline.domains.login._likelihood import weigh as native_weigh
except ImportError:  # a source install without a C compiler
    NATIVE = False
else:
    NATIVE = True

# The share of intruders assumed to share the owner's value of a level, given that they share the parent's.
INTENT = {
    level.COUNTRY: 0.4, level.ASN: 0.4, level.PREFIX16: 0.35, level.PREFIX24: 0.1, level.IP: 0.05, level.DEVICE_CLASS: 0.6,
    level.SYSTEM: 0.5, level.BROWSER: 0.4, level.AGENT: 0.3, level.DEVICE: 0.03, level.LANGUAGE: 0.5, level.TIMEZONE: 0.5, level.HOURS: 0.6,
    level.SCREEN: 0.4,
}  # fmt: skip
# What a new value costs the owner before there is any: the rate at which people change, in changes per history.
RESTLESS = {
    level.COUNTRY: 0.3, level.ASN: 0.5, level.PREFIX16: 0.6, level.PREFIX24: 0.8, level.IP: 5.0, level.DEVICE_CLASS: 0.3,
    level.SYSTEM: 0.3, level.BROWSER: 1.0, level.AGENT: 1.0, level.DEVICE: 0.6, level.LANGUAGE: 0.3, level.TIMEZONE: 0.5, level.HOURS: 4.0,
    level.SCREEN: 1.0,
}  # fmt: skip
NETWORK = (level.COUNTRY, level.ASN, level.PREFIX16, level.PREFIX24, level.IP)
AGENTS = (level.DEVICE_CLASS, level.SYSTEM, level.BROWSER, level.AGENT)
# A value that no challenge has confirmed becomes a habit after this many days; until then it counts this share of what a new one counts.
CONFIRMED_DAYS = 1
UNCONFIRMED = 0.9
# The first day of what came with a doubted login lies ahead, by DOUBTED_DAYS at most.
WAITING_DAYS = CONFIRMED_DAYS + DOUBTED_DAYS
# A new device explains a new browser, in part: both are told once and a half, not twice.
SHARED_SURPRISE = 0.5
# Kind of device, system, browser and user agent are copied together: beside a device that is doubted by DOUBTED_FULL nats or more they buy this much
# at most, not the sum of what each level buys. Beside less doubt the bound is in proportion, and none where there is no doubt. Beside a screen that is
# new to the system they buy nothing.
COPIED_LEAST = -0.7
DOUBTED_FULL = 2.0
# Intruders leave out the device identifier in this share of the cases where the owner sends one, since a client is copied more easily than a cookie
# is stolen. An absence says at least and at most so many nats, and never more than a new identifier says after as many logins.
LEFT_OUT = 0.5
LEFT_OUT_LEAST, LEFT_OUT_MOST = -1.0, 2.5
# From so many logins with a system on its own rate of new identifiers is known; before, it is the account's.
SYSTEM_LOGINS = 6
# A journey explains a new network and a new time zone: the second is told with this share.
JOURNEY_SHARE = 0.2
# A language or a time zone that fits says little, since most of the neighbours have it: at most this, so that whoever tells none is hardly worse
# off. One that is absent for the first time is at most ABSENT_MOST.
LOCALE_LEAST = -0.2
ABSENT_MOST = 1.0
NAMES = {
    level.COUNTRY: "country", level.ASN: "asn", level.PREFIX16: "prefix16", level.PREFIX24: "prefix24", level.IP: "ip",
    level.DEVICE_CLASS: "device_class", level.SYSTEM: "system", level.BROWSER: "browser", level.AGENT: "agent",
}  # fmt: skip


class Weighed(NamedTuple):
    """Nats per group; the finest known level of network and client ("new" for none) with the account's logins there; the account's logins;
    client_seen: it used this device, or this very browser."""

    network: float = 0.0
    client: float = 0.0
    locale: float = 0.0
    hours: float = 0.0
    network_level: str = "new"
    network_logins: int = 0
    agent_level: str = "new"
    agent_logins: int = 0
    device_logins: int | None = None
    logins: int = 0
    client_seen: bool = False


def _steps(*levels: int) -> tuple[tuple[int, float, float, float, str], ...]:
    """What the walk down a hierarchy needs at each level: the level, its restlessness, 1 - t and t, its name."""
    return tuple((each, RESTLESS[each], 1.0 - INTENT[each], INTENT[each], NAMES.get(each, "")) for each in levels)


_NETWORK, _AGENTS, _DEVICE = _steps(*NETWORK), _steps(*AGENTS), _steps(level.DEVICE)
_LANGUAGE, _TIMEZONE, _HOURS, _SCREEN = _steps(level.LANGUAGE), _steps(level.TIMEZONE), _steps(level.HOURS), _steps(level.SCREEN)


_NOTHING = Weighed()
_LEVEL_NAMES = tuple(NAMES.get(each, "new") for each in range(level.TODAY))
# What the C part takes: t and restlessness of each level, then the shares and bounds of above.
_SHARES = (
    UNCONFIRMED, SHARED_SURPRISE, JOURNEY_SHARE, LOCALE_LEAST, ABSENT_MOST, float(NO_LANGUAGE), float(NO_TIMEZONE), *map(float, NO_DEVICE),
    COPIED_LEAST, DOUBTED_FULL, LEFT_OUT, LEFT_OUT_LEAST, LEFT_OUT_MOST, float(SYSTEM_LOGINS),
)  # fmt: skip
_TABLE = struct.pack(
    f"{2 * len(LEVELS) + len(_SHARES)}d", *(INTENT[each] for each in LEVELS), *(RESTLESS[each] for each in LEVELS), *_SHARES
)


def weigh(packed: bytes, keys: tuple[int, ...], population: Population, day: int, has_device: bool = True) -> Weighed:
    """See the module. packed: the habits as `habits.add` gives them; without a login everything is 0. has_device: the client sent a device
    identifier."""
    if not NATIVE:
        return weigh_plain(packed, keys, population, day, has_device)
    found = native_weigh(packed, keys, population.young, population.old, population.total, day % DAYS, has_device, _TABLE)
    if found is None:
        return _NOTHING
    network, client, locale, hours, network_level, network_logins, agent_level, agent_logins, device_logins, logins, client_seen = found
    return Weighed(
        network,
        client,
        locale,
        hours,
        _LEVEL_NAMES[network_level],
        network_logins,
        _LEVEL_NAMES[agent_level],
        agent_logins,
        device_logins,
        logins,
        client_seen,
    )


def weigh_plain(packed: bytes, keys: tuple[int, ...], population: Population, day: int, has_device: bool = True) -> Weighed:
    """As `weigh`, in Python."""
    habits = index(packed)
    logins = habits.get(LOGINS, 0) >> COUNT_SHIFT
    if not logins:
        return _NOTHING
    day %= DAYS
    everybody = population.total
    network, network_level, network_logins = _chain(_NETWORK, habits, keys, population, day, logins, everybody)
    agent, agent_level, agent_logins = _chain(_AGENTS, habits, keys, population, day, logins, everybody)
    device, used = _device(habits, keys, population, day, logins, has_device)
    if has_device and used:
        client = device + SHARED_SURPRISE * min(max(agent, -1.0), 3.0)
    else:
        # What stands in for a device: whether this system was used with this screen. Where the system is new, the agent tells it.
        system, screen = keys[level.SYSTEM - 1], 0.0
        with_system = habits.get(system, 0) >> COUNT_SHIFT
        if system and with_system:
            screen = _chain(_SCREEN, habits, keys, population, day, with_system, population.count(system))[0]
        doubt = min(max(device / DOUBTED_FULL, 0.0), 1.0)
        agent += doubt * (max(agent, COPIED_LEAST) - agent)
        if screen > 0:
            agent = max(agent, 0.0)
        small, large = (device, agent) if device <= agent else (agent, device)
        client = large + SHARED_SURPRISE * small if small > 0 else device + agent
        client += screen
    language = _chain(_LANGUAGE, habits, keys, population, day, logins, everybody)[0]
    timezone = _chain(_TIMEZONE, habits, keys, population, day, logins, everybody)[0]
    language, timezone = max(language, LOCALE_LEAST), max(timezone, LOCALE_LEAST)
    if keys[level.LANGUAGE - 1] == NO_LANGUAGE:
        language = min(language, ABSENT_MOST)
    if keys[level.TIMEZONE - 1] == NO_TIMEZONE:
        timezone = min(timezone, ABSENT_MOST)
    elif timezone > 0 and network > 0:
        timezone *= JOURNEY_SHARE
    return Weighed(
        network,
        client,
        language + timezone,
        _chain(_HOURS, habits, keys, population, day, logins, everybody)[0],
        network_level,
        network_logins,
        agent_level,
        agent_logins,
        used if has_device or not used else None,
        logins,
        keys[level.DEVICE - 1] in habits or keys[level.AGENT - 1] in habits,
    )


def _device(habits: Index, keys: tuple[int, ...], population: Population, day: int, logins: int, has_device: bool) -> tuple[float, int]:
    """The nats of the device identifier or of its absence, and the logins that had it."""
    key, system = keys[level.DEVICE - 1], keys[level.SYSTEM - 1]
    entry, with_system = habits.get(key, 0) if key else 0, habits.get(system, 0) if system else 0
    used = entry >> COUNT_SHIFT
    if key and habits.get(level.DEVICE, 0) >> COUNT_SHIFT:
        restless = RESTLESS[level.DEVICE]
        if not has_device and key in NO_DEVICE:
            own = used if used < logins else logins
            share = (max(population.count(key) - own, 0) + 0.5) / (max(population.total - logins, 0) + 1.0)
            if share > 1.0:
                share = 1.0
            left_out = sum(habits.get(absence, 0) >> COUNT_SHIFT for absence in NO_DEVICE)
            intruders = max(share, LEFT_OUT * (max(logins - left_out, 0) / logins))
            owner = (own + restless * share) / (logins + restless)
            most = min(LEFT_OUT_MOST, _new_identifier(restless, logins))
            return min(max(-log(owner / intruders), LEFT_OUT_LEAST), most), used
        if has_device and not used and with_system >> COUNT_SHIFT >= SYSTEM_LOGINS and not _unconfirmed(with_system, day):
            renewals = habits.get(renewals_key(system), 0) >> COUNT_SHIFT
            if renewals > 1:
                restless += renewals - 1
            return _new_identifier(restless, with_system >> COUNT_SHIFT), 0
    nats, _, used = _chain(_DEVICE, habits, keys, population, day, logins, population.total)
    return nats, used


def _new_identifier(restless: float, logins: int) -> float:
    """What an identifier says that none of so many logins had. restless: how many of them brought a new one."""
    ratio = restless / (logins + restless)
    return -log(ratio / (1.0 - INTENT[level.DEVICE] + INTENT[level.DEVICE] * ratio))


def _unconfirmed(entry: int, day: int) -> bool:
    """Used since yesterday or today only, or waiting after a doubted login."""
    return (day - (entry >> FIRST_SHIFT) + DOUBTED_DAYS) % DAYS < WAITING_DAYS


def _chain(
    steps: tuple[tuple[int, float, float, float, str], ...],
    habits: Index,
    keys: tuple[int, ...],
    population: Population,
    day: int,
    logins: int,
    everybody: int,
) -> tuple[float, str, int]:
    """Down one hierarchy: the nats, the finest level that is known and the logins there. logins, everybody: the account's and the site's at the root.
    Written out, since every login walks seven of them."""
    nats, parent_count, parent_all, parent_own, changes, told = 0.0, float(logins), everybody, logins, 1, False
    young, old, entries = population.young.get, population.old.get, habits.get
    finest, used = "new", 0
    for each, restless, unintended, intent, name in steps:
        key = keys[each - 1]
        if not key:
            continue
        here = entries(each, 0) >> COUNT_SHIFT
        if not here:
            continue  # the account never showed any value of this level
        entry = entries(key)
        if told:
            # Something unconfirmed above was told, and what is below it came with it.
            if entry is None:
                break
            finest, used = name, entry >> COUNT_SHIFT
            continue
        if here > 1:
            restless += (here - 1) / changes
        if entry is None:
            ratio = restless / (parent_count + restless)
            nats += -log(ratio / (unintended + intent * ratio))
            break  # below a value that is new, everything is new
        finest, used = name, entry >> COUNT_SHIFT
        if _unconfirmed(entry, day):
            # It counts most of what it would if it were new.
            ratio = restless / (parent_count + restless)
            nats += UNCONFIRMED * -log(ratio / (unintended + intent * ratio))
            told = True
            continue
        count = float(used)
        everyone = young(key, 0) + old(key, 0)
        share = (max(everyone - used, 0) + 0.5) / (max(parent_all - parent_own, 0) + 1.0)
        if share > 1.0:
            share = 1.0
        ratio = ((count if count < parent_count else parent_count) / share + restless) / (parent_count + restless)
        nats += -log(ratio / (unintended + intent * ratio))
        parent_count, parent_all, parent_own, changes = count if count > 1.0 else 1.0, everyone, used, here if here > 1 else 1
    return nats, finest, used


assert level.TODAY < 1 << 4 and SHIFT == 28 and (CONFIRMED_DAYS, DOUBTED_DAYS) == (1, 2) and tuple(LEVELS) == tuple(range(1, 15))
