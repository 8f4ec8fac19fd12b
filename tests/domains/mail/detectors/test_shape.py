"""shape: the learned head leads; oddities speak alone only when there are several."""

import pytest

from tests.domains.mail.builders import ask, link, mail
from wardline.domains.mail.detectors.shape import Shape
from wardline.domains.mail.events import Attachment, HtmlFacts, Mail

PICTURE = mail(text="Click", links=[link("https://shop.example/x")], html=HtmlFacts(parts=1, tags=5, images=1, remote_images=1))


@pytest.mark.parametrize(
    ("message", "cue"),
    [
        (PICTURE, "image_only"),
        (mail(text="http://a.example/", links=[link("http://a.example/", origin="text")]), "link_only"),
        (mail(subject="CHEAP WATCHES TODAY"), "shouting"),
        (mail(subject="Cheap watches today          kx81jq"), "padded_subject"),
        (mail(html=HtmlFacts(tags=60, broken_tags=40)), "broken_html"),
    ],
)
def test_oddities_are_found(message: Mail, cue: str) -> None:
    assert cue in (Shape().measure(message, {})["shape.oddities"] or [])  # type: ignore[operator]


def test_one_weak_oddity_is_silent_and_a_picture_mail_is_not() -> None:
    assert ask(Shape(), mail(subject="CHEAP WATCHES TODAY")).score is None
    signal = ask(Shape(), PICTURE)
    assert signal.score is not None and 0.6 < signal.score < 0.85


def test_the_learned_head_leads() -> None:
    signal = ask(Shape(), PICTURE, {"shape.log_odds": -4.0})
    assert signal.score is not None and signal.score < 0.1
    signal = ask(Shape(), mail(), {"shape.log_odds": 3.0})
    assert signal.score is not None and signal.score > 0.9


def test_no_trust_for_what_was_not_read() -> None:
    assert ask(Shape(), mail(limits=("parts",)), {"shape.log_odds": -4.0}).score is None


def test_photographs_that_are_attached_are_no_picture_mail() -> None:
    album = mail(
        text="Us at the sea",
        links=[link("https://photos.example/")],
        attachments=(Attachment(name="a.jpg"),),
        html=HtmlFacts(remote_images=1),
    )
    assert ask(Shape(), album).score is None
