"""hidden_text: manner and amount; preheaders and telephone layouts are honest."""

import pytest

from tests.domains.mail.builders import ask, mail, odds_of
from wardline.domains.mail.detectors.hidden_text import HiddenText
from wardline.domains.mail.events import HtmlFacts


@pytest.mark.parametrize("way", ["colour", "size", "offscreen", "opacity"])
def test_much_text_hidden_for_machines(way: str) -> None:
    message = mail(text="Buy now", html=HtmlFacts(hidden_chars=3_000, hidden_by=(way,)))
    signal = ask(HiddenText(), message)
    assert signal.score is not None and signal.score > 0.7
    assert signal.evidence["cues"] and way in signal.evidence["cues"]  # type: ignore[operator]


@pytest.mark.parametrize(
    "html",
    [
        HtmlFacts(hidden_chars=150, hidden_by=("display", "colour")),  # a preheader
        HtmlFacts(hidden_chars=9_000, hidden_by=("display",)),  # a second layout for telephones
        HtmlFacts(hidden_chars=0),
    ],
)
def test_what_newsletters_do(html: HtmlFacts) -> None:
    assert ask(HiddenText(), mail(text="News " * 200, html=html)).score is None


def test_words_split_by_invisible_characters() -> None:
    assert odds_of(HiddenText(), mail(text="Your P\u200ba\u200by\u200bP\u200bal account")) > 0.85
    assert odds_of(HiddenText(), mail(subject="V\u2060e\u2060r\u2060ify")) > 0.85


@pytest.mark.parametrize(
    "text",
    [
        "Donau\u00addampf\u00adschiff\u00adfahrt\u00ads\u00adgesellschaft",
        "می\u200cخواهم می\u200cروم خانه\u200cها",
        "👨\u200d👩\u200d👧 क्\u200dष क्\u200dष क्\u200dष",
    ],
)
def test_honest_typography(text: str) -> None:
    assert ask(HiddenText(), mail(text=text)).score is None
