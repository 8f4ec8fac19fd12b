"""The header fields that carry our name: a signed decision id, tags per recipient, and how to recognise all of them again.

    X-Wardline-Id: 01JD2Z8Q4N; 6f0c1d0a9d7c6a4be0a1c2b7f1e3d5a9
    X-Wardline-Recipients: 3f9a0c11d2e4b5a6=junk

The id travels with a message, so that a report made after Dovecot moved it finds its decision. It is signed (HMAC-SHA-256, RFC 2104, cut to 128
bits), because anyone may write such a field into a message; what does not verify is as good as absent. A recipient is named by a keyed tag and never
by address: one copy of a message goes to many, and a blind copy must stay blind. Fields of ours that arrive from outside are removed
(RFC 8601 §5 for Authentication-Results).
"""

import hashlib
import hmac
from collections.abc import Iterator

from wardline.protocols import authres

PREFIX = b"x-wardline-"
JUNK_FIELD = b"x-spam"
ID_FIELD = "X-Wardline-Id"
ID_LIMIT = 128
SIGNATURE_HEX = 32  # 128 bits: out of reach for guessing online, and short enough for one header line
RECIPIENT_HEX = 16
HEAD_LIMIT_BYTES = 1 << 20


def _digest(key: bytes, purpose: bytes, text: str, length: int) -> str:
    """Keyed digest with the purpose in front, so that a signature of one kind is worthless as another."""
    return hmac.new(key, purpose + b"\0" + text.encode("utf-8", "surrogateescape"), hashlib.sha256).hexdigest()[:length]


def sign_id(decision_id: str, key: bytes) -> str:
    """The value of X-Wardline-Id for a decision: `ID; SIGNATURE`.

    Raises ValueError for an id that does not fit one header line: empty, over 128 characters, or with characters other than visible ASCII without `;`.
    """
    if not 0 < len(decision_id) <= ID_LIMIT or not all("!" <= character <= "~" and character != ";" for character in decision_id):
        raise ValueError("a decision id is 1 to 128 visible ASCII characters without ';'")
    return f"{decision_id}; {_digest(key, b'wardline id', decision_id, SIGNATURE_HEX)}"


def verify_id(value: str, key: bytes) -> str | None:
    """The decision id of a header value that we signed, None for anything else. Takes the same time wherever the signature differs."""
    if len(value) > ID_LIMIT + SIGNATURE_HEX + 16:
        return None
    decision_id, separator, signature = value.strip().partition(";")
    decision_id, signature = decision_id.strip(), signature.strip()
    if not separator or not decision_id:
        return None
    expected = _digest(key, b"wardline id", decision_id, SIGNATURE_HEX)
    return decision_id if hmac.compare_digest(expected.encode(), signature.encode("utf-8", "surrogateescape")) else None


def recipient_tag(address: str, key: bytes) -> str:
    """The name of a recipient in X-Wardline-Recipients: 16 hex digits that only the owner of the key can compute."""
    return _digest(key, b"wardline recipient", address.strip().strip("<>").lower(), RECIPIENT_HEX)


def is_own_field(name: bytes) -> bool:
    """Whether a header field name is ours to write: any `X-Wardline-…`, and `X-Spam`, on which mailboxes file. In any case, white space ignored."""
    bare = name.strip().lower()
    return bare.startswith(PREFIX) or bare == JUNK_FIELD


def bears_our_name(name: bytes, value: bytes, names: tuple[str, ...]) -> bool:
    """Whether a header field is an Authentication-Results under one of our own names, however a lenient reader might read it."""
    if name.strip().lower() != b"authentication-results" or not names:
        return False
    return any(authres.claims_authserv_id(value, own) for own in names)


def head_fields(raw: bytes) -> Iterator[tuple[bytes, bytes, int, int]]:
    """Each header field of a message: name, value with its folds, and where it begins and ends. Looks at the first 1 MiB of the head only."""
    at, limit = 0, min(len(raw), HEAD_LIMIT_BYTES)
    start = at
    while at < limit:
        end = raw.find(b"\n", at)
        end = len(raw) if end < 0 else end + 1
        first = raw[at : at + 1]
        if at > start and first not in b" \t":
            name, _, value = raw[start:at].partition(b":")
            yield name, value, start, at
            start = at
        if first in b"\r\n" and not raw[at:end].strip(b"\r\n"):
            return
        at = end
    if at > start:
        name, _, value = raw[start:at].partition(b":")
        yield name, value, start, at


def own_instances(raw: bytes, names: tuple[str, ...], limit: int = 1000) -> list[tuple[str, int]]:
    """The header fields of a message that only we may write: (name, instance of that name from 1), the last one first so that indices hold."""
    lower = raw[:HEAD_LIMIT_BYTES].lower()
    if PREFIX not in lower and JUNK_FIELD not in lower and b"authentication-results" not in lower:
        return []  # nearly every message: three searches instead of a walk over its fields
    counts: dict[bytes, int] = {}
    found: list[tuple[str, int]] = []
    for name, value, _, _ in head_fields(raw):
        results = name.strip().lower() == b"authentication-results"
        if not (results or is_own_field(name)):
            continue
        key = name.strip().lower()
        counts[key] = counts.get(key, 0) + 1
        if not results or bears_our_name(name, value, names):
            found.append((name.strip().decode("ascii", "replace"), counts[key]))
            if len(found) >= limit:
                break
    return found[::-1]


def take_off(raw: bytes) -> tuple[bytes, tuple[str, ...]]:
    """A message without our own header fields, and the values of its X-Wardline-Id fields (unverified, at most 8).

    A message that comes back to be learned must be the message that was judged: our own tags would be words to learn. Only the first
    1 MiB of the head is looked at; bytes outside our fields are kept as they are.
    """
    kept: list[bytes] = []
    ids: list[str] = []
    at = 0
    for name, value, start, end in head_fields(raw):
        if is_own_field(name):
            kept.append(raw[at:start])
            at = end
            if name.strip().lower() == b"x-wardline-id" and len(ids) < 8:
                ids.append(value.decode("ascii", "replace").strip())
    return (b"".join([*kept, raw[at:]]), tuple(ids)) if at else (raw, ())
