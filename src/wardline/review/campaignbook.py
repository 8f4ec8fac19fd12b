"""The campaign book: every campaign and where it stands. A state of the journal, made of records of kinds "audit" and "action".

    book = CampaignBook()
    book.campaigns["01K…"].status                     "executing"
    book.of("account:5f2c…")                          the campaigns that hold an account

Pure: acts and members come as audit records at the points "campaign" and "campaign.member", actions as the ledger's own records with the cause
kind "campaign". So a restart in the middle of an execution or of an undo finds exactly what was done.
Bounded: so many members in all; the campaigns that ended longest ago let go of theirs first (the journal keeps them).
"""

import hashlib
from collections.abc import Callable, Iterator

import msgspec

from wardline.base.metrics import Metrics
from wardline.engine import action as actions
from wardline.engine.record import Record
from wardline.review.campaign import MEMBER_POINT, MEMBERS_LIMIT, POINT, Act, Campaign, Member

ALL_MEMBERS_LIMIT = 200_000
CAMPAIGNS_LIMIT = 1_000
ENDED = ("undone",)
_decoder = msgspec.msgpack.Decoder(Act)


class CampaignBook:
    """The state."""

    name = "campaigns"

    def __init__(self) -> None:
        self.applied_seq = 0
        self.campaigns: dict[str, Campaign] = {}
        self._holders: dict[str, list[str]] = {}
        self._actions: dict[str, tuple[str, str]] = {}
        self._count = 0

    def apply(self, record: Record) -> None:
        """One record, once and in order; anything but an act on a campaign or a step of one of its actions changes nothing."""
        if record.seq <= self.applied_seq:
            return
        self.applied_seq = record.seq
        if record.kind == "audit" and record.point in (POINT, MEMBER_POINT):
            self._act(record.seq, record.time_us, _decoder.decode(record.body))
        elif record.kind == "action":
            self._step(actions.unpack(record.body))

    def _act(self, seq: int, at_us: int, act: Act) -> None:
        if act.op == "campaign.found" and act.seed is not None:
            self.campaigns[act.value] = Campaign(
                id=act.value, name=act.name, seed=act.seed, actor=act.actor, found_us=at_us, found_seq=seq, joined_seq=seq
            )
            self._bound()
            return
        campaign = self.campaigns.get(act.value)
        if campaign is None:
            return
        match act.op:
            case "campaign.member" if act.member is not None:
                self._member(campaign, act.member, seq)
            case "campaign.extended":
                campaign.version = act.version
                if campaign.status in ("planned", "approved"):
                    campaign.status = "found"
            case "campaign.planned" if act.plan is not None:
                campaign.plan, campaign.pinned, campaign.planned_by = act.plan, act.plan.version, act.actor
                campaign.status, campaign.approved_by, campaign.join = "planned", "", act.join
            case "campaign.approved":
                campaign.status, campaign.approved_by = "approved", act.actor
            case "campaign.executing":
                campaign.status, campaign.halted_because = "executing", ""
                campaign.executed_us = campaign.executed_us or at_us
            case "campaign.executed" if campaign.status == "executing":
                campaign.status = "executed"
            case "campaign.halted":
                campaign.status, campaign.halted_because, campaign.join = "halted", act.reason, None
            case "campaign.reversed":
                if (member := campaign.members.get(act.account)) is not None:
                    _reverse(campaign, member)
            case "campaign.join_ended":
                campaign.join = None
            case "campaign.undoing":
                campaign.status, campaign.join = "undoing", None
            case "campaign.undone":
                campaign.status = "undone"

    def _member(self, campaign: Campaign, member: Member, seq: int) -> None:
        before = campaign.members.get(member.account)
        if before is not None and before.action_id:
            return
        if before is None:
            if len(campaign.members) >= MEMBERS_LIMIT:
                return
            self._holders.setdefault(member.account, []).append(campaign.id)
            self._count += 1
        campaign.members[member.account] = member
        if campaign.join is not None and campaign.status in ("executing", "executed") and member.version == campaign.pinned:
            campaign.joined += 1
            campaign.joined_seq = seq

    def _step(self, step: actions.Step) -> None:
        if step.action is not None:
            cause = step.action.cause
            campaign = self.campaigns.get(cause.id) if cause.kind == "campaign" else None
            member = campaign.members.get(step.action.entity) if campaign else None
            if campaign is not None and member is not None and not member.action_id:
                member.action_id = step.id
                campaign.acted_count += 1
                self._actions[step.id] = campaign.id, member.account
            return
        found = self._actions.get(step.id)
        if found is None or step.op not in ("undone", "expired", "refused"):
            return
        campaign = self.campaigns[found[0]]
        member = campaign.members[found[1]]
        if not member.ended and step.op != "expired" and campaign.status not in ("undoing", "undone"):
            _reverse(campaign, member)  # somebody took back this one: a judgement about the campaign
        member.ended = True

    def _bound(self) -> None:
        while len(self.campaigns) > CAMPAIGNS_LIMIT or self._count > ALL_MEMBERS_LIMIT:
            ended = [one.id for one in self.campaigns.values() if one.status in ENDED]
            idle = ended or [one.id for one in self.campaigns.values() if one.status in ("found", "planned")][:-1]
            if not idle:
                return
            self._drop(self.campaigns.pop(idle[0]))

    def _drop(self, campaign: Campaign) -> None:
        for member in campaign.members.values():
            self._release(campaign.id, member)

    def _release(self, campaign_id: str, member: Member) -> None:
        self._count -= 1
        self._actions.pop(member.action_id, None)
        holders = [one for one in self._holders.get(member.account, ()) if one != campaign_id]
        if holders:
            self._holders[member.account] = holders
        else:
            self._holders.pop(member.account, None)

    def of(self, account: str) -> Iterator[tuple[Campaign, Member]]:
        """The campaigns that hold an account."""
        for campaign_id in self._holders.get(account, ()):
            campaign = self.campaigns[campaign_id]
            yield campaign, campaign.members[account]

    def erase(self, subject: str) -> int:
        """Forget a member everywhere: its records are going. Gives from how many campaigns."""
        found = list(self.of(subject))
        for campaign, member in found:
            del campaign.members[subject]
            self._release(campaign.id, member)
        return len(found)

    def measure(self, metrics: Metrics) -> None:
        """Say how many run and stand halted, how many accounts they acted on, and for how many somebody reversed that."""

        def standing(*statuses: str) -> float:
            return float(sum(one.status in statuses for one in self.campaigns.values()))

        def total(count: Callable[[Campaign], int]) -> float:
            return float(sum(map(count, self.campaigns.values())))

        metrics.gauge("wardline_campaigns_running", "Campaigns that are being executed or undone", lambda: standing("executing", "undoing"))
        metrics.gauge("wardline_campaigns_halted", "Campaigns that stand halted", lambda: standing("halted"))
        metrics.gauge("wardline_campaign_accounts", "Accounts that campaigns acted on", lambda: total(lambda one: one.acted_count))
        metrics.gauge(
            "wardline_campaign_reversals",
            "Accounts of campaigns whose action a label or a person reversed; what a campaign's own undo ends is not among them",
            lambda: total(lambda one: one.reversed_count),
        )

    # The state's contract

    def snapshot(self) -> bytes:
        """The whole state as MessagePack."""
        return msgspec.msgpack.encode(list(self.campaigns.values()))

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; raises msgspec.DecodeError or ValidationError for anything else."""
        campaigns = msgspec.msgpack.decode(data, type=list[Campaign])
        self.campaigns = {one.id: one for one in campaigns}
        self._holders, self._actions, self._count = {}, {}, 0
        for campaign in campaigns:
            for member in campaign.members.values():
                self._count += 1
                self._holders.setdefault(member.account, []).append(campaign.id)
                if member.action_id:
                    self._actions[member.action_id] = campaign.id, member.account

    def digest(self) -> str:
        """SHA-256 of the snapshot: its order is that of the records."""
        return hashlib.sha256(self.snapshot()).hexdigest()


def _reverse(campaign: Campaign, member: Member) -> None:
    if member.action_id and not member.reversed:
        member.reversed = True
        campaign.reversed_count += 1
