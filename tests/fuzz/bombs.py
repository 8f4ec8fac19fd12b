"""Messages made to hurt a mail parser, of any size: what the tests, the fuzz loop and the benchmark of intake throw at it.

    for name, raw in bombs(10_000_000): ...        # ("nested_multiparts", b"Content-Type: multipart/mixed; …"), …

Each is written for the project from the weaknesses that mail parsers are known for; `SPAM` is the text that a test looks for behind a cap.
"""

import base64
import random
import zlib
from collections.abc import Callable, Iterator

SPAM = b"Cheap pills at http://spam.example.com/buy today"
_HEAD = b"From: a@example.com\nTo: b@example.net\nSubject: bomb\n"
_MIXED = _HEAD + b"Content-Type: multipart/mixed; boundary=b\n\n"


def _fill(unit: bytes, size: int) -> bytes:
    return unit * (size // len(unit) + 1)


def nested_multiparts(size: int) -> bytes:
    """Containers within containers, the spam in the innermost."""
    levels = max(20, min(size // 120, 100_000))
    opens = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (level, level) for level in range(levels))
    closes = b"".join(b"\n--b%d--\n" % level for level in reversed(range(levels)))
    return _HEAD + opens + b"Content-Type: text/plain\n\n" + SPAM + closes


def nested_same_boundary(size: int) -> bytes:
    """Every container names the boundary of the one around it."""
    return _HEAD + _fill(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n", size) + b"\n" + SPAM


def nested_messages(size: int) -> bytes:
    """message/rfc822 within message/rfc822."""
    return _fill(_HEAD + b"Content-Type: message/rfc822\n\n", size) + b"\n\n" + SPAM


def many_parts(size: int) -> bytes:
    """More parts than anyone reads, the spam in the last."""
    return _MIXED + _fill(b"--b\n\nhello\n", size) + b"--b\n\n" + SPAM + b"\n--b--\n"


def many_html_parts(size: int) -> bytes:
    return _MIXED + _fill(b"--b\nContent-Type: text/html\n\n" + b"<b>x" * 4000 + b"\n", size) + b"--b--\n"


def near_boundaries(size: int) -> bytes:
    """Lines that begin like the delimiter and are none."""
    return _MIXED + _fill(b"--bx\n", size) + b"--b\n\n" + SPAM + b"\n--b--\n"


def dashes(size: int) -> bytes:
    return _HEAD + b'Content-Type: multipart/mixed; boundary="' + b"-" * 69 + b'x"\n\n' + b"\n" + b"-" * size


def newlines(size: int) -> bytes:
    return _HEAD + b"\n" * size + SPAM


def crlf_only(size: int) -> bytes:
    return _HEAD.replace(b"\n", b"\r\n") + b"\r\n" * (size // 2)


def cr_only(size: int) -> bytes:
    return (_HEAD + b"\n" + _fill(SPAM + b"\n", size)).replace(b"\n", b"\r")


def crcrlf(size: int) -> bytes:
    return (_HEAD + b"\n" + _fill(SPAM + b"\n", size)).replace(b"\n", b"\r\r\n")


def nuls(size: int) -> bytes:
    return _HEAD + b"\n" + b"\0" * size


def many_headers(size: int) -> bytes:
    return _fill(b"X-A: b\n", size) + _HEAD + b"\n" + SPAM


def tiny_headers(size: int) -> bytes:
    return _HEAD + _fill(b"a:\n", size) + b"\n" + SPAM


def one_header(size: int) -> bytes:
    return _HEAD + b"X-Long: " + b"x" * size + b"\n\n" + SPAM


def folded_header(size: int) -> bytes:
    return _HEAD + b"X-Folded: a" + b"\n b" * (size // 3) + b"\n\n" + SPAM


def no_header_end(size: int) -> bytes:
    return _HEAD + _fill(b"just some line without a colon\n", size)


def recipients(size: int) -> bytes:
    return (
        b"From: a@example.com\nTo: "
        + b",\n ".join(b"u%d@example.net" % number for number in range(size // 20))
        + b"\nSubject: x\n\n"
        + SPAM
    )


def recipients_one_line(size: int) -> bytes:
    return b"From: a@example.com\nTo: " + _fill(b"<a@b>,", size) + b"\nSubject: x\n\n" + SPAM


def address_marks(size: int) -> bytes:
    """Address fields of one kind of mark each, within the caps on headers."""
    fields = (b"To: ", b"Cc: ", b"From: ", b"Reply-To: ", b"Sender: ", b"Bcc: ")
    units = (b"a,", b"a b, c; ", b"a:", b"<a", b"@,", b"a (b) ", b'"a",', b"<>", b"\\,", b"=?a?q?b?=,", b"a@b ", b"a@")
    return b"".join(fields[at % 6] + _fill(unit, min(size, 120_000) // 12) + b"\n" for at, unit in enumerate(units)) + b"\n" + SPAM


def one_long_word(size: int) -> bytes:
    """Header values of one word without an end: what a search that starts anew at each character chokes on."""
    word = b"x" * (min(size, 120_000) // 6)
    names = (b"To", b"From", b"Received", b"Date", b"Content-Type", b"Subject")
    return b"".join(b"%s: %s\n" % (name, word + b" ,") for name in names) + b"\n" + SPAM


def commas(size: int) -> bytes:
    return b"From: a@example.com\nTo: " + _fill(b"a, ", size) + b"\n\n" + SPAM


def nested_comments(size: int) -> bytes:
    return b"From: a@example.com\nTo: " + b"(" * size + b"\n\n" + SPAM


def quotes(size: int) -> bytes:
    return b'From: "' + b'\\"' * (size // 2) + b"\nTo: " + b'"' * 60000 + b"\n\n" + SPAM


def encoded_words(size: int) -> bytes:
    return b"From: a@example.com\nSubject: " + _fill(b"=?utf-8?q?=61?= ", size) + b"\n\n" + SPAM


def broken_encoded_words(size: int) -> bytes:
    return b"From: a@example.com\nSubject: " + _fill(b"=?utf-8?q?", size) + b"\n" + _fill(b"X-W: =?a?b?c\n", 60000) + b"\n" + SPAM


def many_encoded_headers(size: int) -> bytes:
    return _fill(b"X-W: =?koi8-r?b?/////////////w==?= =?gb2312?q?=FF=FF?=\n", size) + _HEAD + b"\n" + SPAM


def raw_8bit_headers(size: int) -> bytes:
    return _fill(b"X-W: \xff\xfe\xfd\x81\x82\x83\n", size) + _HEAD + b"\n" + SPAM


def continuations(size: int) -> bytes:
    parts = b";".join(b" name*%d*=%%41" % number for number in range(size // 14))
    return _HEAD + b"Content-Type: text/plain;" + parts + b"\n\n" + SPAM


def parameters(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/plain" + _fill(b"; a=b", size) + b"\n\n" + SPAM


def semicolons(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/plain" + b"; " * (size // 2) + b"\nContent-Disposition: x" + b'; a="' * 3000 + b"\n\n" + SPAM


def received(size: int) -> bytes:
    return _fill(b"Received: from a (b [192.0.2.1]) by c with d; Fri, 20 Nov 2026 09:30:00 +0000\n", size) + _HEAD + b"\n" + SPAM


def domains(size: int) -> bytes:
    """Unicode domains, all different, in all address fields."""
    names = (b"To", b"Cc", b"From", b"Reply-To", b"Sender")
    count = min(size // 250, 200)
    lists = [",".join(f"x@ößäüé{at}{number}.ößäüé.example" for number in range(count)).encode() for at in range(5)]
    return b"".join(b"%s: %s\n" % (name, hosts) for name, hosts in zip(names, lists, strict=True)) + b"\n" + SPAM


def link_domains(size: int) -> bytes:
    """Unicode domains, all different, in links."""
    return (
        _HEAD
        + b"Content-Type: text/plain; charset=utf-8\n\n"
        + "".join(f"http://ößäü{number}.example/ " for number in range(size // 30)).encode()
        + SPAM
    )


def base64_part(size: int) -> bytes:
    body = base64.encodebytes(random.Random(1).randbytes(size * 3 // 4))
    return _HEAD + b"Content-Type: application/octet-stream; name=a.bin\nContent-Transfer-Encoding: base64\n\n" + body


def base64_text(size: int) -> bytes:
    body = base64.encodebytes(_fill(b"some words of text \n", size * 3 // 4) + SPAM)
    return _HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + body


def base64_pieces(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + _fill(b"YQ==\n", size)


def base64_blanks(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n" + _fill(b"Y\n Q\t!", size)


def quoted_printable(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n" + _fill(b"=3Ca =3D=\n", size)


def uuencoded(size: int) -> bytes:
    return _HEAD + b"\n" + _fill(b"begin 644 a.txt\nM" + b"A" * 60 + b"\n", size)


def uu_begins(size: int) -> bytes:
    return _HEAD + b"\n" + _fill(b"begin 644 a\n#86)C\nend\n", size)


def odd_charsets(size: int) -> bytes:
    names = (b"koi8-r", b"cp1252", b"gb18030", b"utf-7", b"utf-16", b"iso-2022-jp", b"punycode", b"x-klingon", b"zlib", b"utf-8", b"big5")
    part = b"".join(
        b"--b\nContent-Type: text/plain; charset=%s\n\n" % name + bytes(range(128, 256)) * (size // 30000 + 1) + b"\n" for name in names
    )
    return _MIXED + _fill(part, size) + b"--b--\n"


def utf16_broken(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/plain; charset=utf-16\n\n" + b"\xd8\x00" * (size // 2)


def links(size: int) -> bytes:
    return _HEAD + b"\n" + b"".join(b"http://host%d.example.com/a?b=%d\n" % (number, number) for number in range(size // 36))


def dots(size: int) -> bytes:
    return _HEAD + b"\n" + _fill(b"a.b.c@d.e-f_g.", size)


def one_line_of_text(size: int) -> bytes:
    return _HEAD + b"\n" + b"x" * size + SPAM


def html_tags(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/html\n\n" + _fill(b"<a <b ", size)


def html_nesting(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/html\n\n" + _fill(b"<font color=red><div style='x:y'>", size) + SPAM


def pdf_streams(size: int) -> bytes:
    stream = zlib.compress(b"\0" * 5_000_000, 9)
    body = b"%PDF-1.5\n" + _fill(b"1 0 obj <</Filter/FlateDecode>>stream\r\n" + stream + b"\nendstream\n", size * 3 // 4)
    return _HEAD + b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(body)


def pdf_strings(size: int) -> bytes:
    body = b"%PDF-1.5\n" + _fill(b"/URI(\\(\\", size * 3 // 4)
    return _HEAD + b"Content-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(body)


def zip_members(size: int) -> bytes:
    entry = b"PK\x03\x04" + b"\0" * 22 + b"\1\0\0\0a"
    return (
        _HEAD
        + b"Content-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n"
        + base64.encodebytes(_fill(entry, size * 3 // 4))
    )


def attachments(size: int) -> bytes:
    body = base64.encodebytes(b"PK\x03\x04" + b"a" * 3000)
    part = b"--b\nContent-Type: application/zip; name=a.zip\nContent-Transfer-Encoding: base64\n\n" + body
    return _MIXED + _fill(part, size) + b"--b--\n"


def many_pdfs(size: int) -> bytes:
    """Small documents, each of which inflates to much."""
    stream = zlib.compress(b"\0" * 60_000, 9)
    body = base64.encodebytes(b"%PDF-1.5\n" + (b"1 0 obj <</Filter/FlateDecode>>stream\n" + stream + b"\nendstream\n") * 40)
    part = b"--b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\n" + body
    return _MIXED + _fill(part, size) + b"--b--\n"


def many_message_files(size: int) -> bytes:
    """Attached message files, each full of parts."""
    inner = _HEAD + b"Content-Type: multipart/mixed; boundary=i\n\n" + b"--i\n\nhello\n" * 100 + b"--i--\n"
    return _MIXED + _fill(b"--b\nContent-Type: application/octet-stream; name=a.eml\n\n" + inner, size) + b"--b--\n"


def wide_and_deep(size: int) -> bytes:
    """Many containers at the cap on depth, each of which looks as if it held many parts."""
    opens = b"".join(b"Content-Type: multipart/mixed; boundary=n%d\n\n--n%d\n" % (level, level) for level in range(14))
    wide = b"Content-Type: multipart/mixed; boundary=w\n\n" + (
        b"--w\nContent-Type: multipart/mixed; boundary=z\n\n" + b"--q\nContent-Type: text/plain\n\nx\n" * 60
    )
    return _HEAD + opens + _fill(wide, size)


def unclosed_comments(size: int) -> bytes:
    return _MIXED + _fill(b"--b\nContent-Type: text/html\n\n<!--" + b"<b>x" * 5000 + b"\n", size) + b"--b--\n"


def spaced_delimiters(size: int) -> bytes:
    return _MIXED + _fill(b"--b" + b" " * 5000 + b"\n", size) + b"--b" + b" " * 5000 + b"\n\n" + SPAM + b"\n--b--\n"


def tnef(size: int) -> bytes:
    body = b"\x78\x9f\x3e\x22\0\0" + _fill(b"\1" + b"\x10\x80\x01\0" + b"\1\0\0\0a\0\0", size * 3 // 4)
    return _HEAD + b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(body)


def calendar(size: int) -> bytes:
    return _HEAD + b"Content-Type: text/calendar\n\nBEGIN:VCALENDAR\n" + _fill(b"SUMMARY:x\n ", size)


def random_bytes(size: int) -> bytes:
    return random.Random(2).randbytes(size)


_ALL: tuple[Callable[[int], bytes], ...] = (
    nested_multiparts, nested_same_boundary, nested_messages, many_parts, many_html_parts, near_boundaries, dashes, newlines, crlf_only, cr_only, crcrlf,
    nuls, many_headers, tiny_headers, one_header, folded_header, no_header_end, recipients, recipients_one_line, address_marks, one_long_word, commas, nested_comments, quotes, encoded_words,
    broken_encoded_words, many_encoded_headers, raw_8bit_headers, continuations, parameters, semicolons, received, domains, base64_part, base64_text,
    base64_pieces, base64_blanks, quoted_printable, uuencoded, uu_begins, link_domains, odd_charsets, utf16_broken, links, dots, one_line_of_text, html_tags, html_nesting,
    pdf_streams, pdf_strings, zip_members, attachments, many_pdfs, many_message_files, wide_and_deep, unclosed_comments, spaced_delimiters, tnef, calendar, random_bytes,
)  # fmt: skip
NAMES = tuple(bomb.__name__ for bomb in _ALL)


def bombs(size: int) -> Iterator[tuple[str, bytes]]:
    """(name, message) of every bomb, about `size` bytes each, one at a time."""
    for make in _ALL:
        yield make.__name__, make(size)
