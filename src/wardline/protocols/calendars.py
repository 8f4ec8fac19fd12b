"""Calendar invitations: what a mail program shows of them (RFC 5545 §3.8).

    look(b"BEGIN:VCALENDAR\\r\\n…SUMMARY:Prize\\r\\nURL:http://192.0.2.9/a\\r\\n…") -> ("Prize", ("http://192.0.2.9/a",))

The summary, description, location and organiser of the first entries, unfolded and unescaped. Linear, bounded, never raises.
"""

import re

_LINE = re.compile(
    r"^(SUMMARY|DESCRIPTION|LOCATION|COMMENT|URL|ORGANIZER|ATTACH)(?:;[^:\r\n]{0,200})?:(.*+)$", re.MULTILINE | re.IGNORECASE
)
_ESCAPE = re.compile(r"\\([nN,;\\])")


def look(data: bytes, max_lines: int = 64) -> tuple[str, tuple[str, ...]]:
    """(text, addresses) of a calendar file, from its first 64 KB."""
    text = data[:65536].decode("utf-8", "replace").replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "")
    texts: list[str] = []
    urls: list[str] = []
    for count, match in enumerate(_LINE.finditer(text)):
        if count >= max_lines:
            break
        value = _ESCAPE.sub(lambda m: "\n" if m[1] in "nN" else m[1], match[2].strip())[:8192]
        if match[1].upper() in ("URL", "ATTACH"):
            urls.append(value[:2048])
        else:
            texts.append(value)
    return "\n".join(texts), tuple(urls)
