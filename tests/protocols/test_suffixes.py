"""Public suffixes, on a list in miniature and on the installed one."""

from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.protocols.suffixes import EXCEPTION, RULE, WILDCARD, is_top_level, load, organisation, read, suffix_labels

LIST = """// a comment
com
uk
co.uk  trailing words
*.ck
!www.ck
*.compute.example
个人.hk
"""


def test_read() -> None:
    assert read(LIST) == {
        "com": RULE,
        "uk": RULE,
        "co.uk": RULE,
        "ck": WILDCARD,
        "www.ck": EXCEPTION,
        "compute.example": WILDCARD,
        "xn--ciqpn.hk": RULE,
    }


@pytest.mark.parametrize(
    ("host", "count"),
    [
        ("com", 1),
        ("a.com", 1),
        ("a.co.uk", 2),
        ("a.uk", 1),
        ("b.ck", 2),
        ("a.b.ck", 2),
        ("www.ck", 1),
        ("a.www.ck", 1),
        ("x.compute.example", 3),
        ("compute.example", 2),
        ("a.unknown", 1),
        ("a.xn--ciqpn.hk", 2),
    ],
)
def test_the_longest_rule_wins(host: str, count: int) -> None:
    assert suffix_labels(host.split("."), read(LIST)) == count


def test_the_installed_list() -> None:
    assert len(load()) > 8_000
    assert organisation("a.b.example.co.uk") == "example.co.uk"
    assert organisation("A.EXAMPLE.COM.") == "example.com"
    assert organisation("co.uk") == organisation("") == organisation("a..com") == organisation("a" * 300) == ""
    assert is_top_level("com")
    assert not is_top_level("example")
    assert not is_top_level("co.uk")


@given(st.lists(st.sampled_from(("a", "com", "uk", "co", "ck", "www", "compute", "example")), max_size=12))
def test_an_organisation_is_a_suffix_of_its_host(labels: list[str]) -> None:
    host = ".".join(labels)
    found = organisation(host)
    assert host.endswith(found)
    assert organisation(found) == found


def test_every_rule_of_the_list_has_the_a_label_form_of_the_codec() -> None:
    text = resources.files("publicsuffixlist").joinpath("public_suffix_list.dat").read_text("utf-8")
    lines = [line.partition(" ")[0].strip().lower() for line in text.splitlines()]
    rules = [line.lstrip("!").removeprefix("*.") for line in lines if line and not line.startswith("//")]
    assert set(read(text)) == {rule.encode("idna").decode("ascii") if not rule.isascii() else rule for rule in rules}
    # What nameprep changes or refuses goes through it: sharp s, full width, a capital, a soft hyphen, a label of the other direction with a digit.
    for label in ("straße", "ｅｘａｍｐｌｅ", "Ünter", "ab\u00adcé", "ﬁsch", "中国", "δοκιμή"):
        assert read(label) == {label.lower().encode("idna").decode("ascii"): RULE}
