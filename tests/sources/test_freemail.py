"""Free mail providers."""

from wardline.protocols.url import registrable
from wardline.sources.freemail import is_freemail, shipped


def test_known_and_unknown() -> None:
    assert is_freemail("gmail.com")
    assert not is_freemail("example.com")


def test_the_list_is_sound() -> None:
    assert len(shipped()) >= 300
    assert all(domain == domain.lower() and "." in domain for domain in shipped())
    assert all(registrable(domain) for domain in shipped())
