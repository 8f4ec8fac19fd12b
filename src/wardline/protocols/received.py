"""One Received field: who handed the message to whom, how and when (RFC 5321 §4.4, RFC 5322 §3.6.7).

    parse("from mx.example.com (mail.example.com [192.0.2.7]) by in.example.net with ESMTPS id 1; Fri, 20 Nov 2026 09:30:00 +0000")
      -> Received(from_name="mail.example.com", helo="mx.example.com", ip="192.0.2.7", by_name="in.example.net", protocol="ESMTPS", at=datetime(…))

The text is what some server claims; nothing here is verified. Only the first 2,000 characters are read, in one pass.
"""

import re
from datetime import datetime

import msgspec

from wardline.protocols import dates

_FROM = re.compile(r"\s*+from\s++([^\s();]++)(?:\s*+\(([^)]*+)\))?", re.IGNORECASE)
_FROM_LATER = re.compile(r"\sfrom\s++([^\s();]++)(?:\s*+\(([^)]*+)\))?", re.IGNORECASE)
_BY = re.compile(r"\s*+by\s++([^\s();]++)", re.IGNORECASE)
_BY_LATER = re.compile(r"[\s)]by\s++([^\s();]++)", re.IGNORECASE)
_WITH = re.compile(r"\s++with\s++([A-Za-z0-9./-]{1,40})")
_IP = re.compile(
    r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]|(?<![\w.-])(\d{1,3}(?:\.\d{1,3}){3})(?![\w.-])|(?<![\w:.])((?:[0-9A-Fa-f]{1,4}:){2,7}:?[0-9A-Fa-f:]{0,30})(?![\w:.])"
)
_HELO = re.compile(r"helo[= ]([^\s()]++)", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z0-9_-]++(?:\.[A-Za-z0-9_-]++)++\.?+")


class Received(msgspec.Struct, frozen=True, gc=False):
    """One hop; empty means not stated. `helo` is what the client called itself, `from_name` what the receiver looked up (or the same)."""

    from_name: str = ""
    helo: str = ""
    ip: str = ""
    by_name: str = ""
    protocol: str = ""
    at: datetime | None = None


def parse(text: str) -> Received:
    """The facts of one Received value (unfolded)."""
    text = text[:2000]
    trace, _, when = text.rpartition(";")
    if not trace:
        trace = text
    helo = from_name = ip = ""
    sent = _FROM.match(trace) or _FROM_LATER.search(trace)
    after = 0
    if sent:
        after = sent.end()
        helo = sent[1].strip("[]").lower()
        comment = sent[2] or ""
        named = _HELO.search(comment) if "elo" in comment or "ELO" in comment else None
        looked_up = _NAME.match(comment.strip())
        from_name = looked_up[0].rstrip(".").lower() if looked_up and not named else helo
        if named:
            from_name, helo = helo, named[1].strip("[]").lower()
        found = _IP.search(comment) or _IP.search(sent[1])
        if found is None:
            found = _IP.search(trace, after, after + 100)
        if found:
            ip = (found[1] or found[2] or found[3]).lower()
    if trace.startswith("(qmail"):  # "(qmail 1 invoked by uid 2)" names no server
        return Received(at=dates.parse(when or text))
    by = _BY.match(trace, max(0, trace.find(" by ", max(0, after - 1)))) or _BY_LATER.search(trace)
    at = trace.find(" with ", after)
    protocol = _WITH.match(trace, at) if at >= 0 else None
    return Received(
        from_name=from_name,
        helo=helo,
        ip=ip,
        by_name=by[1].strip("[]").lower() if by else "",
        protocol=protocol[1].upper() if protocol else "",
        at=dates.parse(when or text),
    )
