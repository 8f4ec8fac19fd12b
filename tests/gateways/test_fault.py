"""Where an error arose, and nothing of what it says."""

from wardline.gateways.fault import where


def test_the_innermost_place() -> None:
    def inner() -> None:
        raise ValueError("secret@example.com")

    try:
        inner()
    except ValueError as error:
        assert where(error) == f"test_fault.py:{inner.__code__.co_firstlineno + 1}"
    assert where(ValueError("x")) == ""
