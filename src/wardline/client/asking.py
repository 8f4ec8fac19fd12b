"""What both clients share, without any I/O: how events are sent, what an answer means, when asking again is allowed, and what counts when nobody answers.

    asking = Asking(event, Settings(deadline_seconds=0.5, fail_verdict="allow"), budget)       # one for each decision
    asking.answered(503, b"", retry_after="1")    # the client sends asking.body, and tells what came, or asking.failed("ConnectError")
    asking.answer                                 # None: wait asking.pause_seconds and send again; else what counts, an Answer

Every event has an id, and the door answers a repeated id with its first answer: asking again can never decide twice. Asking again is still
bounded, by the deadline and by a budget (a tenth of the requests, as in Finagle's retry budgets), so that a server in trouble is not asked
ten times as much.
"""

import itertools
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec

from wardline.engine.decision import Reason
from wardline.engine.door import Accepted, Answer
from wardline.engine.event import Event

FAIL_POLICY = "client@fail"
AGAIN = frozenset({429, 502, 503, 504})
PAUSE_SECONDS = 0.02
PAUSE_LIMIT_SECONDS = 1.0
LINES_AT_ONCE = 1_000
BATCH_SECONDS = 120.0
DECIDE, DECIDE_MANY, NOTE = "/v1/decide", "/v1/decide/batch", "/v1/events"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How to ask. deadline_seconds: for one decision, tries included; fail_verdict: what counts when no answer came in time; retry_share: how
    many requests of all may be asked again; api_key: sent as a bearer token."""

    deadline_seconds: float = 1.0
    fail_verdict: str = "allow"
    retry_share: float = 0.1
    api_key: str = ""

    def headers(self) -> dict[str, str]:
        """What every request carries."""
        found = {"content-type": "application/json"}
        if self.api_key:
            found["authorization"] = f"Bearer {self.api_key}"
        return found


class Keywords(TypedDict, total=False):
    """The settings as keywords of a client."""

    deadline_seconds: float
    fail_verdict: str
    retry_share: float
    api_key: str


class AskError(Exception):
    """The door refused the request, so asking again would not help: `status`, and what it said."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


def event(
    type: str,
    *,
    entities: Mapping[str, str] | None = None,
    fields: Mapping[str, Any] | None = None,
    id: str = "",
    occurred_at: datetime | None = None,
    site: str = "default",
    flow_id: str | None = None,
) -> Event:
    """An event that happened now, under an id that nobody used before, unless told otherwise."""
    at = occurred_at or datetime.now(UTC)
    if at.tzinfo is None:
        raise ValueError("occurred_at: the time zone is missing; use datetime.now(UTC)")
    return Event(
        id=id or f"{time.time_ns() // 1000:x}-{secrets.token_hex(8)}",
        type=type,
        occurred_at=at,
        site=site,
        flow_id=flow_id,
        entities=dict(entities or {}),
        fields=dict(fields or {}),
    )


_encoder = msgspec.json.Encoder()
_answer = msgspec.json.Decoder(Answer)


def encode(what: Event) -> bytes:
    """The event as the door takes it."""
    document = msgspec.structs.asdict(what)
    del document["seq"], document["received_at"]
    return _encoder.encode(document)


class Budget:
    """How many tries beyond the first are left: each request earns `share`, each second try costs one; at most ten are saved up."""

    def __init__(self, share: float) -> None:
        self.share = share
        self.left = 10.0

    def earn(self) -> None:
        """A request was made."""
        self.left = min(self.left + self.share, 10.0)

    def spend(self) -> bool:
        """Whether asking again is allowed; it is then counted."""
        if self.left < 1.0:
            return False
        self.left -= 1.0
        return True


class Asking:
    """One decision on its way. body: to be sent; answer: what counts, once there is something; until then pause_seconds: how long to wait before the
    body is sent again."""

    def __init__(self, what: Event, settings: Settings, budget: Budget) -> None:
        self.body = encode(what)
        self.answer: Answer | None = None
        self.pause_seconds = 0.0
        self._what, self._settings, self._budget = what, settings, budget
        self._until_s = time.monotonic() + settings.deadline_seconds
        self._tries = 0
        budget.earn()

    @property
    def left_seconds(self) -> float:
        """How long the next try may take."""
        return max(self._until_s - time.monotonic(), 0.001)

    def answered(self, status: int, content: bytes, retry_after: str | None = None) -> None:
        """The door said something. retry_after: the header, of which seconds are understood. Raises AskError when it refused the event itself."""
        if status == 200:
            self.answer = answer_of(content)
        elif status not in AGAIN and status < 500:
            raise refusal(status, content)
        else:
            self._again(f"status {status}", retry_after)

    def failed(self, why: str) -> None:
        """Nothing was said: no connection, or no answer in time."""
        self._again(why, None)

    def _again(self, why: str, retry_after: str | None) -> None:
        pause: float = min(PAUSE_SECONDS * 2**self._tries, PAUSE_LIMIT_SECONDS)
        if retry_after is not None and retry_after.strip().isdecimal():
            pause = max(pause, float(retry_after))
        self._tries += 1
        if time.monotonic() + pause >= self._until_s or not self._budget.spend():
            self.answer = unanswered(self._what, self._settings, why)
        self.pause_seconds = pause


def unanswered(what: Event, settings: Settings, why: str) -> Answer:
    """What counts when nobody answered: the stated verdict, and a reason that says so."""
    return Answer(
        id=what.id,
        verdict=settings.fail_verdict,
        score=0.0,
        reasons=[Reason("client", 0.0, f"Wardline did not answer ({why}); this is the verdict that was configured for it.")],
        policy=FAIL_POLICY,
    )


def answer_of(body: bytes) -> Answer:
    """The door's answer. Raises AskError for anything else."""
    try:
        return _answer.decode(body)
    except msgspec.DecodeError as error:
        raise AskError(200, f"not a decision: {error}") from None


def refusal(status: int, body: bytes) -> AskError:
    """The door's problem document (RFC 9457) as an error."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        document = {}
    detail = document.get("detail") if isinstance(document, dict) else None
    return AskError(status, str(detail or "no details"))


def batches(events: Iterable[Event]) -> Iterator[tuple[int, bytes]]:
    """Events in portions that one request may hold: (how many, their lines)."""
    rest = iter(events)
    while chunk := list(itertools.islice(rest, LINES_AT_ONCE)):
        yield len(chunk), b"\n".join(map(encode, chunk))


def lines_of(status: int, content: bytes) -> list[bytes]:
    """The lines of a batch's answer. Raises AskError when the whole batch was refused."""
    if status != 200:
        raise refusal(status, content)
    return content.splitlines()


def line_of(line: bytes) -> Answer | Accepted | AskError:
    """One line of a batch's answer."""
    try:
        document = msgspec.json.decode(line, type=dict[str, Any])
        if "verdict" in document:
            return msgspec.convert(document, Answer)
        if document.get("accepted") is True:
            return Accepted(str(document["id"]))
        return AskError(int(document.get("status", 500)), str(document.get("detail", "no details")))
    except (msgspec.DecodeError, KeyError, TypeError, ValueError) as error:
        return AskError(200, f"not a decision: {error}")
