"""The client for programs that wait: see `wardline.client`.

with Client("http://127.0.0.1:8080") as wardline:
    wardline.decide(event("login", entities={"account": "alice"})).verdict
    wardline.note([event("login.outcome", entities={"account": "alice"}, fields={"result": "success"})])
    for said in wardline.decide_many(history): …
"""

import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self, Unpack

import httpx
import msgspec

from wardline.client.asking import (
    BATCH_SECONDS,
    DECIDE,
    DECIDE_MANY,
    NOTE,
    AskError,
    Asking,
    Budget,
    Keywords,
    Settings,
    batches,
    line_of,
    lines_of,
)
from wardline.engine.door import Accepted, Answer
from wardline.engine.event import Event


class Client:
    """Asks one Wardline over HTTP. Safe to use from several threads; `close` it, or use `with`. Settings may be given as keywords, which go before those of `settings`."""

    def __init__(self, url: str, settings: Settings | None = None, **keywords: Unpack[Keywords]) -> None:
        self.settings = msgspec.structs.replace(settings or Settings(), **keywords)
        self._budget = Budget(self.settings.retry_share)
        self._http = httpx.Client(base_url=url, headers=self.settings.headers(), trust_env=False, follow_redirects=False)

    def decide(self, what: Event) -> Answer:
        """One decision within the deadline. Never raises because of the network: then the answer is the configured verdict, its policy
        "client@fail". Raises AskError when the door refuses the event itself."""
        asking = Asking(what, self.settings, self._budget)
        while True:
            try:
                response = self._http.post(DECIDE, content=asking.body, timeout=asking.left_seconds)
            except httpx.HTTPError as error:
                asking.failed(type(error).__name__)
            else:
                asking.answered(response.status_code, response.content, response.headers.get("retry-after"))
            if asking.answer is not None:
                return asking.answer
            time.sleep(asking.pause_seconds)

    def note(self, events: Iterable[Event]) -> int:
        """Record events without a decision; gives how many. Raises AskError or httpx.HTTPError: sending them again is harmless."""
        count = 0
        for size, lines in batches(events):
            response = self._http.post(NOTE, content=lines, timeout=BATCH_SECONDS)
            lines_of(response.status_code, response.content)
            count += size
        return count

    def decide_many(self, events: Iterable[Event]) -> Iterator[Answer | Accepted | AskError]:
        """A history in order: a decision for each event that is decided, an acknowledgement for the rest, an AskError for a line that was
        refused. Raises AskError or httpx.HTTPError when a whole batch was: sending it again is harmless."""
        for _size, lines in batches(events):
            response = self._http.post(DECIDE_MANY, content=lines, timeout=BATCH_SECONDS)
            yield from map(line_of, lines_of(response.status_code, response.content))

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
