"""Shorteners."""

from wardline.sources.shorteners import is_shortener, shipped


def test_known_and_unknown() -> None:
    assert is_shortener("bit.ly")
    assert is_shortener("www.tinyurl.com")
    assert not is_shortener("example.com")


def test_the_list_is_sound() -> None:
    assert len(shipped()) >= 100
    assert all(host == host.strip().lower() and "." in host for host in shipped())
