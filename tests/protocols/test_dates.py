"""Date-times of mail headers (RFC 5322 §3.3, §4.3)."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from wardline.protocols import dates


def at(year, month, day, hour, minute, second=0, zone_minutes=0):
    zone = UTC if zone_minutes == 0 else timezone(timedelta(minutes=zone_minutes))
    return datetime(year, month, day, hour, minute, second, tzinfo=zone)


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Fri, 20 Nov 2026 09:30:00 +0100", at(2026, 11, 20, 9, 30, 0, 60)),
        ("Fri, 20 Nov 2026 09:30:00 -0330 (NST)", at(2026, 11, 20, 9, 30, 0, -210)),
        ("20 Nov 26 9:30", at(2026, 11, 20, 9, 30)),
        ("20-Nov-1999 09:30:01 GMT", at(1999, 11, 20, 9, 30, 1)),
        ("Fri, 20 November 2026 09:30:00 PST", at(2026, 11, 20, 9, 30, 0, -480)),
        ("20 Nov 99 09:30:00 EST", at(1999, 11, 20, 9, 30, 0, -300)),
        ("20 Nov 103 09:30:00 UT", at(2003, 11, 20, 9, 30)),
        ("Fri Nov 20 09:30:00 2026", at(2026, 11, 20, 9, 30)),
        ("2026-11-20T09:30:00Z", at(2026, 11, 20, 9, 30)),
        ("2026-11-20 09:30:00.25+02:00", at(2026, 11, 20, 9, 30, 0, 120)),
        ("Fri, 20 Nov 2026 09:30:60 +0000", at(2026, 11, 20, 9, 30, 59)),
    ],
)
def test_dates_that_are_read(text, moment):
    assert dates.parse(text) == moment
    assert dates.parse(text).utcoffset() == moment.utcoffset()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "31 Feb 2026 09:30:00",
        "20 Foo 2026 09:30:00",
        "1 Jan 2026 25:00:00",
        "1 Jan 2026 09:30:00 +9999",
        "1 Jan 0000 09:30:00",
        "9" * 5000,
    ],
)
def test_what_is_no_date_is_none(text):
    assert dates.parse(text) is None
