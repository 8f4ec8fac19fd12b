"""The history over HTTP: questions in the rule language, and its care. Scope admin: rows are single events, if under pseudonyms.

GET  /v1/history            {"waiting": 120000, "compacts_first": true}: records that are not compacted, and whether a question does it before it answers
POST /v1/query              {"text": "login where score > 0.5", "count": true, "by": ["ip.country"]}
POST /v1/history/compact    {"what": "new"}: write what is new; "verify": check every file; "rebuild": write all anew from the journal
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from wardline.base.storage import StorageError
from wardline.engine.rule import RuleError
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem, as_problem
from wardline.gateways.http.routes import Route

if TYPE_CHECKING:
    from wardline.learning.keeper import Keeper


class Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A question (`learning.history.question`). since, until: "30d", a day or a time in UTC; seconds: then it is stopped."""

    text: str
    select: tuple[str, ...] = ()
    count: bool = False
    by: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    limit: int = 20
    seconds: float = 30.0


class Care(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to do: "new", "verify" or "rebuild"."""

    what: Literal["new", "verify", "rebuild"] = "new"


class HistoryRoutes:
    """The history's part of the HTTP API. `keeper` gives the history, which is large to load, when it is first asked for."""

    def __init__(self, keeper: "Callable[[], Keeper]") -> None:
        self.keeper = keeper

    def routes(self) -> list[Route]:
        """What it offers."""
        return [
            Route("GET", "/v1/history", "admin", "How much waits to be compacted", self.standing, answer="application/json"),
            Route("POST", "/v1/query", "admin", "Ask the history in the rule language", self.query, body=Query, answer="application/json"),
            Route(
                "POST", "/v1/history/compact", "admin", "Write, check or rebuild the history", self.compact, body=Care, answer="application/json"
            ),
        ]  # fmt: skip

    async def standing(self, exchange: Exchange) -> None:
        """GET /v1/history."""
        await exchange.json(await asyncio.to_thread(_told, self._standing))

    def _standing(self) -> dict[str, Any]:
        keeper = self.keeper()
        return {"waiting": keeper.waiting, "compacts_first": keeper.compacts_first}

    async def query(self, exchange: Exchange) -> None:
        """POST /v1/query."""
        order = await exchange.document(Query)
        await exchange.json(await asyncio.to_thread(_told, lambda: self._asked(order)))

    def _asked(self, order: Query) -> Any:
        from wardline.learning.history.question import Question, parse_time
        from wardline.learning.history.session import Limits

        keeper = self.keeper()
        if not 0 < order.seconds <= 600:
            raise Problem(422, "seconds: above 0 and at most 600")
        now_us = keeper.clock.now_us()
        question = Question(
            text=order.text,
            select=order.select,
            count=order.count,
            by=order.by,
            since_us=parse_time(order.since, now_us) if order.since else None,
            until_us=parse_time(order.until, now_us) if order.until else None,
            limit=order.limit,
        )
        return keeper.ask(question, Limits(seconds=order.seconds))

    async def compact(self, exchange: Exchange) -> None:
        """POST /v1/history/compact."""
        what = (await exchange.document(Care)).what
        await exchange.json(await asyncio.to_thread(_told, lambda: self._cared(what)))

    def _cared(self, what: str) -> Any:
        keeper = self.keeper()
        if what == "verify":
            defects = keeper.verify()
            return {"files": 0 if defects else len(keeper.history.manifest().files), "defects": defects}
        done = keeper.rebuild() if what == "rebuild" else keeper.compact(apart=True)
        manifest = keeper.history.manifest()
        size = sum(part.size_bytes for part in manifest.files)
        return {**msgspec.to_builtins(done), "all_records": manifest.rows, "all_files": len(manifest.files), "all_bytes": size}


def _told(act: Callable[[], Any]) -> Any:
    from wardline.learning.history.session import HistoryError

    with as_problem(HistoryError, RuleError), as_problem(StorageError, status=503):
        return act()
