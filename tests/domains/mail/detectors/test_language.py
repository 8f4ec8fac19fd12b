"""language: mixed alphabets inside words; never a language."""

import pytest

from tests.domains.mail.builders import FOREIGN, address, ask, mail, odds_of, private_mail
from wardline.domains.mail.detectors.language import Language, mixed


def test_look_alikes_inside_words() -> None:
    assert odds_of(Language(), mail(subject="Your Pаyраl account")) > 0.85
    assert odds_of(Language(), mail(sender=address("x@example.org", "Miсrоsoft"))) > 0.85
    assert odds_of(Language(), mail(text="Vеrify yоur аccount nоw, yоur mаilbox is full")) > 0.8


def test_one_slip_in_a_text_is_forgiven() -> None:
    assert ask(Language(), mail(text="the wоrd")).score is None


def test_decorated_subjects() -> None:
    score = odds_of(Language(), mail(subject="𝗕𝗶𝗴 𝗦𝗮𝗹𝗲"))
    assert 0.6 < score < 0.8


@pytest.mark.parametrize("language", sorted(FOREIGN))
def test_every_language_is_welcome(language: str) -> None:
    assert ask(Language(), private_mail(language)).score is None


@pytest.mark.parametrize(
    "text",
    [
        "USB-кабель и Wi-Fi роутер",
        "SMSка от PDFки",
        "5 µm и 10 kΩ, α-Strahlung, β-Version",
        "iPhone ve Türkçe",
        "Ἀθῆναι and Athens",
        "日本語とEnglishの混在",
    ],
)
def test_scripts_that_people_join(text: str) -> None:
    assert mixed(text) == 0


def test_counting_is_bounded() -> None:
    assert mixed("aаa " * 20_000) == 1_000
