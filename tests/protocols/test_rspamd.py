"""The HTTP dialect of rspamd: headers in, JSON out."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols import rspamd
from wardline.protocols.rspamd import Request, Scan, Symbol, find_message_id, read_headers, score, symbol_name


def test_what_rspamc_sends() -> None:
    headers = [
        *((b"user", b"fred"), (b"deliver-to", b"b@example.net"), (b"filename", b"m.eml"), (b"ip", b"192.0.2.5"), (b"helo", b"h.example")),
        *((b"from", b"<a@example.com>"), (b"hostname", b"hn.example"), (b"rcpt", b"b@example.net"), (b"rcpt", b"<c@example.net>")),
        *((b"queue-id", b"4XyzQ"), (b"tls-cipher", b"TLS_AES_128")),
    ]
    assert read_headers(headers) == Request(
        user="fred",
        ip="192.0.2.5",
        sender="a@example.com",
        recipients=("b@example.net", "c@example.net"),
        deliver_to="b@example.net",
        helo="h.example",
        hostname="hn.example",
        queue_id="4XyzQ",
        tls=True,
    )


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"192.0.2.5", "192.0.2.5"),
        (b"[IPv6:2001:DB8::1]", "2001:db8::1"),
        (b"fe80::1%eth0", "fe80::1"),
        (b"not an ip", ""),
        (b"", ""),
        (b"\xff", ""),
    ],
)
def test_addresses(written: bytes, read: str) -> None:
    assert read_headers([(b"ip", written)]).ip == read


@given(st.lists(st.tuples(st.sampled_from([b"ip", b"rcpt", b"user", b"from", b"key", b"compression", b"x"]), st.binary(max_size=2000))))
def test_any_headers_are_read(headers: list[tuple[bytes, bytes]]) -> None:
    request = read_headers(headers)
    assert len(request.user) <= 1000 and len(request.recipients) <= 1000


def test_recipients_are_bounded() -> None:
    assert len(read_headers([(b"rcpt", b"b@example.net")] * 50_000).recipients) == 1000


def test_compression_and_encryption_are_noticed() -> None:
    assert read_headers([(b"compression", b"ZSTD")]).compression == "zstd"
    assert read_headers([(b"content-encoding", b"gzip")]).compression == "gzip"
    assert read_headers([(b"content-encoding", b"identity")]).compression == ""
    assert read_headers([(b"key", b"")]).encrypted


@given(st.floats(-12, 12), st.floats(-12, 12), st.booleans())
def test_scores_keep_the_order_of_log_odds(first: float, second: float, junk: bool) -> None:
    low, high = sorted((first, second))
    assert score(low, 2.2, junk=junk) <= score(high, 2.2, junk=junk)


@given(st.floats(-12, 12), st.floats(-12, 12))
def test_the_score_stands_on_the_side_of_its_verdict(log_odds: float, threshold: float) -> None:
    assert score(log_odds, threshold, junk=True) >= rspamd.REQUIRED_SCORE > score(log_odds, threshold, junk=False)


@given(st.floats(-12, 12))
def test_a_verdict_by_the_threshold_has_the_exact_score(log_odds: float) -> None:
    if log_odds >= 2.2:
        assert score(log_odds, 2.2, junk=True) == 6.0 + (log_odds - 2.2)
    elif log_odds <= 2.199:
        assert score(log_odds, 2.2, junk=False) == 6.0 + (log_odds - 2.2)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e300])
@pytest.mark.parametrize("junk", [True, False])
def test_scores_are_finite(bad: float, junk: bool) -> None:
    assert math.isfinite(score(bad, 1.0, junk=junk)) and math.isfinite(score(1.0, bad, junk=junk))


def test_at_the_threshold_the_verdict_decides() -> None:
    assert score(0.0, 0.0, junk=True) == 6.0 and score(0.0, 0.0, junk=False) == 5.999


SCAN = Scan(
    score=7.123456789012345,
    action="add header",
    symbols=(Symbol("WARDLINE_TEXT", 3.9, "The words are those of spam.", ("0.980",)), Symbol("WARDLINE_X", 0.0)),
    message_id="1@example.com",
    seconds=0.004,
    remove=(("X-Spam", 1), ("X-Wardline-Verdict", 2), ("X-Wardline-Verdict", 1)),
    add=(("X-Wardline-Verdict", "junk"), ("X-Spam", "Yes")),
)


def test_checkv2() -> None:
    assert json.loads(rspamd.checkv2(SCAN)) == {
        "is_skipped": False,
        "score": 7.123456789012345,
        "required_score": 6.0,
        "action": "add header",
        "symbols": {
            "WARDLINE_TEXT": {
                "name": "WARDLINE_TEXT",
                "score": 3.9,
                "metric_score": 3.9,
                "description": "The words are those of spam.",
                "options": ["0.980"],
            },
            "WARDLINE_X": {"name": "WARDLINE_X", "score": 0.0, "metric_score": 0.0},
        },
        "messages": {},
        "message-id": "1@example.com",
        "time_real": 0.004,
        "milter": {
            "remove_headers": {"X-Spam": 1, "X-Wardline-Verdict": [2, 1]},
            "add_headers": {"X-Wardline-Verdict": {"value": "junk", "order": 0}, "X-Spam": {"value": "Yes", "order": 1}},
        },
    }


def test_the_older_form() -> None:
    answer = json.loads(rspamd.check(SCAN))
    assert answer["default"]["is_spam"] is True and answer["default"]["WARDLINE_TEXT"]["score"] == 3.9
    assert "rmilter" in answer and "milter" not in answer and answer["message-id"] == "1@example.com"


def test_an_answer_that_changes_nothing_has_no_milter_part() -> None:
    answer = json.loads(rspamd.checkv2(Scan(score=0.0, action="soft reject", skipped=True, smtp_message="later")))
    assert answer["messages"] == {"smtp_message": "later"} and answer["message-id"] == "undef" and answer["is_skipped"] is True
    assert "milter" not in answer


def test_stat() -> None:
    answer = json.loads(
        rspamd.stat({"scanned": 7, "learned_spam": 2, "learned_ham": 3, "action.add_header": 4}, version="1", uptime_seconds=9)
    )
    assert (answer["scanned"], answer["learned"], answer["total_learns"], answer["actions"]["add header"], answer["spam_count"]) == (
        7,
        5,
        5,
        4,
        4,
    )
    assert [entry["revision"] for entry in answer["statfiles"]] == [2, 3]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"Subject: x\r\nMessage-ID: <1@example.com>\r\n\r\nbody", "1@example.com"),
        (b"message-id:<2@example.com>\n\n", "2@example.com"),
        (b"Subject: x\r\n\r\nMessage-ID: <body@example.com>\r\n", "undef"),
        (b"Subject: x\n\nMessage-ID: <body@example.com>\n", "undef"),
        (b"Message-ID: \r\n\r\n", "undef"),
        (b"Message-ID: no brackets", "no brackets"),
        (b"Message-ID:\r\n <3@example.com>\r\n\r\n", "3@example.com"),
        (b"", "undef"),
        (b"\n", "undef"),
        (b"Message-ID: <" + b"x" * 5000, "x" * 999),
    ],
)
def test_message_ids(raw: bytes, expected: str) -> None:
    assert find_message_id(raw)[:999] == expected


@given(st.binary(max_size=400))
def test_message_ids_of_anything(raw: bytes) -> None:
    find_message_id(raw)


@pytest.mark.parametrize(
    ("detector", "symbol"), [("text", "WARDLINE_TEXT"), ("near_duplicate", "WARDLINE_NEAR_DUPLICATE"), ("a b\u00e9", "WARDLINE_A_B_")]
)
def test_symbols(detector: str, symbol: str) -> None:
    assert symbol_name(detector) == symbol


def test_learned_and_errors() -> None:
    assert json.loads(rspamd.learned(learned=False, already=True, text="known", label_id="01")) == {
        "success": True,
        "learned": False,
        "already": True,
        "message": "known",
        "id": "01",
    }
    assert json.loads(rspamd.error("Unauthorized")) == {"error": "Unauthorized", "error_domain": "protocol-error"}
