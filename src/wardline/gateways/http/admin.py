"""Administration over HTTP: mode, pause, lists, holds, keys, audit, backup, forget, replay. Scope admin; the control socket has it.

PUT  /v1/mode            {"mode": "tag"}
POST /v1/lists/block     {"kind": "domain", "value": "bad.example", "owner": "ada", "reason": "phishing wave", "ttl_days": 30}
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from wardline.engine.operators.administration import Act, Held, ListEntry
from wardline.engine.operators.office import Office, OfficeError, Released
from wardline.gateways.http.access import actor_of
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem, as_problem
from wardline.gateways.http.routes import Handler, Parameter, Route
from wardline.review.campaign import MEMBER_POINT

AUDIT_SHOWN = 200


class ModeChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """observe, tag or enforce, for one decision point."""

    mode: str
    point: str = "mail.in"


class Pause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """true stops all enforcement at once."""

    paused: bool


class NewEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line for the allow or block list. kind: domain, address, ip, network, user."""

    kind: str
    value: str
    owner: str
    reason: str
    ttl_days: int | None = None


class NewKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the key is for and what it may do."""

    name: str
    scopes: list[str]


class Path(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A folder on the server's machine."""

    path: str


class Subject(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose data is to be erased: a recipient's address, or an entity such as account:alice."""

    subject: str


class ReplayOrder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """corrupt: number of the decision whose stored value is changed in memory first, as a negative control."""

    corrupt: int | None = None


class AdminRoutes:
    """The administrative part of the HTTP API. The callables belong to the program: they need rooms that only it knows."""

    def __init__(
        self,
        office: Office,
        *,
        status: Callable[[], dict[str, Any]],
        backup: Callable[[str], Awaitable[dict[str, Any]]],
        forget: Callable[[str], Awaitable[dict[str, Any]]],
        replay: Callable[[int | None], Awaitable[Any]],
        discard: Callable[[str], Awaitable[dict[str, Any]]],
    ) -> None:
        self.office = office
        self.status_of = status
        self.do_backup = backup
        self.do_forget = forget
        self.do_replay = replay
        self.do_discard = discard

    def routes(self) -> list[Route]:
        """What administration offers."""
        return [
            Route("GET", "/v1/status", "read", "Mode, versions, counts", self.status, answer="application/json"),
            Route("PUT", "/v1/mode", "admin", "Set a decision point's mode", self._acts(ModeChange, self.mode), body=ModeChange),
            Route("PUT", "/v1/pause", "admin", "Stop or resume all enforcement", self._acts(Pause, self.pause), body=Pause),
            Route("GET", "/v1/lists/{list}", "admin", "Show the allow or block list", self.show_list, answer="application/json"),
            Route("POST", "/v1/lists/{list}", "admin", "Add an entry", self.add_entry, body=NewEntry, answer=ListEntry),
            Route(
                "DELETE",
                "/v1/lists/{list}",
                "admin",
                "Remove entries by id or value",
                self.remove_entry,
                (Parameter("value", "id or value", True),),
            ),
            Route("GET", "/v1/held", "admin", "What is on hold", self.held, answer="application/json"),
            Route("POST", "/v1/held/{id}/{what}", "admin", "Release or drop a held message", self.settle, answer=Released),
            Route("GET", "/v1/keys", "admin", "API keys, without their secrets", self.keys, answer="application/json"),
            Route(
                "POST",
                "/v1/keys",
                "admin",
                "Make an API key; its token is shown this once",
                self.add_key,
                body=NewKey,
                answer="application/json",
            ),
            Route("DELETE", "/v1/keys/{id}", "admin", "Withdraw an API key", self.remove_key),
            Route("GET", "/v1/audit", "admin", "The latest administrative acts", self.audit, answer="application/json"),
            Route("POST", "/v1/backup", "admin", "Back the data folder up while it runs", self._acts(Path, self.backup), body=Path),
            Route("POST", "/v1/forget", "admin", "Erase a subject", self._acts(Subject, self.forget), body=Subject),
            Route("POST", "/v1/replay", "admin", "Replay the journal", self._acts(ReplayOrder, self.replay), body=ReplayOrder),
            Route("DELETE", "/v1/models/{layer}", "admin", "Discard what a model layer learned by itself", self.discard),
        ]

    def _acts(self, kind: type[Any], act: Callable[[Any, str], Awaitable[Any]]) -> Handler:
        async def handler(exchange: Exchange) -> None:
            document = await exchange.document(kind)
            with as_problem(OfficeError):
                answer = await act(document, actor_of(exchange))
            await exchange.json(answer)

        return handler

    async def status(self, exchange: Exchange) -> None:
        """GET /v1/status."""
        await exchange.json(self.status_of())

    async def mode(self, change: ModeChange, actor: str) -> dict[str, Any]:
        """PUT /v1/mode."""
        points = self.status_of()["modes"]
        if change.point not in points:
            raise OfficeError(f"point: {change.point!r} decides nothing; choose {', '.join(points)}")
        await self.office.set_mode(change.point, change.mode, actor=actor)
        return {"point": change.point, "mode": change.mode, "paused": self.office.administration.paused}

    async def pause(self, pause: Pause, actor: str) -> dict[str, Any]:
        """PUT /v1/pause."""
        await self.office.pause(pause.paused, actor=actor)
        return {"paused": pause.paused}

    async def show_list(self, exchange: Exchange) -> None:
        """GET /v1/lists/{list}."""
        name = _list_name(exchange)
        now_s = self.office.now_s()
        entries = [entry for entry in self.office.administration.entries.values() if entry.list == name]
        await exchange.json(
            {
                "entries": [
                    {**msgspec.to_builtins(entry), "expired": bool(entry.expires_s and entry.expires_s <= now_s)} for entry in entries
                ]
            }
        )

    async def add_entry(self, exchange: Exchange) -> None:
        """POST /v1/lists/{list}."""
        name, new = _list_name(exchange), await exchange.document(NewEntry)
        with as_problem(OfficeError):
            entry = await self.office.add_entry(
                list_name=name,
                kind=new.kind,
                value=new.value,
                owner=new.owner,
                reason=new.reason,
                ttl_days=new.ttl_days,
                actor=actor_of(exchange),
            )
        await exchange.json(entry)

    async def remove_entry(self, exchange: Exchange) -> None:
        """DELETE /v1/lists/{list}."""
        name, value = _list_name(exchange), exchange.parameter("value")
        with as_problem(OfficeError):
            removed = await self.office.remove_entry(list_name=name, value=value, actor=actor_of(exchange))
        await exchange.json({"removed": [entry.id for entry in removed]})

    async def held(self, exchange: Exchange) -> None:
        """GET /v1/held."""
        held: list[Held] = self.office.held()
        await exchange.json({"held": held})

    async def settle(self, exchange: Exchange) -> None:
        """POST /v1/held/{id}/release or /drop."""
        what = exchange.values["what"]
        if what not in ("release", "drop"):
            raise Problem(404, "a held message can be released or dropped: POST /v1/held/{id}/release")
        with as_problem(OfficeError):
            settled = await self.office.settle(exchange.values["id"], what, actor=actor_of(exchange))
        await exchange.json(settled)

    async def keys(self, exchange: Exchange) -> None:
        """GET /v1/keys."""
        keys = self.office.administration.keys.values()
        await exchange.json({"keys": [{"id": key.id, "name": key.name, "scopes": key.scopes, "added": _iso(key.added_s)} for key in keys]})

    async def add_key(self, exchange: Exchange) -> None:
        """POST /v1/keys."""
        new = await exchange.document(NewKey)
        with as_problem(OfficeError):
            token, key = await self.office.add_key(new.name, new.scopes, actor=actor_of(exchange))
        await exchange.json({"id": key.id, "token": token, "scopes": key.scopes})

    async def remove_key(self, exchange: Exchange) -> None:
        """DELETE /v1/keys/{id}."""
        with as_problem(OfficeError):
            await self.office.remove_key(exchange.values["id"], actor=actor_of(exchange))
        await exchange.json({"removed": exchange.values["id"]})

    async def audit(self, exchange: Exchange) -> None:
        """GET /v1/audit."""
        journal = self.office.shard.journal
        every = journal.read(max(1, journal.last_seq - 100_000), kinds=("audit",))
        records = [record for record in every if record.point != MEMBER_POINT][-AUDIT_SHOWN:]  # a campaign's members are read there
        acts = []
        for record in reversed(records):
            act = msgspec.msgpack.decode(record.body, type=Act)
            acts.append(
                {
                    "time": _iso(record.time_us // 1_000_000),
                    "seq": record.seq,
                    "op": act.op,
                    "actor": act.actor,
                    "point": act.point,
                    "value": act.value,
                }
            )
        await exchange.json({"acts": acts})

    async def backup(self, order: Path, actor: str) -> dict[str, Any]:
        """POST /v1/backup."""
        await self.office.do(Act(op="backup", actor=actor, value=order.path[:320]))
        return await self.do_backup(order.path)

    async def forget(self, order: Subject, actor: str) -> dict[str, Any]:
        """POST /v1/forget."""
        # The act is kept, the subject is not: an audit that names who was forgotten has forgotten nobody.
        await self.office.do(Act(op="forget", actor=actor))
        return await self.do_forget(order.subject)

    async def replay(self, order: ReplayOrder, actor: str) -> Any:
        """POST /v1/replay."""
        await self.office.do(Act(op="replay", actor=actor))
        return await self.do_replay(order.corrupt)

    async def discard(self, exchange: Exchange) -> None:
        """DELETE /v1/models/{layer}."""
        await self.office.do(Act(op="model.discard", actor=actor_of(exchange), value=exchange.values["layer"][:64]))
        with as_problem(OfficeError):
            discarded = await self.do_discard(exchange.values["layer"])
        await exchange.json(discarded)


def _list_name(exchange: Exchange) -> str:
    name = exchange.values["list"]
    if name not in ("allow", "block"):
        raise Problem(404, "there are two lists: /v1/lists/allow and /v1/lists/block")
    return name


def _iso(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).isoformat()
