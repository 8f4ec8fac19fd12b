"""Received fields (RFC 5321 §4.4) in the shapes that servers write."""

import pytest

from wardline.protocols import received

DATE = "Fri, 20 Nov 2026 09:30:00 +0000"


@pytest.mark.parametrize(
    ("text", "from_name", "helo", "ip", "by_name", "protocol"),
    [
        (
            f"from mx.example.com (mail.example.com [192.0.2.7]) by in.example.net (Postfix) with ESMTPS id 1 for <a@example.net>; {DATE}",
            "mail.example.com", "mx.example.com", "192.0.2.7", "in.example.net", "ESMTPS",
        ),
        (f"from pc (unknown [192.0.2.8]) by in.example.net with SMTP; {DATE}", "pc", "pc", "192.0.2.8", "in.example.net", "SMTP"),
        (f"from [192.0.2.9] (helo=pc) by in.example.net with esmtp (Exim 4.96) id 1; {DATE}", "192.0.2.9", "pc", "192.0.2.9", "in.example.net", "ESMTP"),
        (f"from unknown (HELO pc) (192.0.2.5) by in.example.net with SMTP; {DATE}", "unknown", "pc", "192.0.2.5", "in.example.net", "SMTP"),
        (f"from a.example ([IPv6:2001:db8::1]) by b.example with LMTP; {DATE}", "a.example", "a.example", "2001:db8::1", "b.example", "LMTP"),
        (f"from a.example (2001:db8:0:1::2) by b.example (2001:db8::3) with Microsoft SMTP Server; {DATE}", "a.example", "a.example", "2001:db8:0:1::2", "b.example", "MICROSOFT"),
        (f"by in.example.net with local id 1; {DATE}", "", "", "", "in.example.net", "LOCAL"),
        (f"(qmail 12 invoked by uid 0); {DATE}", "", "", "", "", ""),
    ],
)  # fmt: skip
def test_hops(text, from_name, helo, ip, by_name, protocol):
    hop = received.parse(text)
    assert (hop.from_name, hop.helo, hop.ip, hop.by_name, hop.protocol) == (from_name, helo, ip, by_name, protocol)
    assert hop.at is not None and hop.at.year == 2026


@pytest.mark.parametrize("text", ["", ";", "from", "from ", "by ", "x" * 5000, "from (((((", "(" * 3000, "; ; ;"])
def test_nonsense_is_an_empty_hop(text):
    assert received.parse(text).at is None
