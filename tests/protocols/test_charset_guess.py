"""The guess of a charset on sentences of many languages."""

import pytest

from wardline.protocols import charset_guess

SENTENCES = {
    "koi8-r": "Здравствуйте, приглашаем вас на семинар по налогам",
    "cp1251": "Здравствуйте, приглашаем вас на семинар по налогам",
    "shift_jis": "こんにちは、無料のお知らせです。日本語のメール",
    "euc-jp": "こんにちは、無料のお知らせです。日本語のメール",
    "iso-2022-jp": "こんにちは、無料のお知らせです",
    "gb18030": "您好，我公司有发票可以开，请联系电话",
    "big5": "您好，我們公司的產品價格，請聯系電話",
    "euc-kr": "안녕하세요, 무료 광고입니다. 지금 확인하세요",
    "cp1252": "Déjà vu à la carte, où êtes-vous allé cet été",
    "cp1253": "Καλημέρα σας, αυτό είναι ένα μήνυμα",
    "cp1256": "مرحبا بكم في هذا الاختبار من الرسائل",
    "cp874": "สวัสดีครับ นี่คือการทดสอบข้อความ",
    "cp1250": "Zażółć gęślą jaźń, to jest wiadomość",
}


@pytest.mark.parametrize("name", SENTENCES)
def test_sentences_are_read_back(name):
    data = SENTENCES[name].encode(name)
    assert data.decode(charset_guess.guess(data), "replace") == SENTENCES[name]


def test_markup_around_the_text_does_not_matter():
    text = "<table width=100% border=0 cellspacing=0><tr><td class=headline>" * 8 + SENTENCES["gb18030"]
    assert charset_guess.guess(text.encode("gb18030")) == "gb18030"


def test_utf16_without_a_mark():
    assert charset_guess.guess("hello world".encode("utf-16-le")) == "utf-16-le"
    assert charset_guess.guess("hello world".encode("utf-16-be")) == "utf-16-be"


@pytest.mark.parametrize("data", [b"", b"\xff", b"\x80" * 5000, bytes(range(256)), b"\n\xe9"])
def test_anything_gives_a_codec(data):
    data.decode(charset_guess.guess(data), "replace")
