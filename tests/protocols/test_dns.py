"""DNS questions and answers: names that fit the wire, addresses, and running a check with a plain function."""

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols.dns import NXDOMAIN, Answer, Question, a_label, address, ask, drive, is_hostname, is_name


@pytest.mark.parametrize(
    ("name", "fits"),
    [
        ("example.com", True),
        ("a" * 63 + ".example", True),
        ("a" * 64 + ".example", False),
        ("a..example", False),
        ("", False),
        (".", False),
        ("é.example", False),
        ("a\x00b.example", False),
        (".".join(["a" * 49] * 5) + ".abc", True),
        (".".join(["a" * 49] * 6), False),
        ("_dmarc.example.com", True),
    ],
)
def test_names_that_fit_the_wire(name: str, fits: bool) -> None:
    assert is_name(name) is fits


@pytest.mark.parametrize(
    ("name", "good"), [("example.com", True), ("com", False), ("192.0.2.1", False), ("a b.example", False), ("x_y.example", True)]
)
def test_mail_domains(name: str, good: bool) -> None:
    assert is_hostname(name) is good


def test_a_label() -> None:
    assert a_label(" Bücher.Example. ") == "xn--bcher-kva.example"
    assert a_label("EXAMPLE.com") == "example.com"
    assert a_label("é" * 2000) == ""
    assert a_label("a\u202e.example") == ""


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("fe80::1%eth0", None),
        ("x", None),
        ("1" * 99, None),
    ],
)
def test_addresses(text: str, plain: str | None) -> None:
    found = address(text)
    assert (str(found) if found else None) == plain


def test_drive_answers_until_the_end() -> None:
    def check() -> Generator[Question, Answer, list[str]]:
        first = yield from ask("A.example.", "A")
        second = yield from ask("b..example", "A")
        return [first.status, second.status]

    asked: list[Question] = []

    def lookup(question: Question) -> Answer:
        asked.append(question)
        return Answer("ok", ("192.0.2.1",))

    assert drive(check(), lookup) == ["ok", "nxdomain"]
    assert asked == [Question("a.example", "A")]


def test_answers_tell_text_from_bytes() -> None:
    answer = Answer("ok", (b"text", "name"))
    assert answer.texts() == [b"text"]
    assert answer.names() == ["name"]
    assert not answer.failed
    assert Answer("timeout").failed
    assert not NXDOMAIN.failed


@given(st.text(max_size=300))
def test_any_text_is_a_name_or_not(text: str) -> None:
    is_name(text)
    is_hostname(text)
    a_label(text)
    address(text)
