"""Lists of domains, and what they and the shipped lists say."""

from pathlib import Path

import pytest

from wardline.sources.domainlist import DomainList, DomainSource, DomainSources, domain_of, read_domains
from wardline.sources.ip import Tally
from wardline.sources.reading import SourceError


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "list.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_every_way_to_write_a_domain(tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff# remark\r\nExample.COM\r\n*.example.net  why\n.example.org,\r@bücher.example\n\n! filter\n")
    listed, notes = read_domains(path)
    assert listed.domains == {"example.com", "example.net", "example.org", "xn--bcher-kva.example"}
    assert (notes.entries, notes.bad_lines) == (4, 0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"# only remarks\n", "no entries"),
        (b"<!DOCTYPE html>\n<html>\n", "2 of 2 lines"),
        (b"192.0.2.1\n", "1 of 1 lines"),
        (b"\x00\x01", "binary"),
        (b"example.com\n" * 50 + b"exampl", "broken-off"),
        (b"a" * 100_000 + b".com\n", "1 of 1 lines"),
    ],
)
def test_what_is_no_list(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read_domains(write(tmp_path, content))


def test_what_lies_below_is_listed_too() -> None:
    listed = DomainList(frozenset(("example.com",)))
    assert listed.holds("example.com")
    assert listed.holds("a.b.example.com")
    assert not listed.holds("notexample.com")
    assert not listed.holds("com")
    assert listed.holds("x." * 2000 + "example.com")


@pytest.mark.parametrize(
    "text", ["", "com", "a b.com", "a..com", "-.com", "x" * 10_000 + ".com", "a.com/", "user@a.com", "1.2.3.4", "\ud800.com"]
)
def test_what_is_no_domain(text: str) -> None:
    assert domain_of(text) is None
    assert DomainSources().facts(text, "email") == {}


def source(kind: str, *domains: str, stale: bool = False) -> DomainSource:
    return DomainSource(kind, kind, DomainList(frozenset(domains)), Tally(), stale)


def test_the_shipped_lists_alone() -> None:
    sources = DomainSources()
    assert sources.facts("Gmail.com.", "email") == {"email.free_mail": True, "email.sources_hit": []}
    assert sources.facts("mailinator.com", "email") == {"email.disposable": True, "email.free_mail": False, "email.sources_hit": []}
    assert sources.facts("example.com", "sender") == {"sender.free_mail": False, "sender.sources_hit": []}


def test_a_list_of_the_operator_says_no_too_unless_it_is_old() -> None:
    sources = DomainSources([source("disposable", "example.net")])
    assert sources.facts("example.com", "email")["email.disposable"] is False
    assert sources.facts("a.example.net", "email") == {
        "email.disposable": True,
        "email.free_mail": False,
        "email.sources_hit": ["disposable"],
    }
    assert sources.facts("mailinator.com", "email")["email.disposable"] is True
    assert "email.disposable" not in DomainSources([source("disposable", "example.net", stale=True)]).facts("example.com", "email")
