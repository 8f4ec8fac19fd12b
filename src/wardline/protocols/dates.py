"""Date-times of mail headers, read with tolerance (RFC 5322 §3.3 and §4.3).

    parse("Fri, 20 Nov 2026 09:30:00 +0100 (CET)") -> datetime(2026, 11, 20, 9, 30, tzinfo=+01:00)
    parse("20-Nov-26 9:30")                         -> datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
    parse("soon")                                   -> None

Day names are not checked, seconds and zone may be missing, two-digit years follow RFC 5322 §4.3. Linear, never raises.
"""

import re
from datetime import UTC, datetime, timedelta, timezone

_RFC = re.compile(
    r"(\d{1,2})[ \t-]++([A-Za-z]{3})[A-Za-z]*+\.?[ \t-]++(\d{2,4})[ \t,]++(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\.\d{1,9})?[ \t]*+(?:([+-]\d{4})|([A-Za-z]{1,5}))?"
)
_ASCTIME = re.compile(r"([A-Za-z]{3})[a-z]*+[ \t]++(\d{1,2})[ \t]++(\d{1,2}):(\d{2})(?::(\d{2}))?[ \t]++(?:([A-Z]{1,5})[ \t]++)?(\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2}))?(?:\.\d{1,9})?[ ]?(?:([+-]\d{2}):?(\d{2}))?")
_MONTHS = {
    name: number for number, name in enumerate(["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)
}
_ZONES = {"EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360, "PST": -480, "PDT": -420}
_ZONES |= {"CET": 60, "CEST": 120, "BST": 60, "EET": 120, "EEST": 180, "MSK": 180, "JST": 540}


def parse(text: str) -> datetime | None:
    """The moment that `text` names, aware; UTC where no zone is stated; None when there is no date in its first 200 characters."""
    text = text[:200]
    match = _RFC.search(text)
    if match:
        day, month, year, hour, minute, second, offset, name = match.groups()
        zone = 0
        if offset:
            zone = (1 if offset[0] == "+" else -1) * (int(offset[1:3]) * 60 + int(offset[3:]))
        elif name:
            zone = _ZONES.get(name.upper(), 0)
        return _moment(year, _MONTHS.get(month.lower(), 0), day, hour, minute, second, zone)
    match = _ASCTIME.search(text)
    if match:
        month, day, hour, minute, second, name, year = match.groups()
        return _moment(year, _MONTHS.get(month.lower(), 0), day, hour, minute, second, _ZONES.get(name or "", 0))
    match = _ISO.search(text)
    if match:
        year, iso_month, day, hour, minute, second, zone_hours, zone_minutes = match.groups()
        zone = int(zone_hours) * 60 + (-1 if zone_hours[0] == "-" else 1) * int(zone_minutes) if zone_hours else 0
        return _moment(year, int(iso_month), day, hour, minute, second, zone)
    return None


def _moment(year: str, month: int, day: str, hour: str, minute: str, second: str | None, zone_minutes: int) -> datetime | None:
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < 50 else 1900
    elif len(year) == 3:
        number += 1900
    try:
        zone = UTC if zone_minutes == 0 else timezone(timedelta(minutes=zone_minutes))
        seconds = min(int(second or 0), 59)  # a leap second reads as the one before it
        return datetime(number, month, int(day), int(hour), int(minute), seconds, tzinfo=zone)
    except ValueError:  # 31 February, hour 25, zone +9900, year 0
        return None
