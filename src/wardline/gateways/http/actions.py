"""Actions over HTTP: ask for one, see where they stand, take them back. Scope admin; the control socket has it.

POST /v1/actions               {"kind": "lock", "entity": "account:alice", "ttl_seconds": 3600, "reason": "…", "key": "case 7"}
GET  /v1/actions?status=failed
GET  /v1/actions/{id}          with its steps
POST /v1/actions/{id}/undo     {"reason": "the wrong one"}; also retry, approve, refuse
POST /v1/actions/retry         every dead letter again

`by` names who acts through the control socket, which cannot know; a key is known by its id.
"""

import msgspec

from wardline.engine.action import ActionError, Cause, Order
from wardline.engine.actions.enforcement import Enforcement, Shown
from wardline.engine.actions.ledger import Entry
from wardline.engine.actions.outbox import Outbox
from wardline.engine.entity import EntityError, about
from wardline.gateways.http.access import actor_of
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem, as_problem
from wardline.gateways.http.routes import Parameter, Route

LISTED_LIMIT = 1_000


class NewAction(Order, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An action to begin. Without a cause it is the person's who asks."""

    by: str = ""


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why, and who says so where the door cannot know."""

    reason: str = ""
    by: str = ""


class Actions(msgspec.Struct, frozen=True):
    """Actions and how many messages wait: for the receiver, for a person after they failed, for a second person."""

    actions: list[Shown]
    waiting: int
    failed: int
    held: int
    paused: bool
    receiver: bool


class Retried(msgspec.Struct, frozen=True):
    """How many dead letters were sent on their way again."""

    retried: int


class ActionRoutes:
    """The actions' part of the HTTP API."""

    def __init__(self, enforcement: Enforcement, outbox: Outbox) -> None:
        self.enforcement = enforcement
        self.outbox = outbox

    def routes(self) -> list[Route]:
        """What it offers."""
        which = (
            Parameter("status", "requested, held, done, ending, failed, undone, expired or refused; nothing: the open ones"),
            Parameter("entity", 'those on one entity, such as "account:alice"'),
        )
        return [
            Route("POST", "/v1/actions", "admin", "Begin an action", self.add, body=NewAction, answer=Shown),
            Route("GET", "/v1/actions", "admin", "Where actions stand", self.list, which, answer=Actions),
            Route("POST", "/v1/actions/retry", "admin", "Send every dead letter again", self.retry_all, body=Said, answer=Retried),
            Route("GET", "/v1/actions/{id}", "admin", "One action and its steps", self.show, answer=Shown),
            Route("POST", "/v1/actions/{id}/{what}", "admin", "Undo, retry, approve or refuse", self.act, body=Said, answer=Shown),
        ]

    async def add(self, exchange: Exchange) -> None:
        """POST /v1/actions."""
        new = await exchange.document(NewAction)
        actor = actor_of(exchange, new.by)
        order = Order(
            kind=new.kind,
            entity=new.entity,
            ttl_seconds=new.ttl_seconds,
            cause=new.cause or Cause(kind="person", id=actor),
            key=new.key,
            reason=new.reason,
            parameters=new.parameters,
        )
        with as_problem(ActionError):
            entry = await self.enforcement.request(order, actor=actor)
        await exchange.json(self._shown(entry))

    async def list(self, exchange: Exchange) -> None:
        """GET /v1/actions."""
        status, given = exchange.parameter("status"), exchange.parameter("entity")
        ledger = self.enforcement.ledger
        try:
            entity = about(self.enforcement.pseudonyms, given) if given else ""
        except EntityError as error:
            raise Problem(422, f"entity: {str(error).removeprefix('about: ')}") from None
        entries = ledger.listed() if status else iter(ledger.entries.values())
        found = [entry for entry in entries if (not status or entry.status == status) and (not entity or entry.action.entity == entity)]
        newest = [self._shown(entry) for entry in reversed(found[-LISTED_LIMIT:])]
        held = sum(entry.status == "held" for entry in ledger.entries.values())
        paused, receiver = self.outbox.paused(), bool(self.outbox.settings.url)
        await exchange.json(Actions(newest, ledger.waiting(), len(ledger.dead), held, paused, receiver))

    async def show(self, exchange: Exchange) -> None:
        """GET /v1/actions/{id}."""
        with as_problem(ActionError, status=404):
            found = self.enforcement.history(exchange.values["id"])
        await exchange.json(found)

    async def act(self, exchange: Exchange) -> None:
        """POST /v1/actions/{id}/undo, retry, approve or refuse."""
        said = await exchange.document(Said)
        action_id, what, actor = exchange.values["id"], exchange.values["what"], actor_of(exchange, said.by)
        with as_problem(ActionError):
            match what:
                case "undo":
                    entry = await self.enforcement.undo(action_id, actor=actor, reason=said.reason)
                case "retry":
                    entry = await self.enforcement.retry(action_id, actor=actor)
                case "approve":
                    entry = await self.enforcement.approve(action_id, actor=actor)
                case "refuse":
                    entry = await self.enforcement.refuse(action_id, actor=actor, reason=said.reason)
                case _:
                    raise Problem(404, "an action can be undone, retried, approved or refused: POST /v1/actions/{id}/undo")
        await exchange.json(self._shown(entry))

    async def retry_all(self, exchange: Exchange) -> None:
        """POST /v1/actions/retry."""
        said = await exchange.document(Said)
        await exchange.json(Retried(await self.enforcement.retry_all(actor=actor_of(exchange, said.by))))

    def _shown(self, entry: Entry) -> Shown:
        shown = self.enforcement.shown(entry)
        # While it is tried the ledger does not know why it fails; the outbox does.
        return msgspec.structs.replace(shown, error=shown.error or self.outbox.errors.get(entry.action.id, ""))
