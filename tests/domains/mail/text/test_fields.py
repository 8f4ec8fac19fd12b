"""What the text models read: bounded at both ends, folded, and blind to what only the receiving side writes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domains.mail.builders import mail
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.intake import read
from wardline.domains.mail.text.fields import BODY_BYTES, BODY_TAIL_BYTES, HEAD_BYTES, body_text, carries_weight, texts
from wardline.domains.mail.text.model import features_of

LETTER = b"""Message-ID: <4711.ab@example.com>
Date: Tue, 04 Mar 2025 12:00:00 +0100
From: Anna Example <anna@example.com>
To: bela@example.net
Subject: %sLunch on Friday
MIME-Version: 1.0
Content-Type: text/plain; charset=us-ascii

Shall we meet at noon? The place at the corner is open again.
"""
# What a collector, its filters and its list archive put on a message; all names are reserved ones.
COLLECTED = b"""Return-Path: <anna@example.com>
Delivered-To: bela@example.net
X-Original-To: bela@example.net
Received: from mx.example.net (localhost [127.0.0.1]) by store.example.net with LMTP id 1; Tue, 4 Mar 2025 12:00:02 +0100
Received: from mail.example.com (mail.example.com [192.0.2.25]) by mx.example.net with ESMTPS id 2; Tue, 4 Mar 2025 12:00:01 +0100
X-Spam-Status: Yes, score=12.5 required=5.0 tests=BAYES_99
X-Spam-Level: ************
X-Bogosity: Spam, tests=bogofilter, spamicity=1.0
X-Virus-Scanned: by example.net
X-DSPAM-Result: Spam
X-Rspamd-Queue-Id: 4711
X-MS-Exchange-Organization-SCL: 9
X-Microsoft-Antispam: BCL:9
X-Forefront-Antispam-Report: CIP:192.0.2.25
X-Google-DKIM-Signature: v=1
X-Received: by 192.0.2.1
X-Gm-Message-State: abc
ARC-Seal: i=1; a=rsa-sha256
Authentication-Results: mx.example.net; spf=fail; dkim=none; dmarc=fail
Received-SPF: fail
X-Mailman-Version: 2.1
List-Id: talk <talk.lists.example.net>
List-Unsubscribe: <mailto:leave@lists.example.net>
X-BeenThere: talk@lists.example.net
Precedence: bulk
Errors-To: bounce@lists.example.net
X-Loop: talk@lists.example.net
X-Greylist: delayed 300 seconds
X-Barracuda-Spam-Score: 9
X-Proofpoint-Spam-Details: rule=spam
X-Pyzor: reported 9 times
X-DCC-Result: bulk
X-Amavis-Alert: banned
X-PM-Spamscore: 9
X-Antispam: spam
X-UID: 17
X-Keywords: Junk
Status: RO
X-Status: A
Content-Length: 61
Lines: 1
"""


def features(raw: bytes) -> bytes:
    return features_of(read(raw, Envelope())).to_bytes()


def test_what_only_a_collector_writes_carries_no_weight() -> None:
    assert features(COLLECTED + LETTER % b"[SPAM] ") == features(LETTER % b"")


@pytest.mark.parametrize("line", COLLECTED.split(b"\n")[:-1])
def test_no_single_line_of_it_does(line: bytes) -> None:
    assert features(line + b"\n" + LETTER % b"") == features(LETTER % b"")


def test_what_a_sender_writes_does() -> None:
    # The negative control of the two above.
    for line in (b"X-Mailer: bulk 1.0\n", b"Organization: Example\n", b"Reply-To: other@example.org\n", b"X-Priority: 1\n"):
        assert features(line + LETTER % b"") != features(LETTER % b"")


@pytest.mark.parametrize("name", ["From", "subject", "X-Mailer", "MIME-Version", "Reply-To", "In-Reply-To", "X-Priority", "User-Agent"])
def test_senders_fields(name: str) -> None:
    assert carries_weight(name)


@pytest.mark.parametrize(
    "name", ["Received", "RECEIVED", " x-spam-flag ", "X-Spam", "List-Post", "X-Wardline-Id", "Authentication-Results", "Resent-From"]
)
def test_receivers_fields(name: str) -> None:
    assert not carries_weight(name)


def test_line_ends_do_not_matter_to_the_body() -> None:
    assert body_text(b"A: b\r\n\r\none\r\ntwo") == body_text(b"A: b\n\none\ntwo") == b"one\ntwo"


def test_head_and_tail_are_read() -> None:
    text = b"A: b\n\n" + b"start " + b"x" * 100_000 + b" end"
    assert body_text(text).startswith(b"start ") and body_text(text).endswith(b" end")
    assert len(body_text(text)) == BODY_BYTES + 1 + BODY_TAIL_BYTES


def test_a_body_without_a_header() -> None:
    assert body_text(b"no header at all") == b"no header at all"


def test_the_visible_text_is_folded() -> None:
    plain = texts(mail(text="Verify your PayPal account: cheap $$$"))["visible"]
    assert plain == b" verify your paypal account cheap $$$ "
    assert texts(mail(text="\uff36erify  your P\u0430y\u200bPal account, cheap $$$"))["visible"] == plain


def test_rewriting_the_words_leaves_the_shape_alone() -> None:
    one, other = mail(subject="Cheap pills", text="order now"), mail(subject="Fresh plums", text="enjoy now")
    assert texts(one)["shape"] == texts(other)["shape"]
    assert texts(one)["visible"] != texts(other)["visible"]


@given(st.binary(max_size=2000))
def test_any_bytes_have_features(raw: bytes) -> None:
    fields = texts(read(raw, Envelope()))
    assert all(len(text) <= 4 * HEAD_BYTES + 4 * BODY_BYTES for text in fields.values())


def test_endless_fields_are_bounded() -> None:
    raw = b"".join(b"X-A%d: %s\n" % (number, b"v" * 5000) for number in range(500)) + b"\n" + b"word " * 200_000
    fields = texts(read(raw, Envelope()))
    assert len(fields["head"]) <= HEAD_BYTES and len(fields["shape"]) <= HEAD_BYTES
    assert len(fields["visible"]) < 8000
