"""The log of an SSH server, line by line to events: every try of a password and every login that was let in, with how it ended.

    Dec  1 06:55:46 mx sshd[2420]: Failed password for invalid user test from 192.0.2.7 port 38926 ssh2
    2026-12-01T06:55:46.12+01:00 mx sshd-session[9]: Accepted publickey for anna from 192.0.2.8 port 50022 ssh2: ED25519 SHA256:…

    list(events_of(lines, LogClock(ends=now)))      [(1, {"id": "sshd-mx-2420-…", "type": "login", …}), (1, {"type": "login.outcome", …}), …]

Both forms of time are read, that of syslog (no year, no zone) and RFC 3339, which `journalctl -o short-iso` writes too. What is no attempt is passed over without
a word: connections, PAM's own lines, "Invalid user" (a "Failed password" follows), the methods "none" and "publickey" when they failed, which every client
with several keys does before it is let in. A name may hold spaces and whole sentences, since whoever attacks chooses it; address and port are those at the end.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from hashlib import blake2b
from ipaddress import ip_address
from typing import Any

import msgspec

from wardline.gateways.table import TableError

NAME_LIMIT = 256
REPEATED_LIMIT = 1000  # syslogd sums up equal lines; sshd hangs up long before that
COUNTED_LIMIT = 10_000
HOST_LIMIT = 64
METHODS = ("password", "keyboard-interactive", "keyboard-interactive/pam")
DAY = timedelta(days=1)

_LINE = re.compile(
    r"(?:(?P<month>[A-Z][a-z]{2}) +(?P<day>\d{1,2}) (?P<time>\d\d:\d\d:\d\d)|(?P<iso>\d{4}-\d\d-\d\dT\S{8,24})) "
    r"(?P<host>\S{1,255}) sshd(?:-session)?\[(?P<pid>\d{1,10})\]: (?P<text>.*)",
    re.ASCII,
)
_REPEATED = re.compile(r"message repeated (?P<times>\d{1,9}) times: \[ (?P<text>.*)\]", re.ASCII)
# Greedy: a name that looks like the end of a line is still a name.
_ATTEMPT = re.compile(
    r"(?P<ended>Failed|Accepted) (?P<method>[a-z/-]{1,32}) for (?P<unknown>invalid user )?(?P<name>.*) from (?P<ip>\S{1,64}) port \d{1,5}(?: ssh2)?(?:: .*)?",
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class LogClock(msgspec.Struct, frozen=True):
    """What a line does not say of its time. ends: when the log was last written to; year: of the first line, 0: the latest in which it does not lie
    after the end."""

    ends: datetime
    year: int = 0
    zone: tzinfo = UTC


def events_of(lines: Iterable[str], clock: LogClock) -> Iterator[tuple[int, dict[str, Any] | TableError]]:
    """(line, an event's document or what is wrong), two events an attempt, in order. Memory: the last COUNTED_LIMIT connections and seconds."""
    year, last = clock.year, 0
    # Attempts of one connection in one second, by name. In a log that several machines wrote, their seconds take turns.
    seen: OrderedDict[str, int] = OrderedDict()
    for number, line in enumerate(lines, 1):
        found = _LINE.match(line)
        if found is None:
            continue
        text, times = found["text"].rstrip(), 1
        if again := _REPEATED.fullmatch(text):
            text, times = again["text"], min(int(again["times"]), REPEATED_LIMIT)
        attempt = _attempt(text)
        if attempt is None:
            continue
        try:
            if found["iso"]:
                moment = datetime.fromisoformat(found["iso"])
            else:
                month = _MONTHS.index(found["month"]) + 1
                year = year or _year(month, found, clock)
                turned, late = last - month > 6, last > 0 and month - last > 6  # December is over; a line of it after all
                moment = _moment(year + turned - late, month, found)
                if not late:
                    year, last = year + turned, month
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=clock.zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            yield number, TableError(f"line {number}: no time that there is; a log in the form of syslog or of RFC 3339 is needed")
            continue
        name = f"sshd-{_short(found['host'])}-{found['pid']}-{moment:%Y%m%dT%H%M%S}"
        for _time in range(times):
            seen[name] = count = seen.get(name, -1) + 1
            for event in _events(f"{name}-{count}", moment, attempt):
                yield number, event
        if len(seen) > COUNTED_LIMIT:
            seen.popitem(last=False)


def _short(host: str) -> str:
    """A host's name, of at most HOST_LIMIT characters: an event's id holds it."""
    return (
        host
        if len(host) <= HOST_LIMIT
        else f"{host[: HOST_LIMIT - 17]}-{blake2b(host.encode('utf-8', 'replace'), digest_size=8).hexdigest()}"
    )


def _attempt(text: str) -> tuple[dict[str, str], bool, str] | None:
    """(entities, whether the name exists, how it ended), or nothing for another line."""
    found = _ATTEMPT.fullmatch(text)
    if found is None or (found["ended"] == "Failed" and found["method"] not in METHODS):
        return None
    entities = {}
    if name := found["name"][:NAME_LIMIT]:
        entities["account"] = name
    try:
        entities["ip"] = str(ip_address(found["ip"].partition("%")[0]))
    except ValueError:
        pass  # sshd was told to write names of hosts; those are no addresses
    exists = not found["unknown"]
    return entities, exists, "success" if found["ended"] == "Accepted" else "wrong_password" if exists else "unknown_account"


def _events(name: str, moment: datetime, attempt: tuple[dict[str, str], bool, str]) -> Iterator[dict[str, Any]]:
    entities, exists, result = attempt
    shared = {"occurred_at": moment.isoformat(), "flow_id": name, "entities": entities}
    yield {"id": name, "type": "login", **shared, "fields": {"client": "ssh", "username_exists": exists}}
    yield {"id": f"{name}-outcome", "type": "login.outcome", **shared, "fields": {"result": result}}


def _year(month: int, found: re.Match[str], clock: LogClock) -> int:
    """The latest year in which the line does not lie after the end of the log, by a day's grace for zones."""
    for year in range(clock.ends.year + 1, clock.ends.year - 9, -1):
        try:
            moment = _moment(year, month, found).replace(tzinfo=clock.zone)
        except ValueError:
            continue  # the 29th of February
        if moment <= clock.ends + DAY:
            return year
    raise ValueError("no year fits")


def _moment(year: int, month: int, found: re.Match[str]) -> datetime:
    hour, minute, second = map(int, found["time"].split(":"))
    return datetime(year, month, int(found["day"]), hour, minute, min(second, 59))
