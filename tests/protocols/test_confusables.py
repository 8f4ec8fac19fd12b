"""Skeletons: equal for what looks alike, different for what does not."""

import pytest

from wardline.protocols.confusables import skeleton


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("paypal", "PayPaI"),
        ("paypal", "paypa1"),
        ("paypal", "раураӏ"),
        ("paypal", "pàypál"),
        ("microsoft", "rnicrosoft"),
        ("google", "g00gle"),
        ("google", "ɡооɡle"),
        ("wellsfargo", "vvellsfargo"),
        ("dropbox", "clropbox"),
        ("amazon", "amаzоn"),
        ("apple", "аррӏе"),
        ("netflix", "netf1ix"),
        ("facebook", "faceboοk"),
    ],
)
def test_look_alikes(one: str, other: str) -> None:
    assert skeleton(one) == skeleton(other)


@pytest.mark.parametrize(
    ("one", "other"), [("paypal", "payroll"), ("amazon", "amazing"), ("apple", "maple"), ("chase", "phase"), ("", "a")]
)
def test_different_names(one: str, other: str) -> None:
    assert skeleton(one) != skeleton(other)
