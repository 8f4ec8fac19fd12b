"""Disposable mail domains."""

from wardline.protocols.url import registrable
from wardline.sources import disposable, freemail


def test_known_and_unknown() -> None:
    assert disposable.is_disposable("mailinator.com")
    assert not disposable.is_disposable("example.com")


def test_the_list_is_sound() -> None:
    assert len(disposable.shipped()) >= 150
    assert all(domain == domain.lower() and registrable(domain) for domain in disposable.shipped())
    assert not disposable.shipped() & freemail.shipped()
