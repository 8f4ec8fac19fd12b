"""Campaigns over HTTP: find, plan, approve, execute, look, halt, undo, extend. Scope admin; the control socket has it.

POST /v1/campaigns                  {"seed": {"kind": "rule", "value": "farm_names", "hours": 24}, "name": "…", "by": "ada"}
GET  /v1/campaigns                  all of them, newest first
GET  /v1/campaigns/{id}             one, with its plan and figures; ?members=1 with every member and its evidence
POST /v1/campaigns/{id}/plan        {"kind": "lock", "ttl_seconds": 604800, "join_hours": 24}
POST /v1/campaigns/{id}/approve     {"by": "bob", "version": 1}; also execute, halt, undo, extend

`by` names who acts through the control socket, which cannot know; a key is known by its id.
"""

from collections import Counter
from datetime import datetime
from typing import Any

import msgspec

from wardline.base.clock import when
from wardline.gateways.http.access import actor_of
from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.problem import Problem, as_problem
from wardline.gateways.http.routes import Parameter, Route
from wardline.review.campaign import Campaign, CampaignError, Member, Plan, Seed
from wardline.review.campaigns import Campaigns


class NewCampaign(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for, and who looks."""

    seed: Seed
    name: str = ""
    by: str = ""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act on a campaign; each reads the fields that it needs."""

    by: str = ""
    reason: str = ""
    kind: str = "lock"
    ttl_seconds: int = 7 * 86_400
    parameters: dict[str, Any] = {}
    join_hours: float = 0.0
    version: int = 0
    hours: float | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as people see it. waiting: actions that the receiver is still to be told of; held: beyond a cap."""

    id: str
    name: str
    status: str
    seed: Seed
    version: int
    pinned: int
    found_at: datetime
    by: str
    planned_by: str
    approved_by: str
    halted_because: str
    members: int
    apart: dict[str, int]
    to_do: int
    acted: int
    ended: int
    reversed: int
    joined: int
    actions: dict[str, int]
    paused: bool
    joins_until: datetime | None = None
    plan: Plan | None = None
    listed: list[Member] = []


class All(msgspec.Struct, frozen=True):
    """Campaigns, newest first."""

    campaigns: list[Shown]


class CampaignRoutes:
    """The campaigns' part of the HTTP API."""

    def __init__(self, campaigns: Campaigns) -> None:
        self.campaigns = campaigns

    def routes(self) -> list[Route]:
        """What it offers."""
        members = (Parameter("members", "1: with every member and its evidence"),)
        return [
            Route("POST", "/v1/campaigns", "admin", "Find a campaign", self.find, body=NewCampaign, answer=Shown),
            Route("GET", "/v1/campaigns", "admin", "All campaigns", self.list, answer=All),
            Route("GET", "/v1/campaigns/{id}", "admin", "One campaign", self.show, members, answer=Shown),
            Route(
                "POST",
                "/v1/campaigns/{id}/{what}",
                "admin",
                "Plan, approve, execute, halt, undo or extend",
                self.act,
                body=Order,
                answer=Shown,
            ),
        ]

    async def find(self, exchange: Exchange) -> None:
        """POST /v1/campaigns."""
        new = await exchange.document(NewCampaign)
        with as_problem(CampaignError):
            campaign = await self.campaigns.find(new.seed, actor=actor_of(exchange, new.by), name=new.name)
        await exchange.json(self.shown(campaign))

    async def list(self, exchange: Exchange) -> None:
        """GET /v1/campaigns."""
        found = reversed(self.campaigns.book.campaigns.values())
        await exchange.json(All([self.shown(campaign, plan=False) for campaign in found]))

    async def show(self, exchange: Exchange) -> None:
        """GET /v1/campaigns/{id}."""
        with as_problem(CampaignError, status=404):
            campaign = self.campaigns.get(exchange.values["id"])
        await exchange.json(self.shown(campaign, members=exchange.parameter("members") not in ("", "0")))

    async def act(self, exchange: Exchange) -> None:
        """POST /v1/campaigns/{id}/plan, approve, execute, halt, undo or extend."""
        order = await exchange.document(Order)
        desk, which, actor = self.campaigns, exchange.values["id"], actor_of(exchange, order.by)
        with as_problem(CampaignError):
            match exchange.values["what"]:
                case "plan":
                    campaign = await desk.plan(
                        which,
                        actor=actor,
                        kind=order.kind,
                        ttl_seconds=order.ttl_seconds,
                        parameters=order.parameters,
                        join_hours=order.join_hours,
                    )
                case "approve":
                    campaign = await desk.approve(which, actor=actor, version=order.version)
                case "execute":
                    campaign = await desk.execute(which, actor=actor)
                case "halt":
                    campaign = await desk.halt(which, actor=actor, reason=order.reason)
                case "undo":
                    campaign = await desk.undo(which, actor=actor, reason=order.reason)
                case "extend":
                    campaign = await desk.extend(which, actor=actor, hours=order.hours)
                case _:
                    raise Problem(404, "a campaign can be planned, approved, executed, halted, undone or extended")
        await exchange.json(self.shown(campaign))

    def shown(self, campaign: Campaign, *, plan: bool = True, members: bool = False) -> Shown:
        """A campaign as people see it."""
        every = campaign.members.values()
        ledger = self.campaigns.enforcement.ledger
        entries = [ledger.entries.get(one.action_id) for one in every if one.action_id and not one.ended]
        return Shown(
            id=campaign.id,
            name=campaign.name,
            status=campaign.status,
            seed=campaign.seed,
            version=campaign.version,
            pinned=campaign.pinned,
            found_at=when(campaign.found_us),
            by=campaign.actor,
            planned_by=campaign.planned_by,
            approved_by=campaign.approved_by,
            halted_because=campaign.halted_because,
            members=sum(not one.apart for one in every),
            apart=dict(Counter(one.apart for one in every if one.apart)),
            to_do=sum(not one.apart and not one.action_id for one in every),
            acted=campaign.acted_count,
            ended=sum(one.ended for one in every),
            reversed=campaign.reversed_count,
            joined=campaign.joined,
            actions=dict(Counter(entry.status for entry in entries if entry is not None)),
            paused=self.campaigns.paused(),
            joins_until=when(campaign.join.expires_us) if campaign.join else None,
            plan=campaign.plan if plan else None,
            listed=list(every) if members else [],
        )
