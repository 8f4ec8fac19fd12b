"""Errors of the HTTP API, as problem details (RFC 9457).

    {"type": "about:blank", "title": "Unprocessable Content", "status": 422, "detail": "fields.rcpt: …; give …"}

`detail` says what was wrong, where, and what to do. It never repeats what the caller sent, and never holds a stack trace.

    with as_problem(LabelError): label = await labelling.add(given)         a LabelError becomes a 422 that says the same
"""

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus

import msgspec

_TITLES = {413: "Content Too Large", 422: "Unprocessable Content"}


class Problem(Exception):
    """An answer other than success. retry_after_seconds goes into Retry-After (RFC 9110 §10.2.3)."""

    def __init__(self, status: int, detail: str, retry_after_seconds: int | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds

    def body(self) -> bytes:
        """The JSON document."""
        title = _TITLES.get(self.status) or HTTPStatus(self.status).phrase
        return msgspec.json.encode({"type": "about:blank", "title": title, "status": self.status, "detail": self.detail})

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The header fields that go with it."""
        found = [(b"content-type", b"application/problem+json")]
        if self.retry_after_seconds is not None:
            found.append((b"retry-after", str(self.retry_after_seconds).encode()))
        if self.status == 401:
            found.append((b"www-authenticate", b'Bearer realm="wardline"'))
        return found


@contextmanager
def as_problem(*kinds: type[Exception], status: int = 422) -> Iterator[None]:
    """Errors of these kinds, raised within, become a Problem in their own words."""
    try:
        yield
    except kinds as error:
        raise Problem(status, str(error)) from None
