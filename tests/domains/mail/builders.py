"""Messages for the tests of detectors: honest ones of many kinds, and the pieces from which a test builds a bad one.

mail(subject="Hello", text="…", links=[link("https://shop.example.com/", text="our shop")])
GOOD["newsletter"]      # Mail structs that every detector must leave alone
ask(Gtube(), message)   # measure, then judge, as the engine does
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from wardline.domains.mail.events import Address, Attachment, Envelope, Hop, HtmlFacts, Link, Mail
from wardline.engine.detector import Detector
from wardline.engine.feature import Value
from wardline.engine.signal import Signal
from wardline.protocols import url as urls

NOON = datetime(2025, 3, 4, 12, 0, tzinfo=UTC)


def address(text: str, display: str = "") -> Address:
    """A mailbox: address("a@example.com", "Anna")."""
    return Address(display=display, address=text.lower(), domain=text.rpartition("@")[2].lower())


def link(url: str, text: str = "", origin: str = "anchor", hidden: bool = False) -> Link:
    """A link as intake makes it."""
    parsed = urls.parse(url) or urls.Url(url)
    return Link(
        url=url,
        scheme=parsed.scheme,
        host=parsed.host,
        registrable=parsed.registrable,
        port=parsed.port,
        userinfo=parsed.userinfo,
        path=parsed.path,
        text=text,
        origin=origin,
        hidden=hidden,
    )


def mail(
    *,
    subject: str = "Lunch",
    text: str = "Shall we meet at noon?",
    sender: Address | None = None,
    to: tuple[Address, ...] | None = None,
    links: tuple[Link, ...] | list[Link] = (),
    headers: tuple[tuple[str, str], ...] = (),
    envelope: Envelope | None = None,
    **more: Any,
) -> Mail:
    """A complete, honest message; give what differs. `headers` are added to the usual ones."""
    sender = sender if sender is not None else address("anna@example.com", "Anna Example")
    to = to if to is not None else (address("bela@example.net", "Béla"),)
    envelope = envelope or Envelope(
        client_ip="192.0.2.25",
        client_name="mx.example.com",
        helo="mx.example.com",
        mail_from=sender.address,
        recipients=("bela@example.net",),
    )
    date = more.pop("date", NOON)
    message_id = more.pop("message_id", "<20250304.1@example.com>")
    received = more.pop(
        "received",
        (
            Hop(
                from_name="mx.example.com",
                helo="mx.example.com",
                ip="192.0.2.25",
                by_name="mx.example.net",
                protocol="ESMTPS",
                at=NOON + timedelta(seconds=4),
            ),
            Hop(
                from_name="laptop",
                helo="laptop",
                ip="198.51.100.7",
                by_name="mx.example.com",
                protocol="ESMTPSA",
                at=NOON + timedelta(seconds=2),
            ),
        ),
    )
    usual = [
        ("From", f"{sender.display} <{sender.address}>"),
        ("To", ", ".join(f"{each.display} <{each.address}>" for each in to)),
        ("Subject", subject),
    ]
    if date is not None:
        usual.append(("Date", date.strftime("%a, %d %b %Y %H:%M:%S +0000")))
    if message_id:
        usual.append(("Message-ID", message_id))
    values: dict[str, Any] = {
        "envelope": envelope,
        "raw": b"",
        "size_bytes": 500 + len(text),
        "fingerprint": "0" * 32,
        "headers": (*usual, *headers),
        "subject": subject,
        "sender": sender,
        "senders": 1,
        "to": to,
        "date": date,
        "message_id": message_id,
        "received": received,
        "structure": "plain",
        "visible_text": text,
        "links": tuple(links),
        "language": "latin",
    }
    return Mail(**{**values, **more})


def ask(detector: Detector[Mail], message: Mail, known: Mapping[str, Value] | None = None) -> Signal:
    """What the engine does with one detector: measure, store, judge."""
    values = {"mail.limits": [*message.limits], "mail.defects": [*message.defects], "mail.size_bytes": message.size_bytes, **(known or {})}
    return detector.judge({**values, **detector.measure(message, values)})


def odds_of(detector: Detector[Mail], message: Mail, known: Mapping[str, Value] | None = None) -> float:
    """The score, with silence as 0.5."""
    score = ask(detector, message, known).score
    return 0.5 if score is None else score


_UNSUBSCRIBE = (("List-Unsubscribe", "<https://news.example.org/u/8f3a>"), ("List-Id", "<news.example.org>"), ("Precedence", "bulk"))


def newsletter() -> Mail:
    """HTML and plain text, tracked links of a sending service, a preheader that is hidden, an unsubscribe link."""
    return mail(
        subject="Spring at the garden shop: seeds, soil and a workshop",
        sender=address("news@garden.example.org", "Garden Shop"),
        envelope=Envelope(
            client_ip="203.0.113.9",
            client_name="out9.mailer.example",
            helo="out9.mailer.example",
            mail_from="bounce-77@mailer.example",
            recipients=("bela@example.net",),
        ),
        text="Spring is here. This week 20% off all seeds, free delivery from 50 EUR. Workshop on Saturday: register now, places are limited. "
        "You receive this mail because you subscribed at garden.example.org. Unsubscribe | View in browser | Privacy " * 2,
        hidden_text="Seeds, soil and a workshop on Saturday",
        html=HtmlFacts(parts=1, tags=240, images=9, remote_images=9, hidden_chars=38, hidden_by=("display",), max_depth=14),
        structure="alternative(plain,html)",
        headers=_UNSUBSCRIBE,
        links=[
            link("https://click.mailer.example/c/8f3a/1", "Shop now"),
            link("https://click.mailer.example/c/8f3a/2", "www.garden.example.org"),
            link("https://click.mailer.example/c/8f3a/3", "Register"),
            link("https://img.mailer.example/p/logo.png", origin="image"),
            link("https://garden.example.org/unsubscribe?id=YmVsYQ", "Unsubscribe"),
        ],
    )


def receipt() -> Mail:
    """An order confirmation with an amount and a PDF."""
    return mail(
        subject="Your receipt for order 20250304-118",
        sender=address("orders@books.example.com", "Example Books"),
        text="Thank you for your order. Total: 1,249.00 EUR, paid by credit card ending in 0000. Your invoice is attached. Track your parcel in your account.",
        structure="mixed(alternative(plain,html),pdf)",
        html=HtmlFacts(parts=1, tags=80, images=2, remote_images=2, max_depth=9),
        attachments=(
            Attachment(name="invoice-118.pdf", content_type="application/pdf", detected_type="application/pdf", size_bytes=48_211),
        ),
        links=[link("https://books.example.com/account/orders/118", "Track your parcel")],
    )


def password_reset() -> Mail:
    """A real one: asked for, leads to the sender's own site, asks for nothing in the mail."""
    return mail(
        subject="Reset your password",
        sender=address("no-reply@forum.example.org", "Example Forum"),
        text="Somebody asked to reset the password of your account at Example Forum. If it was you, follow this link within 24 hours. "
        "If you did not ask for it, ignore this message; your password stays as it is.",
        links=[link("https://forum.example.org/reset/9f8e7d6c5b4a", "Reset password")],
    )


def list_patch() -> Mail:
    """A patch on a mailing list: code, odd words, a From of another domain than the list's server, List-* headers."""
    return mail(
        subject="[PATCH v3 2/7] net: drop the unused argument of parse_host()",
        sender=address("dev@kernel.example.com", "Dee Veloper"),
        to=(address("users@lists.example.org"),),
        envelope=Envelope(
            client_ip="198.51.100.40",
            client_name="lists.example.org",
            helo="lists.example.org",
            mail_from="users-bounces@lists.example.org",
            recipients=("bela@example.net",),
        ),
        text="From: Dee Veloper\n\nThe argument was never read.\n\n---\n net/host.c | 4 ++--\n 1 file changed\n\ndiff --git a/net/host.c b/net/host.c\n"
        "-static int parse_host(const char *s, int flags)\n+static int parse_host(const char *s)\n http://192.0.2.80:8080/test is what I used.\n",
        headers=(
            ("List-Id", "<users.lists.example.org>"),
            ("List-Unsubscribe", "<mailto:users-leave@lists.example.org>"),
            ("Precedence", "list"),
            ("Reply-To", "users@lists.example.org"),
        ),
        reply_to=(address("users@lists.example.org"),),
        links=[link("http://192.0.2.80:8080/test", origin="text")],
    )


def calendar_invite() -> Mail:
    """An invitation of a calendar server."""
    return mail(
        subject="Invitation: planning @ Tue 11 Mar 2025 10:00",
        text="You have been invited to: planning. When: Tue 11 Mar 2025 10:00-11:00. Join: https://meet.example.com/abc-defg-hij",
        structure="mixed(alternative(plain,html,calendar),calendar)",
        links=[link("https://meet.example.com/abc-defg-hij", "https://meet.example.com/abc-defg-hij")],
        attachments=(Attachment(name="invite.ics", content_type="text/calendar", detected_type="text/calendar", size_bytes=1_800),),
        headers=(("Sender", "calendar@example.com"),),
        sender_header=address("calendar@example.com"),
    )


def own_bounce() -> Mail:
    """A delivery report about mail that we did send: it quotes our Message-ID."""
    return mail(
        subject="Undelivered Mail Returned to Sender",
        sender=address("mailer-daemon@mx.example.com", "Mail Delivery System"),
        envelope=Envelope(
            client_ip="192.0.2.25", client_name="mx.example.com", helo="mx.example.com", mail_from="", recipients=("bela@example.net",)
        ),
        text="This is the mail system at host mx.example.com. I'm sorry to have to inform you that your message could not be delivered: user unknown. "
        "Message-ID: <20250303.77@example.net>",
        structure="report(plain,delivery-status,rfc822)",
        headers=(("Content-Type", "multipart/report; report-type=delivery-status; boundary=x"), ("Auto-Submitted", "auto-replied")),
    )


def statement() -> Mail:
    """A service mail with serious words: storage almost full, sign-in noticed; it links to its own site only."""
    return mail(
        subject="New sign-in to your Example Cloud account",
        sender=address("security@cloud.example.com", "Example Cloud"),
        text="We noticed a new sign-in to your account from a new device. If this was you, you need to do nothing. "
        "If not, review your account activity at cloud.example.com. Your storage is 80% full.",
        links=[link("https://cloud.example.com/activity", "Review activity"), link("https://cloud.example.com/help", "Help")],
    )


FOREIGN: dict[str, tuple[str, str, str]] = {
    "de": (
        "Grüße aus dem Urlaub",
        "Liebe Oma, uns geht es gut, das Wetter ist schön. Am Sonntag kommen wir zurück und bringen dir Käse mit. Das Geld für die Karten überweise ich dir am Montag.",
        "latin",
    ),
    "fr": (
        "Réunion de mardi",
        "Bonjour à tous, la réunion aura lieu mardi à 14 heures. Merci de confirmer votre présence. Le compte rendu de la banque est en pièce jointe.",
        "latin",
    ),
    "es": (
        "Fotos de la boda",
        "Hola, te mando las fotos de la boda de mi prima. El domingo comemos en casa de mamá, confirma si vienes.",
        "latin",
    ),
    "pt": ("Relatório da escola", "Boa tarde, segue o relatório da escola. A reunião de pais é na quinta-feira às 18h.", "latin"),
    "pl": ("Spotkanie w sobotę", "Cześć, czy możemy się spotkać w sobotę o dziesiątej? Przyniosę książki, które ci obiecałem.", "latin"),
    "tr": ("Doğum günü", "Merhaba, cumartesi günü Ayşe'nin doğum günü var. Saat yedide bizde buluşuyoruz, hediye almayı unutma.", "latin"),
    "vi": ("Lịch học", "Chào bạn, lịch học tuần sau đã thay đổi. Chúng ta học vào thứ ba lúc 8 giờ sáng.", "latin"),
    "ru": (
        "Билеты на поезд",
        "Привет! Билеты на поезд купил, выезжаем в пятницу вечером. Деньги отдашь потом, не срочно. Мама передаёт привет.",
        "cyrillic",
    ),
    "uk": ("Зустріч", "Добрий день! Нагадую, що збори мешканців будинку відбудуться у середу о 19:00.", "cyrillic"),
    "el": ("Συνάντηση", "Καλημέρα σας, η συνάντηση μεταφέρθηκε για την Πέμπτη στις δέκα. Ευχαριστώ πολύ.", "greek"),
    "he": ("ארוחת ערב", "שלום, נפגשים אצלנו ביום שישי לארוחת ערב. תביאו משהו מתוק. להתראות", "hebrew"),
    "ar": ("موعد الاجتماع", "السلام عليكم، تم تأجيل الاجتماع إلى يوم الخميس الساعة العاشرة صباحا. مع التحية", "arabic"),
    "hi": ("शादी का निमंत्रण", "नमस्ते, अगले रविवार को घर पर पूजा है। आप सब परिवार के साथ ज़रूर आइए।", "devanagari"),
    "th": ("นัดประชุม", "สวัสดีครับ พรุ่งนี้ประชุมเวลาเก้าโมงเช้า ที่ห้องประชุมใหญ่ชั้นสาม ขอบคุณครับ", "thai"),
    "zh": ("周末聚餐", "大家好,这个周末我们在老地方聚餐,时间是周六晚上六点。请告诉我你能不能来。", "han"),
    "ja": ("会議の件", "お世話になっております。来週の会議は火曜日の午後二時からに変更になりました。よろしくお願いいたします。", "kana"),
    "ko": ("저녁 약속", "안녕하세요, 토요일 저녁 약속 장소가 바뀌었습니다. 여섯 시에 역 앞에서 만나요.", "hangul"),
}


def private_mail(language: str) -> Mail:
    """A short private message in one of the languages of FOREIGN."""
    subject, text, script = FOREIGN[language]
    return mail(subject=subject, text=text, language=script, visible_text=text)


GOOD: dict[str, Mail] = {
    "plain": mail(),
    "newsletter": newsletter(),
    "receipt": receipt(),
    "password_reset": password_reset(),
    "list_patch": list_patch(),
    "calendar_invite": calendar_invite(),
    "own_bounce": own_bounce(),
    "statement": statement(),
    **{f"private_{language}": private_mail(language) for language in FOREIGN},
}
