"""The decision door: one event, a batch, or events without a decision.

POST /v1/decide         {"id": "01K…", "type": "mail.envelope", "occurred_at": "2026-11-21T09:30:00Z", …}   -> one decision
POST /v1/decide/batch   NDJSON in order -> NDJSON in order: a decision, or {"id", "accepted": true}, or a problem on that line; the
                        answers stream as their records become durable. What is asked about before it is done (a session's act) is recorded here
POST /v1/events/batch   NDJSON in order -> {"id", "accepted": true} or a problem, line by line
POST /v1/events         one event or NDJSON, recorded only
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from wardline.engine.door import Answer, EventDoor, EventError, Pending
from wardline.engine.event import Event, type_pattern
from wardline.gateways.http.access import token_of
from wardline.gateways.http.batch import Batch, problem_line
from wardline.gateways.http.exchange import JSON, Exchange
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Parameter, Route

MARK = Parameter("mark", '"repeated": answers to ids that were taken before say so')

NDJSON = b"application/x-ndjson"
EVENT_LIMIT_BYTES = 1 << 20
LINES_LIMIT = 100_000
EVENTS_AHEAD = 512
ID_LIMIT = 128
CLOCK_SKEW = timedelta(days=1)
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
VERSION_LIMIT = 32_767

_TYPE = re.compile(type_pattern)

_decoder = msgspec.json.Decoder(Event)
_raw = msgspec.json.Decoder(msgspec.Raw)

# Records an event that no door takes.
Note = Callable[[Event], Pending]


# Records a label; told whether whoever sends it has the scope learn.
TakeLabel = Callable[[Event, bool], Pending]
LABEL = "label"


class AcceptedCount(msgspec.Struct, frozen=True):
    """So many events were recorded."""

    accepted: int


class DecideRoutes:
    """The decision door over HTTP. `room` waits until the journal has room for more: bulk work keeps to it."""

    def __init__(
        self, doors: Sequence[EventDoor], note: Note, label: TakeLabel, room: Callable[[], Awaitable[None]], body_limit_bytes: int
    ) -> None:
        self.doors: dict[str, EventDoor] = {type_: door for door in doors for type_ in door.types | door.notes}
        self.note = note
        self.label = label
        self.room = room
        self.body_limit_bytes = body_limit_bytes

    def routes(self) -> list[Route]:
        """What the door offers."""
        return [
            Route("POST", "/v1/decide", "decide", "Decide one event", self.decide, body=Event, answer=Answer),
            Route(
                "POST",
                "/v1/decide/batch",
                "decide",
                "Decide events in order (NDJSON)",
                self.batch,
                query=(MARK,),
                body="application/x-ndjson",
                answer="application/x-ndjson",
            ),
            Route(
                "POST",
                "/v1/events/batch",
                "decide",
                "Record events in order, answered line by line (NDJSON)",
                self.events_batch,
                query=(MARK,),
                body="application/x-ndjson",
                answer="application/x-ndjson",
            ),
            Route(
                "POST",
                "/v1/events",
                "decide",
                "Record events without a decision (JSON or NDJSON)",
                self.events,
                body=Event,
                answer=AcceptedCount,
            ),
        ]

    async def decide(self, exchange: Exchange) -> None:
        """POST /v1/decide."""
        event = read_event(await exchange.body(EVENT_LIMIT_BYTES))
        door = self.doors.get(event.type)
        if door is None or event.type not in door.types:
            known = ", ".join(sorted(name for name, each in self.doors.items() if name in each.types))
            raise Problem(422, f"type: nothing decides events of this type here (known: {known}); POST /v1/events records them")
        try:
            pending = door.admit(event)
        except EventError as error:
            raise Problem(422, str(error)) from None
        await exchange.json(await pending)

    async def batch(self, exchange: Exchange) -> None:
        """POST /v1/decide/batch."""
        await self._batch(exchange, partial(self._admit_line, exchange))

    async def events_batch(self, exchange: Exchange) -> None:
        """POST /v1/events/batch."""
        await self._batch(exchange, partial(self._note_line, exchange))

    async def _batch(self, exchange: Exchange, admit: Callable[[int, bytes], Pending | bytes]) -> None:
        mark = exchange.parameter("mark") == "repeated"
        lines = _split(await exchange.body(self.body_limit_bytes))
        await exchange.begin(200, NDJSON)
        batch = Batch(admit, self.room, exchange.part, mark=mark)
        for number, line in enumerate(lines, 1):
            if not await batch.take(number, line):
                break
        await batch.end()
        await exchange.part(b"", more=False)

    def _admit_line(self, exchange: Exchange, number: int, line: bytes) -> Pending | bytes:
        try:
            event = read_event(line)
            door = self.doors.get(event.type)
            return self._note(exchange, event) if door is None or event.type not in door.played else door.admit(event)
        except (Problem, EventError) as error:
            return problem_line(number, 422, "Unprocessable Content", str(error))

    def _note_line(self, exchange: Exchange, number: int, line: bytes) -> Pending | bytes:
        try:
            return self._note(exchange, read_event(line))
        except (Problem, EventError) as error:
            return problem_line(number, 422, "Unprocessable Content", str(error))

    async def events(self, exchange: Exchange) -> None:
        """POST /v1/events. Either all lines are readable and recorded, or none is."""
        body = await exchange.body(self.body_limit_bytes)
        # One event may stand on several lines, as people write it for curl; a second line of NDJSON ends the first as JSON.
        events = [read_event(body)] if _one_document(body) else [read_event(line) for line in _split(body)]
        last: Pending | None = None
        for number, event in enumerate(events, 1):
            try:
                last = self._note(exchange, event)
            except EventError as error:
                raise Problem(422, f"event {number}: {error}; those before it were recorded") from None
            if number % EVENTS_AHEAD == 0:
                await last
                await self.room()
        if last is not None:
            await last  # durable with all that came before it
        await exchange.answer(200, JSON, msgspec.json.encode(AcceptedCount(len(events))))

    def _note(self, exchange: Exchange, event: Event) -> Pending:
        if event.type == LABEL:
            return self.label(event, _may_label(exchange))
        door = self.doors.get(event.type)
        return self.note(event) if door is None else door.note(event)


def _split(body: bytes) -> list[bytes]:
    lines = [line for line in body.split(b"\n") if line.strip()]
    if len(lines) > LINES_LIMIT:
        raise Problem(413, f"{len(lines)} events; at most {LINES_LIMIT} fit one request: send them in several")
    return lines


def _one_document(body: bytes) -> bool:
    """Whether the body is one JSON document over several lines. NDJSON is not: its first line ends with a brace, and is whole."""
    first = body.lstrip()[:1]
    head, _, rest = body.partition(b"\n")
    if first != b"{" or len(body) > EVENT_LIMIT_BYTES or not rest.strip() or head.rstrip().endswith(b"}"):
        return False
    try:
        _raw.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
    return True


def _may_label(exchange: Exchange) -> bool:
    """Whether a label is believed in full. A peer that needs no key labels within bounds; a key that was made without learn does not label."""
    if "learn" in exchange.scopes:
        return True
    if token_of(exchange.headers):
        raise EventError("type: this API key may not label; `wardline key add NAME --scope decide --scope learn` makes one that may")
    return False


def read_event(data: bytes) -> Event:
    """One event from JSON; Problem 400 or 422 that says which field is wrong."""
    try:
        event = _decoder.decode(data)
    except msgspec.ValidationError as error:
        raise Problem(422, f"not an event: {error}") from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Problem(400, "not JSON: send one object in the shape of an event, UTF-8") from None
    if not 0 < len(event.id) <= ID_LIMIT:
        raise Problem(422, f"id: 1 to {ID_LIMIT} characters are needed, unique for each event")
    if not _TYPE.fullmatch(event.type):
        raise Problem(422, "type: domain or domain.kind in lower case is needed, such as login.outcome")
    if not 1 <= event.schema_version <= VERSION_LIMIT:
        raise Problem(422, f"schema_version: 1 to {VERSION_LIMIT}")
    if event.occurred_at.tzinfo is None:
        raise Problem(422, "occurred_at: the time zone is missing; write 2026-11-21T09:30:00Z")
    received = datetime.now(UTC)
    if event.occurred_at < EARLIEST:
        raise Problem(422, "occurred_at: before 1970; give the time at which it happened, such as 2026-11-21T09:30:00Z")
    if event.occurred_at > received + CLOCK_SKEW:
        raise Problem(422, "occurred_at: more than a day ahead of our clock; set the sender's clock")
    return msgspec.structs.replace(event, received_at=received)
