"""Calendar files: the lines that a reader is shown (RFC 5545)."""

from wardline.protocols import calendars


def test_text_and_addresses():
    text, urls = calendars.look(
        b"BEGIN:VCALENDAR\r\nSUMMARY;LANGUAGE=en:You have\r\n  won\r\nDESCRIPTION:Line one\\nline\\, two\r\nURL:http://192.0.2.9/a\r\nUID:1\r\nEND:VCALENDAR\r\n"
    )
    assert text == "You have won\nLine one\nline, two" and urls == ("http://192.0.2.9/a",)


def test_bounds():
    text, _ = calendars.look(b"SUMMARY:x\n" * 10000)
    assert text.count("x") == 64
    assert calendars.look(b"\xff" * 100) == ("", ())
