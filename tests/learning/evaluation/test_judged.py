"""Truth and answers joined by the event's id; lines that cannot be read are told."""

from datetime import UTC, datetime

import pytest

from wardline.learning.evaluation.judged import Answered, Asked, JudgedError, answered, joined, network_of, truths

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)


def test_joined() -> None:
    known = truths(
        [
            b'{"id":"a","type":"login","account":"u","truth":"attack","kind":"phish","campaign":"phish-1","history":3,"password":false}',
            b'{"id":"b","type":"login","truth":"legit","kind":null,"campaign":null,"tags":["tor"]}',
            b'{"campaign":"phish-1","kind":"phish","attempts":1}',
            b"",
        ]
    )
    asked = [Asked(name, "signup" if name == "c" else "login", AT, {"ip": "192.0.2.7", "account": "v"}) for name in "abcd"]
    answers = {name: Answered(name, "challenge", 0.8) for name in "abcd"}
    rows = list(joined(asked, known, answers, "login"))
    assert [(row.id, row.attack, row.entered, row.stopped, row.account) for row in rows] == [
        ("a", True, False, True, "u"),
        ("b", False, True, True, "v"),
    ]
    assert (rows[1].tags, rows[1].network, rows[0].history) == (("tor",), "192.0.2", 3)


@pytest.mark.parametrize("line", [b"{", b'{"id": 7}', b'{"id": "a", "truth": "perhaps"}', b"[" * 10_000])
def test_truth_that_cannot_be_read(line: bytes) -> None:
    with pytest.raises(JudgedError, match="truth, line 2"):
        truths([b'{"campaign":"x"}', line])


def test_networks() -> None:
    assert (network_of("192.0.2.7"), network_of("2001:db8:1:2::7"), network_of("")) == ("192.0.2", "2001:db8:1", "")
    assert network_of("2001:db8::7") == network_of("2001:db8:0:1::7") == "2001:db8:0" and network_of("::ffff:192.0.2.7") == "192.0.2"
    assert network_of("ip:5f0c") == "ip:5f0c"


def test_an_answer_names_what_decided_it_where_something_was_asked() -> None:
    reasons = b'"reasons":[{"detector":"login.unlike_its_owner","score":1.0,"text":"x"},{"detector":"login.travel","score":0.7,"text":"y"}]'
    assert answered(b'{"id":"a","verdict":"challenge","score":0.8,' + reasons + b"}") == Answered(
        "a", "challenge", 0.8, "login.unlike_its_owner"
    )
    assert answered(b'{"id":"a","verdict":"allow","score":0.1,' + reasons + b"}") == Answered("a", "allow", 0.1)
    assert answered(b'{"id":"a","accepted":true}') == Answered("a")
