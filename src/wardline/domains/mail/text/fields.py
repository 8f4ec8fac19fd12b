"""Which bytes of a message the text models read, field by field.

    texts(mail)["visible"]    b"dear customer please verify your account at ..."     folded, punctuation gone
    texts(mail)["head"]       b"Subject: Dear customer\nFrom: ..."                    header fields that a sender wrote
    texts(mail)["body"]       b"<html><body>Dear ..."                                 the body as it travelled, undecoded
    texts(mail)["shape"]      b"From>To>Subject>Date\nMessage-ID <0a0A@a.a>\n..."     no words: names, order, forms, counts

Every field is bounded: its head and its tail are read, so that filling the one does not hide the other. What only a filter, a list archive or
the receiving side writes into a message carries no weight: `carries_weight` is the one place where that is decided. Trace fields (Received,
RFC 5321 §4.4) are left out too, since the receiving side's own are among them and cannot be told apart for certain.
"""

import functools
import re

from wardline.domains.mail.events import Mail
from wardline.domains.mail.squeeze import squeeze
from wardline.protocols.unicode import fold

HEAD_BYTES = 3000
VALUE_BYTES = 600
BODY_BYTES = 3000
BODY_TAIL_BYTES = 1000
VISIBLE_CHARS = 3000
VISIBLE_TAIL_CHARS = 1000

# What filters, list managers, mailbox stores and relays on the receiving side write (RFC 2919, 2369, 4021, 5321, 8601; the rest by usage).
_NAMES = """
    received envelope-to x-envelope-to x-envelope-from x-delivered-to x-mailing-list x-authentication-warning x-sender-ip x-uuid x-miltered x-sieve
    x-mozilla-status x-mozilla-status2 x-account-key x-trace x-evolution x-evolution-source x-ham-report x-abuse x-archived-at archived-at sender
"""
_BEGINNINGS = """
    return-path old-return-path delivered-to x-original-to authentication-results received-spf precedence errors-to status x-status x-keywords x-uid
    content-length lines x-loop x-beenthere x-topics x-content-filtered x-received x-originatororg
    x-spam x-crm114 x-bogosity x-va-spam x-virus x-ms- x-microsoft x-forefront x-sid- x-eop x-incoming x-message- arc- x-google- x-gm-
    x-mailman list- x-pyzor x-dspam x-dcc x-greylist x-rspamd x-barracuda x-proofpoint x-pm- x-antispam x-amavis x-wardline x-rc- resent-
    x-clamav x-scanned x-mimedefang x-sophos x-assp x-cam- x-ironport x-mailscanner x-antivirus x-avg- x-kaspersky x-policyd x-dkim-
    x-bayes x-gmail- x-yahoofilteredbulk x-cmae x-cloudmark x-vr- x-ovh- x-tm-as x-fe- x-cisco
"""
_NO_WEIGHT = frozenset(_NAMES.split())
_NO_WEIGHT_BEGINNING = tuple(_BEGINNINGS.split())
_FORM_OF = frozenset(("message-id", "date"))
_WORD_OF = frozenset(("content-type", "mime-version", "x-mailer", "user-agent", "content-transfer-encoding"))
# The form of a value: letters and digits become one sign each.
_FORM = bytes(65 if 65 <= byte <= 90 else 97 if 97 <= byte <= 122 else 48 if 48 <= byte <= 57 else byte for byte in range(256))
_SUBJECT_MARK = re.compile(r"^\s*\[SPAM\]\s*", re.IGNORECASE)
# Letters, digits, bytes beyond ASCII and the signs that sell things stay; everything else is a space.
_PLAIN = bytes(byte if chr(byte).isalnum() or byte >= 128 or chr(byte) in "$!%" else 32 for byte in range(256))


@functools.lru_cache(maxsize=2048)
def carries_weight(name: str) -> bool:
    """Whether the sender's side writes header fields of this name, so that a model may learn from them."""
    lower = name.strip().lower()
    return lower not in _NO_WEIGHT and not lower.startswith(_NO_WEIGHT_BEGINNING)


def _unmarked(subject: str) -> str:
    """The subject without the mark that another filter put before it."""
    return _SUBJECT_MARK.sub("", subject)


def texts(mail: Mail) -> dict[str, bytes]:
    """The fields of a message. Never raises."""
    kept = [(name, value) for name, value in mail.headers if carries_weight(name)]
    return {
        "head": head_text(kept),
        "body": body_text(mail.raw),
        "visible": visible_text(mail),
        "shape": shape_text(mail, kept),
        "personal": personal_text(mail),
    }


def head_text(kept: list[tuple[str, str]]) -> bytes:
    """The header as its sender wrote it, decoded: "Name: value" lines."""
    lines, left = [], HEAD_BYTES
    for name, value in kept:
        if name.lower() == "subject":
            value = _unmarked(value)
        line = f"{name[:80]}: {value[:VALUE_BYTES]}\n".encode("utf-8", "replace")
        lines.append(line)
        left -= len(line)
        if left <= 0:
            break
    return b"".join(lines)[:HEAD_BYTES]


def body_text(raw: bytes) -> bytes:
    """The body as it travelled, head and tail; all of it for what has no header."""
    return _clip(raw, _body_start(raw), BODY_BYTES, BODY_TAIL_BYTES).replace(b"\r\n", b"\n")


def _body_start(raw: bytes) -> int:
    lf = raw.find(b"\n\n")
    crlf = raw.find(b"\r\n\r\n", 0, lf if lf >= 0 else len(raw))
    return crlf + 4 if crlf >= 0 else lf + 2 if lf >= 0 else 0


def _clip(data: bytes, start: int, head: int, tail: int) -> bytes:
    if len(data) - start <= head + tail:
        return data[start:]
    return data[start : start + head] + b"\0" + data[-tail:]


def _clip_text(text: str, head: int, tail: int) -> str:
    return text if len(text) <= head + tail else f"{text[:head]}\0{text[-tail:]}"


def visible_text(mail: Mail) -> bytes:
    """Subject and text as a person reads them, folded (Unicode compatibility, look-alikes, case, invisible characters) and without punctuation."""
    folded = fold(_clip_text(mail.visible_text, VISIBLE_CHARS, VISIBLE_TAIL_CHARS))
    return b" %b " % squeeze(folded.encode("utf-8", "replace"), _PLAIN)


def shape_text(mail: Mail, kept: list[tuple[str, str]]) -> bytes:
    """How the message is built, without its words: which fields in which order and case, the forms of ids and dates, the MIME tree, counts."""
    lines = [">".join([name[:40] for name, _value in kept[:60]])]
    for name, value in kept[:60]:
        if name.lower() in _WORD_OF:
            lines.append(f"{name[:40]} {value[:60]}")
        elif name.lower() in _FORM_OF:
            lines.append(f"{name[:40]} {_form(value[:60])}")
    facts, links = mail.html, [link for link in mail.links if link.origin != "header"]
    subject = _unmarked(mail.subject)
    lines += [
        f"<{mail.structure}>",
        f"=to={_size(len(mail.to))}=cc={_size(len(mail.cc))}=links={_size(len(links))}=files={_size(len(mail.attachments))}",
        f"=tags={_size(facts.tags)}=images={_size(facts.images)}=remote={_size(facts.remote_images)}=forms={_size(facts.forms)}",
        f"=text={_size(len(mail.visible_text))}=hidden={_size(len(mail.hidden_text))}=subject={_size(len(subject))}",
        f"=size={_size(len(mail.raw) - _body_start(mail.raw))}=",
        *[f"!{word}!" for word in (*mail.defects[:20], *mail.limits[:20], *facts.hidden_by)],
        *[f"@{item.detected_type or item.content_type}@"[:60] for item in mail.attachments[:10]],
        f"~{mail.language}~ {'reply' if mail.reply_to else 'none'} {'date' if mail.date else 'undated'}",
    ]
    return "\n".join(lines).encode("utf-8", "replace")[:HEAD_BYTES]


def _size(count: int) -> str:
    """The order of magnitude of a count: its number of binary digits."""
    return f"{min(count, 1 << 20).bit_length():02d}"


def _form(value: str) -> str:
    """Which kinds of characters stand where."""
    return value.encode("utf-8", "replace").translate(_FORM).decode("utf-8", "replace")


def personal_text(mail: Mail) -> bytes:
    """What one person's wishes hang on: who writes, and about what."""
    sender = mail.sender
    return f"{sender.address[:120]}|{sender.domain[:120]}|{fold(sender.display[:80])}|{fold(_unmarked(mail.subject)[:120])}".encode(
        "utf-8", "replace"
    )
