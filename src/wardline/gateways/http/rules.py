"""Rules over HTTP: put, show evidence, move, expire, roll back, list, explain. Scope admin; the control socket has it.

POST /v1/rules                  {"text": "rule: many_failures…", "source": "many_failures.yaml", "actor": "ada"}
POST /v1/rules/backtest         {"text": "rule: many_failures…", "since": "30d"}     whom it would have hit; the figures become its evidence
POST /v1/rules/{name}/move      {"stage": "shadow", "actor": "ada", "expected": "backtested"}
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec

from wardline.base.storage import StorageError
from wardline.engine.rule import RuleError
from wardline.engine.rules.rulebook import Version
from wardline.engine.rules.ruledesk import DeskError, RuleDesk
from wardline.engine.rules.rulefile import RuleFile, RuleFileError, read_rule
from wardline.gateways.http.access import actor_of
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem, as_problem
from wardline.gateways.http.routes import Route

if TYPE_CHECKING:
    from wardline.learning.backtest_report import Report

DOCUMENT_LIMIT_BYTES = 256 * 1024  # a rule with its cases


class NewRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule file's text, the name it is told by in errors, and who puts it."""

    text: str
    source: str = "rule"
    actor: str = ""


class Trial(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A rule to test on history: a file's text, or the name of one in the book. since, until: "30d", a day or a time in UTC; shadow: what it did
    in shadow instead of what it would have done."""

    text: str = ""
    name: str = ""
    source: str = "rule"
    actor: str = ""
    since: str = ""
    until: str = ""
    shadow: bool = False


class Move(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The stage to promote to. expected: the stage it is believed to be in; share: of a canary, 0.05 for 5 %."""

    stage: str
    actor: str = ""
    share: float = 0.0
    expected: str = ""


class Proof(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Evidence for a stage, as figures."""

    stage: str
    figures: dict[str, float | int | str | None]
    actor: str = ""


class End(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why a rule ends or is taken back."""

    reason: str = ""
    actor: str = ""


class RuleRoutes:
    """The rules' part of the HTTP API."""

    def __init__(self, desk: RuleDesk, backtest: Callable[[RuleFile, str, str, bool], Awaitable["Report"]]) -> None:
        self.desk = desk
        self.do_backtest = backtest
        self._heads: dict[str, Head] = {}  # of the versions that were listed last, by the digest of their text

    def routes(self) -> list[Route]:
        """What the rule desk offers."""
        of = "/v1/rules/{name}"
        return [
            Route("GET", "/v1/rules", "admin", "Every rule, its stage and its counts", self.list, answer="application/json"),
            Route("GET", of, "admin", "One rule with its versions and evidence", self.one, answer="application/json"),
            Route("POST", "/v1/rules", "admin", "Check a rule and take it into the book", self.put, body=NewRule),
            Route("POST", "/v1/rules/backtest", "admin", "Test a rule on history", self.backtest, body=Trial, answer="application/json"),
            Route("POST", f"{of}/evidence", "admin", "Add evidence to the newest version", self.show, body=Proof),
            Route("POST", f"{of}/move", "admin", "Promote the newest version", self.move, body=Move),
            Route("POST", f"{of}/expire", "admin", "End a rule", self.expire, body=End),
            Route("POST", f"{of}/rollback", "admin", "Take the newest running version back", self.roll_back, body=End),
        ]

    async def list(self, exchange: Exchange) -> None:
        """GET /v1/rules."""
        faults = self.desk.roster.faults
        versions = self.desk.rulebook.versions()
        heads: dict[str, Head] = {}
        for version in versions:
            head = self._heads.get(version.digest)
            if head is None:
                head = _head(version)
                # Reading takes a millisecond, and a full book has thousands to read the first time: events come first.
                await asyncio.sleep(0)
            heads[version.digest] = head
        self._heads = heads
        rules = [{**_shown(version, heads[version.digest]), "fault": faults.get(version.id, "")} for version in versions]
        await exchange.json({"rules": rules})

    async def one(self, exchange: Exchange) -> None:
        """GET /v1/rules/{name}."""
        versions = self.desk.rulebook.versions(exchange.values["name"])
        if not versions:
            raise Problem(404, "there is no rule of this name; GET /v1/rules lists them")
        await exchange.json({"versions": [{**_shown(version), "text": version.text, "evidence": version.evidence} for version in versions]})

    async def put(self, exchange: Exchange) -> None:
        """POST /v1/rules."""
        new = await exchange.document(NewRule, DOCUMENT_LIMIT_BYTES)
        await _answer(exchange, self.desk.put(new.text.encode(), new.source[:256], actor=actor_of(exchange, new.actor)))

    async def backtest(self, exchange: Exchange) -> None:
        """POST /v1/rules/backtest. The rule is taken into the book first: evidence belongs to a text."""
        trial = await exchange.document(Trial, DOCUMENT_LIMIT_BYTES)
        actor = actor_of(exchange, trial.actor)
        with as_problem(DeskError, RuleFileError, RuleError), as_problem(StorageError, status=503):
            version = (
                await self.desk.put(trial.text.encode(), trial.source[:256], actor=actor) if trial.text else self.desk.newest(trial.name)
            )
            report = await self.do_backtest(self.desk.file(version), trial.since, trial.until, trial.shadow)
            await self.desk.show(version.name, "backtested", _figures(report), actor=actor, number=version.number)
        from wardline.learning.backtest_report import render

        await exchange.json({"rule": version.id, "report": report, "text": render(report)})

    async def show(self, exchange: Exchange) -> None:
        """POST /v1/rules/{name}/evidence."""
        proof = await exchange.document(Proof, DOCUMENT_LIMIT_BYTES)
        name, actor = exchange.values["name"], actor_of(exchange, proof.actor)
        await _answer(exchange, self.desk.show(name, proof.stage, proof.figures, actor=actor))

    async def move(self, exchange: Exchange) -> None:
        """POST /v1/rules/{name}/move."""
        move = await exchange.document(Move)
        name, actor = exchange.values["name"], actor_of(exchange, move.actor)
        await _answer(exchange, self.desk.move(name, move.stage, actor=actor, share=move.share, expected=move.expected))

    async def expire(self, exchange: Exchange) -> None:
        """POST /v1/rules/{name}/expire."""
        end = await exchange.document(End)
        name, actor = exchange.values["name"], actor_of(exchange, end.actor)
        await _answer(exchange, self.desk.expire(name, actor=actor, reason=end.reason))

    async def roll_back(self, exchange: Exchange) -> None:
        """POST /v1/rules/{name}/rollback."""
        end = await exchange.document(End)
        name, actor = exchange.values["name"], actor_of(exchange, end.actor)
        await _answer(exchange, self.desk.roll_back(name, actor=actor, reason=end.reason))


def _figures(report: "Report") -> dict[str, float | int | str | None]:
    """What of a backtest is kept as evidence."""
    accounts = next((found for found in report.entities if found.name == "account"), None)
    precision, recall = report.labelled.precision, report.labelled.recall
    return {
        "events": report.events,
        "hits": report.hits,
        "hit_share": report.hits / report.events if report.events else 0.0,
        "accounts": accounts.hit if accounts else None,
        "precision": precision.value,
        "recall": recall.value,
        "tier": report.tier,
        "until_us": report.until_us,
    }


class Head(msgspec.Struct, frozen=True):
    """What a list shows of a rule's text. Empty where this build cannot read the text: its fault says why."""

    owner: str = ""
    expires: str = ""
    verdict: str = ""


def _head(version: Version) -> Head:
    try:
        written = read_rule(version.text.encode(), version.id)
    except RuleFileError:
        return Head()
    return Head(written.owner, written.expires.isoformat(), written.verdict)


def _shown(version: Version, head: Head | None = None) -> dict[str, Any]:
    """A version without its text, with what its text says of owner and end."""
    shown = msgspec.to_builtins(version)
    del shown["text"], shown["evidence"]
    return {**shown, "id": version.id, "digest": version.digest, **msgspec.structs.asdict(head or _head(version))}


async def _answer(exchange: Exchange, act: Awaitable[Version]) -> None:
    with as_problem(DeskError, RuleFileError):
        version = await act
    await exchange.json(_shown(version))
