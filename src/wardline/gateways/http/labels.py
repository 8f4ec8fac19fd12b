"""Labels over HTTP: give one, take one back, see what stands.

POST   /v1/labels                {"about": "account:alice", "abusive": true, "source": "desk", "kind": "takeover", "reason": "…"}
DELETE /v1/labels/{id}?reason=…  a further record withdraws it
GET    /v1/labels?about=…        the standing, and the labels behind it

Events of type "label" come through the decision door (`decide.py`), so that a history can be played as it happened.
"""

import msgspec

from wardline.engine.feedback.labelling import LabelFlood, Labelling, Shown, Statement
from wardline.engine.label import LabelError, Standing
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem, as_problem
from wardline.gateways.http.routes import Parameter, Route

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
        given = await exchange.document(Statement)
        with as_problem(LabelError):
            try:
                label = await self.labelling.add(given, keyed=True)
            except LabelFlood as error:
                raise Problem(429, str(error), retry_after_seconds=RETRY_SECONDS) from None
        await exchange.json(Given(label.id, label.about, label.counts_as, label.confidence))

    async def withdraw(self, exchange: Exchange) -> None:
        """DELETE /v1/labels/{id}."""
        label_id = exchange.values["id"]
        reason = exchange.parameter("reason")
        with as_problem(LabelError):
            withdrawal = await self.labelling.withdraw(label_id, reason=reason)
        await exchange.json(Withdrawn(label_id, withdrawal.id))

    async def show(self, exchange: Exchange) -> None:
        """GET /v1/labels."""
        about, as_of = exchange.parameter("about"), exchange.parameter("as_of_seq")
        if as_of and not (as_of.isascii() and as_of.isdigit() and len(as_of) < 19):
            raise Problem(422, "as_of_seq: the number of a record is needed")
        with as_problem(LabelError):
            found = Standings(
                self.labelling.about(about),
                self.labelling.standing(about, as_of_seq=int(as_of) if as_of else None),
                self.labelling.history(about),
            )
        await exchange.json(found)
