"""credential: prompts with a way to follow them, in many languages; honest service mail."""

import pytest

from tests.domains.mail.builders import GOOD, address, ask, link, mail, odds_of
from wardline.domains.mail.detectors.credential import Credential
from wardline.domains.mail.events import Attachment, HtmlFacts
from wardline.domains.mail.lexicon import load

LETTERS = {
    "en": "Your mailbox is full and will be deactivated. Verify your account within 24 hours.",
    "de": "Ihr Postfach ist voll und wird deaktiviert. Bitte Konto bestätigen innerhalb von 24 Stunden.",
    "fr": "Votre boîte mail est pleine et votre compte sera suspendu. Vérifiez votre compte dans les 24 heures.",
    "es": "Su buzón está lleno y su cuenta será bloqueada. Verifique su cuenta en 24 horas.",
    "pt": "Sua caixa de entrada está cheia e sua conta será bloqueada. Verifique sua conta em 24 horas.",
    "it": "La tua casella di posta è piena e sarà disattivato. Verifica il tuo account entro 24 ore.",
    "nl": "Uw mailbox is vol en uw account wordt geblokkeerd. Bevestig uw gegevens binnen 24 uur.",
    "pl": "Twoja skrzynka jest pełna, konto zostanie zablokowane. Zweryfikuj swoje konto w ciągu 24 godzin.",
    "ru": "Ваш почтовый ящик переполнен и будет заблокирован. Подтвердите данные в течение 24 часов.",
    "tr": "Posta kutunuz dolu, hesabınız kapatılacaktır. Hesabınızı doğrulayın, 24 saat içinde.",
    "zh": "您的邮箱已满，账户将被停用。请在24小时内验证您的邮箱。",
    "ja": "メールボックスがいっぱいです。アカウントが停止されます。24時間以内に本人確認をしてください。",
    "ko": "메일함이 가득 찼습니다. 계정이 정지됩니다. 24시간 이내에 계정을 확인하세요.",
    "ar": "صندوق البريد ممتلئ و سيتم إغلاق حسابك. تحقق من حسابك خلال 24 ساعة",
}
AWAY = link("https://portal.example/login", "Sign in")


@pytest.mark.parametrize("language", sorted(LETTERS))
def test_letters_of_all_languages(language: str) -> None:
    assert odds_of(Credential(), mail(text=LETTERS[language], links=[AWAY])) > 0.8


def test_the_lexicon_knows_at_least_fourteen_languages() -> None:
    assert load("credential").languages >= set(LETTERS)


def test_words_without_a_way_to_follow_them_are_silent() -> None:
    assert ask(Credential(), mail(text=LETTERS["en"])).score is None


def test_a_form_is_worse_than_a_link_and_an_attached_page_is_a_way() -> None:
    text = "Your password will expire. Confirm your password."
    form = mail(text=text, html=HtmlFacts(forms=1, password_inputs=1))
    page = mail(text=text, attachments=(Attachment(name="a.html", flags=("html", "html_form")),))
    assert odds_of(Credential(), form) > odds_of(Credential(), mail(text=text, links=[link("https://example.com/")]))
    assert odds_of(Credential(), page) > 0.7


def test_answers_to_a_stranger() -> None:
    report = link("mailto:report@other.example?subject=unusual", "Report the user")
    assert odds_of(Credential(), mail(text="Unusual sign-in activity was noticed.", links=[report])) > 0.6


@pytest.mark.parametrize("kind", ["password_reset", "statement", "receipt", "newsletter"])
def test_honest_services(kind: str) -> None:
    assert ask(Credential(), GOOD[kind]).score is None


def test_a_proven_service_that_links_to_itself_is_believed() -> None:
    message = mail(
        text="Please verify your email to finish the registration within 24 hours. Payment method: card.",
        sender=address("hello@shop.example.org"),
        links=[link("https://shop.example.org/verify/9", "Verify")],
    )
    assert ask(Credential(), message, {"auth.aligned": True}).score is None
