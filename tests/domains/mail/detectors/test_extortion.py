"""extortion: threats with a demand; wallets by checksum; honest talk of bitcoin."""

import hashlib

import pytest

from tests.domains.mail.builders import ask, mail, odds_of
from wardline.domains.mail.detectors.extortion import _BASE58, Extortion, base58check, bech32, names_wallet


def wallet() -> str:
    """An address of no key: the hash is twenty bytes of 7."""
    body = b"\0" + b"\7" * 20
    number = int.from_bytes(body + hashlib.sha256(hashlib.sha256(body).digest()).digest()[:4], "big")
    text = ""
    while number:
        number, digit = divmod(number, 58)
        text = _BASE58[digit] + text
    return "1" + text


LETTERS = {
    "en": "I hacked your device and recorded you through your webcam on adult sites. Pay 900 USD in bitcoin within 48 hours or I send the video to all your contacts.",
    "de": "Ich habe Ihr Konto gehackt und über deine Webcam ein Video von dir gemacht. 48 Stunden für Bitcoin, sonst geht es an alle deine Kontakte.",
    "fr": "J'ai piraté votre appareil, votre webcam vous a filmé. 48 heures pour payer en bitcoin, sinon la vidéo ira à tous vos contacts.",
    "es": "He hackeado tu equipo y te grabé con tu cámara. Paga en bitcoin en 48 horas o lo envío a todos tus contactos.",
    "pt": "Hackeei o seu aparelho e gravei você pela sua webcam. Pague em bitcoin em 48 horas ou envio para todos os seus contatos.",
    "it": "Ho hackerato il dispositivo e ti ho filmato con la tua webcam. Paga in bitcoin entro 48 ore o lo mando a tutti i tuoi contatti.",
    "nl": "Ik heb je apparaat gehackt en je webcam gebruikt. Betaal bitcoin binnen 48 uur of het gaat naar al je contacten.",
    "pl": "Zhakowałem urządzenie, nagrałem cię. Zapłać bitcoin, 48 godzin, albo wyślę do wszystkich twoich kontaktów.",
    "ru": "Я взломал ваше устройство и записал видео с вами. Оплатите биткоин, 48 часов, иначе разошлю вашим друзьям.",
    "tr": "Cihazınızı hackledim, web kameranızdan videonuzu kaydettim. 48 saat içinde bitcoin ödeyin yoksa yayınlayacağım.",
    "zh": "我入侵了您的设备，并通过您的摄像头录制了你。48小时内支付比特币，否则发送给您的所有联系人。",
    "ja": "あなたのデバイスをハッキングし、ウェブカメラで録画しました。48時間以内にビットコインを支払わなければ、すべての連絡先に公開します。",
    "ko": "당신의 기기를 해킹했고 웹캠으로 녹화했습니다. 48시간 안에 비트코인을 보내지 않으면 모든 연락처에 유포하겠습니다.",
    "ar": "لقد اخترقت جهازك و قمت بتسجيل فيديو لك عبر كاميرا الويب. ادفع بيتكوين خلال 48 ساعة وإلا سأنشر إلى جميع جهات الاتصال",
}


@pytest.mark.parametrize("language", sorted(LETTERS))
def test_letters_of_all_languages(language: str) -> None:
    signal = ask(Extortion(), mail(text=LETTERS[language]))
    assert signal.score is not None and signal.score > 0.8


def test_a_wallet_makes_it_surer() -> None:
    text = "I recorded you. 48 hours. Your friends and relatives will see it."
    assert odds_of(Extortion(), mail(text=f"{text} {wallet()}")) > odds_of(Extortion(), mail(text=text)) + 0.1


@pytest.mark.parametrize(
    "text",
    [
        f"Donations are welcome in bitcoin: {wallet()}",
        "Bitcoin fell by 5% within 24 hours; my wallet is sad.",
        "The camera of your device needs an update. You have 2 days to try the offer.",
        "A leak in the kitchen; the plumber comes in two days.",
        "Die Polizei sucht Zeugen, das Video wurde veröffentlicht.",
        "Warning: letters that claim that somebody recorded you through your webcam are on the rise. Do not pay.",
    ],
)
def test_honest(text: str) -> None:
    assert ask(Extortion(), mail(text=text)).score is None


def test_wallets_are_known_by_their_checksum() -> None:
    good = wallet()
    assert base58check(good) and names_wallet(f"pay to {good}.")
    assert not base58check(good[:-1] + ("2" if good[-1] != "2" else "3"))
    assert bech32("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4")  # BIP 173 test vector
    assert not bech32("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5")
    assert not bech32("bc1") and not bech32("Bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4")


@pytest.mark.parametrize(
    "text",
    ["1" * 34, "https://a.example/tx/" + "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2", "commit 3b18e512dba79e4c8300dd08aeb37f8e728b8dad", ""],
)
def test_other_words_are_no_wallets(text: str) -> None:
    assert not names_wallet(text)
