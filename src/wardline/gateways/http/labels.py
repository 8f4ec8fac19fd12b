"""Labels over HTTP: give one, take one back, see what stands.

POST   /v1/labels                {"about": "account:alice", "abusive": true, "source": "desk", "kind": "takeover", "reason": "…"}
DELETE /v1/labels/{id}?reason=…  a further record withdraws it
GET    /v1/labels?about=…        the standing, and the labels behind it

Events of type "label" come through the decision door (`decide.py`), so that a history can be played as it happened.
"""

from typing import Any

import msgspec

from wardline.engine.label import Label, LabelError, Standing
from wardline.engine.labelling import LabelFlood, Labelling, Shown, Statement
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem
from wardline.gateways.http.routes import Parameter, Route

BODY_LIMIT_BYTES = 64 * 1024
RETRY_SECONDS = 600


class Given(msgspec.Struct, frozen=True):
    """What was recorded: the label's id, and what it is about in the form in which it is kept."""

    id: str
    about: str
    counts_as: str
    confidence: float


class Withdrawn(msgspec.Struct, frozen=True):
    """Which label was withdrawn, and by which record."""

    withdrawn: str
    by: str


class Standings(msgspec.Struct, frozen=True):
    """What stands about one thing, and the labels behind it, newest first."""

    about: str
    standing: Standing
    labels: list[Shown]


class LabelRoutes:
    """The labels' part of the HTTP API."""

    def __init__(self, labelling: Labelling) -> None:
        self.labelling = labelling

    def routes(self) -> list[Route]:
        """What it offers."""
        about = Parameter("about", 'an event\'s id, or an entity such as "account:alice"', True)
        as_of = Parameter("as_of_seq", "what was known when this record of the journal had been written")
        return [
            Route("POST", "/v1/labels", "learn", "Say that something was abusive or not", self.add, body=Statement, answer=Given),
            Route(
                "DELETE",
                "/v1/labels/{id}",
                "learn",
                "Take a label back",
                self.withdraw,
                (Parameter("reason", "why"),),
                answer=Withdrawn,
            ),
            Route("GET", "/v1/labels", "read", "What was said about one thing", self.show, (about, as_of), answer=Standings),
        ]

    async def add(self, exchange: Exchange) -> None:
        """POST /v1/labels."""
        body = await exchange.body(BODY_LIMIT_BYTES)
        try:
            given = msgspec.json.decode(body or b"{}", type=Statement)
        except (msgspec.DecodeError, RecursionError) as error:
            raise Problem(422 if isinstance(error, msgspec.ValidationError) else 400, f"the request body: {error}") from None
        try:
            label: Label = await self.labelling.add(given, keyed=True)
        except LabelFlood as error:
            raise Problem(429, str(error), retry_after_seconds=RETRY_SECONDS) from None
        except LabelError as error:
            raise Problem(422, str(error)) from None
        await exchange.json(Given(label.id, label.about, label.counts_as, label.confidence))

    async def withdraw(self, exchange: Exchange) -> None:
        """DELETE /v1/labels/{id}."""
        label_id = exchange.values["id"]
        try:
            withdrawal = await self.labelling.withdraw(label_id, reason=_field(exchange.query(), "reason"))
        except LabelError as error:
            raise Problem(422, str(error)) from None
        await exchange.json(Withdrawn(label_id, withdrawal.id))

    async def show(self, exchange: Exchange) -> None:
        """GET /v1/labels."""
        query = exchange.query()
        about, as_of = _field(query, "about"), _field(query, "as_of_seq")
        if as_of and not (as_of.isascii() and as_of.isdigit() and len(as_of) < 19):
            raise Problem(422, "as_of_seq: the number of a record is needed")
        try:
            found = Standings(
                self.labelling.about(about),
                self.labelling.standing(about, as_of_seq=int(as_of) if as_of else None),
                self.labelling.history(about),
            )
        except LabelError as error:
            raise Problem(422, str(error)) from None
        await exchange.json(found)


def _field(query: dict[str, list[str]], name: str) -> str:
    found: Any = query.get(name, [""])[-1]
    return str(found)
