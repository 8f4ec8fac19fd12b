"""The HTTP dialect of rspamd 3, as its clients speak it: what a request says about a message, and the JSON that they read.

    POST /checkv2          IP: 192.0.2.7   Helo: mx.example.com   From: a@example.com   Rcpt: b@example.net   User: fred   Queue-Id: 4XyzQ
    -> {"is_skipped": false, "score": 7.2, "required_score": 6.0, "action": "add header", "symbols": {"WARDLINE_TEXT": {"name": …, "score": …,
        "description": …, "options": […]}}, "messages": {}, "message-id": "1@example.com", "time_real": 0.004, "milter": {…}}

Reference: rspamd's protocol page and the answers of rspamd 3.4 (Debian 12). Scores are not rounded, since clients rank by them. `required_score` is
6.0, rspamd's shipped threshold of "add header". Pure: whether a request's headers are believed is the gateway's business.
"""

import ipaddress
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

REQUIRED_SCORE = 6.0
SCORE_LIMIT = 1000.0
RECIPIENT_LIMIT = 1000
TEXT_LIMIT = 1000
HEAD_BYTES = 65536

_MESSAGE_ID = re.compile(rb"^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]{0,1000})", re.IGNORECASE | re.MULTILINE)


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers of a request say of a message. Empty means not said, or not readable (an IP that is none)."""

    user: str = ""
    ip: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()
    deliver_to: str = ""
    helo: str = ""
    hostname: str = ""
    queue_id: str = ""
    tls: bool = False
    compression: str = ""
    encrypted: bool = False


class Symbol(msgspec.Struct, frozen=True):
    """One detector's line in an answer."""

    name: str
    score: float
    description: str = ""
    options: tuple[str, ...] = ()


class Scan(msgspec.Struct, frozen=True, kw_only=True):
    """One scan's result. `remove` and `add` are what a mail server's plugin does to the header: (name, instance, 0 for all) and (name, value)."""

    score: float
    action: str
    symbols: tuple[Symbol, ...] = ()
    skipped: bool = False
    smtp_message: str = ""
    message_id: str = ""
    seconds: float = 0.0
    remove: tuple[tuple[str, int], ...] = ()
    add: tuple[tuple[str, str], ...] = ()


def read_headers(headers: Iterable[tuple[bytes, bytes]]) -> Request:
    """The request's headers (names in lower case, as ASGI gives them) as a Request. Never raises; every value is cut to 1,000 characters."""
    last: dict[bytes, str] = {}
    recipients: list[str] = []
    for name, value in headers:
        if name == b"rcpt":
            if len(recipients) < RECIPIENT_LIMIT:
                recipients.append(_address(value))
        else:
            last[name] = value[:TEXT_LIMIT].decode("utf-8", "replace").strip()
    return Request(
        user=last.get(b"user", ""),
        ip=_ip(last.get(b"ip", "")),
        sender=last.get(b"from", "").removeprefix("<").removesuffix(">"),
        recipients=tuple(recipients),
        deliver_to=last.get(b"deliver-to", "").removeprefix("<").removesuffix(">"),
        helo=last.get(b"helo", ""),
        hostname=last.get(b"hostname", ""),
        queue_id=last.get(b"queue-id", ""),
        tls=bool(last.get(b"tls-cipher") or last.get(b"tls-version")),
        compression=last.get(b"compression", "").lower() or last.get(b"content-encoding", "").lower().replace("identity", ""),
        encrypted=b"key" in last,
    )


def score(log_odds: float, junk_log_odds: float, *, junk: bool) -> float:
    """rspamd's score of a decision: 6.0 at the threshold of junk, one point per nat; finite whatever comes in, and not rounded.

    `junk`: whether the verdict is junk or worse. Clients compare the score with 6.0, so a verdict that another line of the policy gave (a list, a
    hold) puts the score on its side of 6.0, by at most a thousandth and in the same order among its like.
    """
    distance = log_odds - junk_log_odds
    if math.isnan(distance):
        distance = 0.0
    distance = min(max(distance, -SCORE_LIMIT), SCORE_LIMIT)
    if junk:
        return REQUIRED_SCORE + distance if distance >= 0 else REQUIRED_SCORE + 0.001 / (1.0 - distance)
    return REQUIRED_SCORE + distance if distance <= -0.001 else REQUIRED_SCORE - 0.001 / (1.0 + max(distance, 0.0))


def symbol_name(detector: str) -> str:
    """A detector's name as a symbol: `near_duplicate` -> `WARDLINE_NEAR_DUPLICATE`."""
    return "WARDLINE_" + "".join(character if character.isascii() and character.isalnum() else "_" for character in detector.upper()[:60])


def find_message_id(raw: bytes) -> str:
    """The Message-ID of a message without its brackets, "undef" when it has none: what rspamd answers. Looks at 64 KiB of the head."""
    head = raw[:HEAD_BYTES]
    ends = [at for at in (head.find(b"\n\r\n"), head.find(b"\n\n")) if at >= 0]
    found = _MESSAGE_ID.search(head, 0, min(ends) + 1 if ends else len(head))
    text = found[1].decode("utf-8", "replace").strip() if found else ""
    return text.removeprefix("<").removesuffix(">") or "undef"


def checkv2(scan: Scan) -> bytes:
    """The answer of /checkv2."""
    answer: dict[str, Any] = _head(scan)
    answer["symbols"] = {symbol.name: _symbol(symbol) | {"metric_score": symbol.score} for symbol in scan.symbols}
    return msgspec.json.encode(answer | _tail(scan, "milter"))


def check(scan: Scan) -> bytes:
    """The answer of the older /check and /symbols, whose symbols stand among the other keys of "default"."""
    metric: dict[str, Any] = {"is_spam": scan.score >= REQUIRED_SCORE, **_head(scan)}
    metric.update((symbol.name, _symbol(symbol)) for symbol in scan.symbols)
    return msgspec.json.encode({"default": metric, **_tail(scan, "rmilter")})


def learned(*, learned: bool, already: bool, text: str, label_id: str) -> bytes:
    """The answer of /learnspam and /learnham: success, since what is already known needs no second time."""
    return msgspec.json.encode({"success": True, "learned": learned, "already": already, "message": text, "id": label_id})


def error(text: str, domain: str = "protocol-error") -> bytes:
    """An error as rspamd words it."""
    return msgspec.json.encode({"error": text, "error_domain": domain})


def stat(counters: Mapping[str, int], *, version: str, uptime_seconds: int) -> bytes:
    """The answer of /stat, and of /auth, which wants "auth" and "uptime".

    From counters `scanned`, `learned_spam`, `learned_ham` and `action.X` (X an action of rspamd, blanks as `_`).
    """
    spam, ham = counters.get("learned_spam", 0), counters.get("learned_ham", 0)
    actions = {name: counters.get("action." + name.replace(" ", "_"), 0) for name in ACTIONS}
    zero = dict.fromkeys(_NOT_OURS, 0)
    files = [
        {"revision": count, "used": 0, "total": 0, "size": 0, "symbol": symbol, "type": "wardline", "languages": 0, "users": 1}
        for symbol, count in (("WARDLINE_SPAM", spam), ("WARDLINE_HAM", ham))
    ]
    answer: dict[str, Any] = {
        "auth": "ok",
        "version": version,
        "config_id": "",
        "uptime": uptime_seconds,
        "read_only": False,
        "scanned": counters.get("scanned", 0),
    }
    answer |= {
        "learned": spam + ham,
        "actions": actions,
        "spam_count": actions["reject"] + actions["add header"] + actions["rewrite subject"],
    }
    answer["ham_count"] = actions["no action"] + actions["greylist"]
    return msgspec.json.encode({**answer, **zero, "statfiles": files, "fuzzy_hashes": {}, "total_learns": spam + ham})


# Counters of rspamd's own machinery that its clients print; we have no such thing.
_NOT_OURS = (
    *("connections", "control_connections", "pools_allocated", "pools_freed", "bytes_allocated", "chunks_allocated"),
    *("shared_chunks_allocated", "chunks_freed", "chunks_oversized", "fragmented"),
)
ACTIONS = ("reject", "soft reject", "rewrite subject", "add header", "greylist", "no action")


def _head(scan: Scan) -> dict[str, Any]:
    return {"is_skipped": scan.skipped, "score": scan.score, "required_score": REQUIRED_SCORE, "action": scan.action}


def _tail(scan: Scan, milter_key: str) -> dict[str, Any]:
    messages = {"smtp_message": scan.smtp_message} if scan.smtp_message else {}
    answer: dict[str, Any] = {"messages": messages, "message-id": scan.message_id or "undef", "time_real": scan.seconds}
    milter: dict[str, Any] = {}
    if scan.remove:
        instances: dict[str, list[int]] = {}
        for name, number in scan.remove:
            instances.setdefault(name, []).append(number)
        milter["remove_headers"] = {name: numbers[0] if len(numbers) == 1 else numbers for name, numbers in instances.items()}
    if scan.add:
        milter["add_headers"] = {name: {"value": value, "order": order} for order, (name, value) in enumerate(scan.add)}
    return answer | ({milter_key: milter} if milter else {})


def _symbol(symbol: Symbol) -> dict[str, Any]:
    built: dict[str, Any] = {"name": symbol.name, "score": symbol.score}
    if symbol.description:
        built["description"] = symbol.description
    if symbol.options:
        built["options"] = list(symbol.options)
    return built


def _address(value: bytes) -> str:
    return value[:TEXT_LIMIT].decode("utf-8", "replace").strip().removeprefix("<").removesuffix(">")


def _ip(text: str) -> str:
    """An IP address in its canonical form, "" for what is none."""
    try:
        return str(ipaddress.ip_address(text.strip("[]").removeprefix("IPv6:").partition("%")[0]))
    except ValueError:
        return ""
