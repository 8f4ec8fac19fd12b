"""What a label is about: events, entities in clear, pseudonyms as they are; and what is none of them."""

from typing import Any

import pytest

from wardline.base.privacy import Pseudonyms
from wardline.engine.entity import EntityError, about, is_pseudonym

PSEUDONYMS = Pseudonyms(b"k" * 32)
ALICE = PSEUDONYMS.of("account", "alice")


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("account:alice", ALICE),
        ({"account": "alice"}, ALICE),
        (ALICE, ALICE),
        ({"account": ALICE.partition(":")[2]}, PSEUDONYMS.of("account", ALICE.partition(":")[2])),
        ("01KAJ5S8ZX4T7Q0M3V9C2R6B1E", "event:01KAJ5S8ZX4T7Q0M3V9C2R6B1E"),
        ("event:account:7", "event:account:7"),
        ("order:7", "event:order:7"),
        ({"event": "account:7"}, "event:account:7"),
        ("ip:192.0.2.7", PSEUDONYMS.of("ip", "192.0.2.7")),
        ("ip:::ffff:192.0.2.7", PSEUDONYMS.of("ip", "192.0.2.7")),
        ("ip:2001:DB8::0:7", PSEUDONYMS.of("ip", "2001:db8::7")),
        ("network:192.0.2.9/24", PSEUDONYMS.of("network", "192.0.2.0/24")),
        ("email: Ann@Example.com", PSEUDONYMS.of("email", "ann@example.com")),
        ("domain:Bad.Example", "domain:bad.example"),
    ],
)
def test_one_form_for_everything(given: Any, name: str) -> None:
    assert about(PSEUDONYMS, given) == name
    assert about(PSEUDONYMS, name) == name


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (None, "what is meant"),
        ("", "what is meant"),
        ("  ", "what is meant"),
        (7, "what is meant"),
        (["account:alice"], "what is meant"),
        ({}, "names one thing"),
        ({"account": "a", "ip": "192.0.2.7"}, "names one thing"),
        ({"account": 7}, "texts"),
        ({"planet": "mars"}, "no kind of entity"),
        ("account:", "1 to 1024"),
        ("account:" + "a" * 2000, "1 to 1024"),
        ("ip:300.1.1.1", "192.0.2.7"),
        ("network:x", "192.0.2.0/24"),
        ("e" * 129, "1 to 128"),
        ("event:", "1 to 128"),
        ("domain:" + "a" * 900, "too long"),
    ],
)
def test_what_names_nothing(given: Any, part: str) -> None:
    with pytest.raises(EntityError, match=part):
        about(PSEUDONYMS, given)


def test_who_can_be_behind_a_name() -> None:
    assert is_pseudonym(ALICE) and is_pseudonym(PSEUDONYMS.of("ip", "192.0.2.7"))
    assert not is_pseudonym("domain:bad.example") and not is_pseudonym("event:1") and not is_pseudonym("account:alice")
