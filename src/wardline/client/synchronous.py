"""The client for programs that wait: see `wardline.client`.

with Client("http://127.0.0.1:8080") as wardline:
    wardline.decide(event("login", entities={"account": "alice"})).verdict
    wardline.note([event("login.outcome", entities={"account": "alice"}, fields={"result": "success"})])
    for said in wardline.decide_many(history): …
"""

import itertools
import time
from collections.abc import Iterable, Iterator
from types import TracebackType
from typing import Self

import httpx

from wardline.client.asking import AGAIN, LINES_AT_ONCE, AskError, Budget, Plan, Settings, answer_of, encode, line_of, refusal, unanswered
from wardline.engine.door import Accepted, Answer
from wardline.engine.event import Event

BATCH_SECONDS = 120.0


class Client:
    """Asks one Wardline over HTTP. Safe to use from several threads; `close` it, or use `with`. Settings may be given as keywords."""

    def __init__(self, url: str, settings: Settings | None = None, **keywords: float | str) -> None:
        self.settings = settings or Settings(**keywords)  # type: ignore[arg-type]
        self._budget = Budget(self.settings.retry_share)
        self._http = httpx.Client(base_url=url, headers=self.settings.headers(), trust_env=False, follow_redirects=False)

    def decide(self, what: Event) -> Answer:
        """One decision within the deadline. Never raises because of the network: then the answer is the configured verdict, its policy
        "client@fail". Raises AskError when the door refuses the event itself."""
        plan = Plan(self.settings, self._budget)
        body, why = encode(what), ""
        while True:
            asked = None
            try:
                response = self._http.post("/v1/decide", content=body, timeout=plan.left_seconds)
                if response.status_code == 200:
                    return answer_of(response.content)
                if response.status_code not in AGAIN and response.status_code < 500:
                    raise refusal(response.status_code, response.content)
                why, asked = f"status {response.status_code}", response.headers.get("retry-after")
            except httpx.HTTPError as error:
                why = type(error).__name__
            pause = plan.pause_seconds(asked)
            if pause is None:
                return unanswered(what, self.settings, why)
            time.sleep(pause)

    def note(self, events: Iterable[Event]) -> int:
        """Record events without a decision; gives how many. Raises AskError or httpx.HTTPError: sending them again is harmless."""
        count = 0
        for chunk in _chunks(events):
            response = self._http.post("/v1/events", content=b"\n".join(map(encode, chunk)), timeout=BATCH_SECONDS)
            if response.status_code != 200:
                raise refusal(response.status_code, response.content)
            count += len(chunk)
        return count

    def decide_many(self, events: Iterable[Event]) -> Iterator[Answer | Accepted | AskError]:
        """A history in order: a decision for each event that is decided, an acknowledgement for the rest, an AskError for a line that was
        refused. Raises AskError or httpx.HTTPError when a whole batch was: sending it again is harmless."""
        for chunk in _chunks(events):
            response = self._http.post("/v1/decide/batch", content=b"\n".join(map(encode, chunk)), timeout=BATCH_SECONDS)
            if response.status_code != 200:
                raise refusal(response.status_code, response.content)
            yield from map(line_of, response.content.splitlines())

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _chunks(events: Iterable[Event]) -> Iterator[list[Event]]:
    rest = iter(events)
    while chunk := list(itertools.islice(rest, LINES_AT_ONCE)):
        yield chunk
