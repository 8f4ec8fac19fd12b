"""A decision beside its truth.

    {"id", "type": "login", "account", "truth": "attack", "kind": "phish", "campaign": "phish-1", "tags": [], "history": 41, "password": true}      truth
    {"id", "verdict": "challenge", "score": 0.87}                                                                                                  answer
    joined(events, truths, answers, "login")     Judged(kind="phish", history=41, verdict="challenge", score=0.87, at_s=…)

Truth comes as NDJSON in the shape of docs/city.md, joined by the event's id; lines about whole campaigns carry no id and are passed over.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from wardline.protocols.ip import parse

SEVERE = frozenset({"hold", "reject"})
ALLOW = "allow"


class JudgedError(ValueError):
    """A line that cannot be read: which, what is wrong."""


class Truth(msgspec.Struct, frozen=True):
    """What is true of one event. kind and campaign are None for honest ones. password: whether the right one was given, where it is known."""

    id: str = ""
    type: str = ""
    account: str = ""
    truth: str = ""
    kind: str | None = None
    campaign: str | None = None
    status: str = ""
    tags: list[str] = []
    history: int | None = None
    password: bool | None = None


class Fields(msgspec.Struct, frozen=True):
    """What is read of an event's fields: of a session what it did."""

    action: Any = None


class Asked(msgspec.Struct, frozen=True):
    """What is read of an event."""

    id: str
    type: str
    occurred_at: datetime
    entities: dict[str, str] = {}
    fields: Fields = Fields()


class Answered(msgspec.Struct, frozen=True):
    """What is read of an answer. line: what decided it, as `login.unlike_its_owner`; "" where the mildest verdict was given."""

    id: str = ""
    verdict: str = ""
    score: float = 0.0
    line: str = ""


class _Why(msgspec.Struct, frozen=True):
    detector: str = ""


class _Reply(msgspec.Struct, frozen=True):
    id: str = ""
    verdict: str = ""
    score: float = 0.0
    reasons: list[_Why] = []


_reply = msgspec.json.Decoder(_Reply)


def answered(line: bytes) -> Answered:
    """An answer of the door. Raises msgspec.DecodeError."""
    reply = _reply.decode(line)
    first = reply.reasons[0].detector if reply.reasons and reply.verdict != ALLOW else ""
    return Answered(reply.id, reply.verdict, reply.score, first)


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """One decision beside its truth. at_s: event time in seconds since the epoch. network: the /24 of IPv4 or the /48 of IPv6, as text."""

    id: str
    account: str
    at_s: float
    verdict: str
    score: float
    attack: bool
    kind: str = ""
    campaign: str = ""
    status: str = ""
    tags: tuple[str, ...] = ()
    history: int | None = None
    entered: bool = True
    network: str = ""

    @property
    def stopped(self) -> bool:
        """Whether anything but allow was said."""
        return self.verdict != ALLOW


def truths(lines: Iterable[bytes]) -> dict[str, Truth]:
    """Truth by event id. Raises JudgedError."""
    decoder = msgspec.json.Decoder(Truth)
    found: dict[str, Truth] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            truth = decoder.decode(line)
        except (msgspec.DecodeError, RecursionError) as error:
            raise JudgedError(f"truth, line {number}: {error}") from None
        if truth.id:
            if truth.truth not in ("legit", "attack"):
                raise JudgedError(f"truth, line {number}: truth is legit or attack, not {truth.truth[:32]!r}")
            found[truth.id] = truth
    return found


def joined(asked: Iterable[Asked], known: dict[str, Truth], answers: dict[str, Answered], type: str) -> Iterator[Judged]:
    """The decisions about events of one type that have a truth, in order."""
    for event in asked:
        truth, answer = known.get(event.id), answers.get(event.id)
        if event.type != type or truth is None or answer is None or not answer.verdict:
            continue
        yield Judged(
            id=event.id,
            account=truth.account or event.entities.get("account", ""),
            at_s=event.occurred_at.timestamp(),
            verdict=answer.verdict,
            score=answer.score,
            attack=truth.truth == "attack",
            kind=truth.kind or "",
            campaign=truth.campaign or "",
            status=truth.status,
            tags=tuple(truth.tags),
            history=truth.history,
            entered=truth.password is not False,
            network=network_of(event.entities.get("ip", "")),
        )


def network_of(ip: str) -> str:
    """The part of an address that a site has, as text: three numbers of IPv4, three groups of IPv6 however it was written. What is no address stands for itself."""
    found = parse(ip)
    if found is None:
        return ip
    version, value = found
    if version == 4:
        return ".".join(str(value >> shift & 255) for shift in (24, 16, 8))
    return ":".join(f"{value >> shift & 65535:x}" for shift in (112, 96, 80))
