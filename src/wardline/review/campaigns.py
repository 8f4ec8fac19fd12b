"""The campaigns' desk: find, plan, approve, execute, halt, undo, extend. Each act is checked, journalled, applied, and only then answered.

    campaign = await campaigns.find(Seed(kind="rule", value="farm_names"), actor="ada")
    await campaigns.plan(campaign.id, kind="lock", ttl_seconds=7 * 86400, actor="ada")
    await campaigns.approve(campaign.id, actor="bob")            a second person where the caps ask for one
    await campaigns.execute(campaign.id, actor="ada")            again: goes on where it stopped, nothing twice
    await campaigns.undo(campaign.id, actor="bob", reason="…")   everybody is restored, and said to be no abuser

Actions go through the ledger, one idempotency key for each member. `run` goes on with what a restart or a pause interrupted, lets new members join
by the standing rule, and stops a campaign whose reversals say that too many members were wrong (review.reversals).
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec

from wardline.base.ids import Ids
from wardline.base.logs import logger
from wardline.base.storage import StorageBusy, StorageError
from wardline.engine.action import ActionError, Cause, Order, check_order
from wardline.engine.actions.enforcement import Enforcement
from wardline.engine.entity import EntityError, about
from wardline.engine.feedback.labelling import Labelling, Statement
from wardline.engine.kept import kept_decision
from wardline.engine.label import Label, LabelError
from wardline.engine.signal import probability
from wardline.engine.store.receipt import Receipt
from wardline.review.campaign import MEMBER_POINT, POINT, REASON_LIMIT, UNDO_SOURCE, Act, Campaign, CampaignError, Join, Member, Seed
from wardline.review.campaignbook import CampaignBook
from wardline.review.finding import HOUR_US, Finder, Found, Own, matches, note, weigh
from wardline.review.planning import Limits, Vetting, plan_of
from wardline.review.reversals import stops

TURN_SECONDS = 0.5
JOIN_TURNS = 4  # new members are looked for in every so many turns
BATCH = 64
JOIN_RECORDS = 20_000
JOIN_HOURS_LIMIT = 24.0 * 30
NAME_LIMIT = 120
Names = Callable[[], Mapping[str, Mapping[str, str]]]


class Looks(Protocol):
    """What is known of sign-ups by now: the accounts that are looked at, and the log-odds of one, None where nothing rose."""

    def names(self) -> list[str]: ...

    def log_odds_now(self, account: str, at_us: int) -> float | None: ...


class Campaigns:
    """See the module. paused: whether enforcement is off. looks: where sign-ups are judged once more, None where they are not served. All calls come from the event loop's thread."""

    def __init__(
        self,
        book: CampaignBook,
        enforcement: Enforcement,
        labelling: Labelling,
        ids: Ids,
        vetting: Vetting,
        names: Names,
        *,
        paused: Callable[[], bool],
        looks: Looks | None = None,
    ) -> None:
        self.book = book
        self.enforcement = enforcement
        self.labelling = labelling
        self.ids = ids
        self.vetting = vetting
        self.names = names
        self.paused = paused
        self.looks = looks
        self.shard = enforcement.shard
        self._locks: dict[str, asyncio.Lock] = {}
        self._met: dict[str, Found] = {}
        self._looked: dict[str, int] = {}  # how far the standing rule has read; a restart begins at the last who joined
        self._turn = 0

    @property
    def limits(self) -> Limits:
        """What one person may decide alone."""
        return self.vetting.limits

    # The acts

    async def find(self, seed: Seed, *, actor: str, name: str = "") -> Campaign:
        """A new campaign of what the seed means. Raises CampaignError."""
        seed = self._seed(seed)
        found = await asyncio.to_thread((await self._looking(seed)).find, seed)
        members = await asyncio.to_thread(self._vetted, found, 1)
        campaign_id = self.ids.new()
        self._write(Act(op="campaign.found", actor=actor, value=campaign_id, name=name[:NAME_LIMIT] or seed.value[:NAME_LIMIT], seed=seed))
        await self._members(campaign_id, members, actor)
        self._met[campaign_id] = found
        return self.get(campaign_id)

    async def extend(self, campaign_id: str, *, actor: str, hours: float | None = None) -> Campaign:
        """Look again: members that were not there make a new version, to be planned and approved anew. What runs goes on with its own version."""
        async with self._lock(campaign_id):
            campaign = self._open(campaign_id)
            seed = msgspec.structs.replace(campaign.seed, hours=hours) if hours else campaign.seed
            seed = msgspec.structs.replace(seed, hours=seed.hours + (self._now_us() - campaign.found_us) / HOUR_US)
            known = frozenset(one.account for one in campaign.members.values() if not one.apart)
            found = await asyncio.to_thread((await self._looking(seed)).find, seed)
            members = [one for one in await asyncio.to_thread(self._vetted, found, campaign.version + 1) if one.account not in known]
            new = [one for one in members if not one.apart or one.account not in campaign.members]
            self._open(campaign_id)
            if any(not one.apart for one in new):
                await self._members(campaign_id, new, actor)
                await self._write(Act(op="campaign.extended", actor=actor, value=campaign_id, version=campaign.version + 1))
            self._met[campaign_id] = found
            return campaign

    async def plan(
        self,
        campaign_id: str,
        *,
        actor: str,
        kind: str,
        ttl_seconds: int,
        parameters: dict[str, Any] | None = None,
        join_hours: float = 0.0,
    ) -> Campaign:
        """What would be done to whom. Raises CampaignError for an empty plan. join_hours: how long new members join by themselves."""
        async with self._lock(campaign_id):
            campaign = self._open(campaign_id)
            if campaign.status == "executing":
                raise CampaignError("it is being executed; halt it first, or plan when it has been executed")
            try:
                check_order(
                    Order(
                        kind=kind,
                        entity="",
                        ttl_seconds=ttl_seconds,
                        cause=Cause(kind="campaign", id=campaign_id),
                        parameters=parameters or {},
                    )
                )
            except ActionError as error:
                raise CampaignError(str(error)) from None
            if not 0 <= join_hours <= JOIN_HOURS_LIMIT:
                raise CampaignError(f"join_hours: a standing rule expires; 0 (none) to {JOIN_HOURS_LIMIT:.0f}")
            await self._spare(campaign)
            now_us = self._now_us()
            plan = plan_of(
                campaign,
                kind=kind,
                ttl_seconds=ttl_seconds,
                parameters=parameters or {},
                limits=self.limits,
                within_hour=self.enforcement.ledger.within_hour(self._cause(campaign).cap, now_us),
                now_us=now_us,
            )
            if not plan.members and not join_hours:
                raise CampaignError("nobody is left to act on: `wardline campaign status ID` says why each member stands apart")
            if len(self.enforcement.ledger.entries) + plan.members > self.enforcement.limits.open:
                raise CampaignError(
                    f"{plan.members} more actions would be more than outbox.open_actions ({self.enforcement.limits.open}) allows"
                )
            if campaign.pinned == plan.version and campaign.status == "approved":
                raise CampaignError("this version is planned and approved; execute it, or halt it to plan anew")
            limit = max(int(max(plan.members, campaign.acted_count) * self.limits.joining_share), 1)
            join = Join(expires_us=now_us + int(join_hours * HOUR_US), limit=limit) if join_hours else None
            await self._write(Act(op="campaign.planned", actor=actor, value=campaign_id, version=plan.version, plan=plan, join=join))
            return campaign

    async def approve(self, campaign_id: str, *, actor: str, version: int = 0) -> Campaign:
        """Say yes to the plan. Raises CampaignError where a second person is needed, or where the plan is another one by now."""
        async with self._lock(campaign_id):
            campaign = self._open(campaign_id)
            if campaign.status != "planned" or campaign.plan is None:
                raise CampaignError(f"it is {campaign.status}: only a plan can be approved; `wardline campaign plan ID` makes one")
            if version and version != campaign.pinned:
                raise CampaignError(f"version {version} is not what is planned now ({campaign.pinned}): look at the plan again")
            if campaign.plan.needs_second:
                if actor in ("", "socket"):
                    raise CampaignError("a second person is needed: say who you are, with --as NAME")
                if actor == campaign.planned_by:
                    raise CampaignError(
                        f"a second person is needed ({'; '.join(campaign.plan.needs_second)}): you planned it, let somebody else look"
                    )
            await self._write(Act(op="campaign.approved", actor=actor, value=campaign_id, version=campaign.pinned))
            return campaign

    async def execute(self, campaign_id: str, *, actor: str) -> Campaign:
        """Act on the members of the approved version; returns when all were asked for, or when something stopped it."""
        async with self._lock(campaign_id):
            campaign = self._open(campaign_id)
            if campaign.status in ("executing", "executed"):
                pass
            elif campaign.status != "approved":
                raise CampaignError(f"it is {campaign.status}: plan it, let it be approved, then execute it")
            else:
                await self._write(Act(op="campaign.executing", actor=actor, value=campaign_id, version=campaign.pinned))
            await self._advance(campaign)
            return campaign

    async def halt(self, campaign_id: str, *, actor: str, reason: str = "") -> Campaign:
        """Stop at once: nothing more is begun, nobody joins. What was begun stays until it is undone or ends."""
        campaign = self.get(campaign_id)  # no lock: it must not wait for an execution
        if campaign.status in ("undoing", "undone"):
            raise CampaignError(f"it is {campaign.status}: there is nothing to halt")
        if campaign.status != "halted":
            await self._write(
                Act(op="campaign.halted", actor=actor, value=campaign_id, reason=reason[:REASON_LIMIT] or f"{actor} halted it")
            )
        return campaign

    async def undo(self, campaign_id: str, *, actor: str, reason: str = "") -> Campaign:
        """Restore everybody, also after a part of an execution; again: goes on, nothing twice."""
        campaign = self.get(campaign_id)
        if campaign.status not in ("undoing", "undone"):
            await self._write(Act(op="campaign.undoing", actor=actor, value=campaign_id, reason=reason[:REASON_LIMIT]))
        async with self._lock(campaign_id):
            await self._restore(campaign)
        return campaign

    def get(self, campaign_id: str) -> Campaign:
        """One campaign. Raises CampaignError for an id that is not known."""
        campaign = self.book.campaigns.get(campaign_id)
        if campaign is None:
            raise CampaignError("no campaign has this id; `wardline campaign status` prints them all")
        return campaign

    # What goes on by itself

    async def run(self) -> None:
        """Go on with what was begun, until cancelled. A fault of ours is logged and tried again; it never ends the loop."""
        for campaign in list(self.book.campaigns.values()):
            self._reconsider(campaign)
        while True:
            await asyncio.sleep(TURN_SECONDS)
            self._turn += 1
            for campaign in list(self.book.campaigns.values()):
                try:
                    await self._continue(campaign)
                except Exception as error:  # whatever it is: the other campaigns go on
                    logger("campaigns").error("turn_failed", error=type(error).__name__)

    async def _continue(self, campaign: Campaign) -> None:
        if campaign.status not in ("executing", "executed", "undoing") or self.paused() or self._lock(campaign.id).locked():
            return
        self._stop(campaign)  # somebody may have taken back actions one by one
        async with self._lock(campaign.id):
            if campaign.status == "executing":
                await self._advance(campaign)
            elif campaign.status == "undoing":
                await self._restore(campaign)
            if campaign.join is not None and self._turn % JOIN_TURNS == 0:
                await self._join(campaign)

    def labelled(self, label: Label) -> None:
        """A label was written: where it says that a member was wrong, its action ends, and the campaign may stop."""
        if label.source != UNDO_SOURCE and label.about.startswith("account:"):
            for campaign, member in list(self.book.of(label.about)):
                self._judged(campaign, member)

    def _reconsider(self, campaign: Campaign) -> None:
        """After a start: labels of before, whose consequence a crash may have taken."""
        if campaign.status in ("executing", "executed"):
            for member in list(campaign.members.values()):
                self._judged(campaign, member)
            self._stop(campaign)

    def _judged(self, campaign: Campaign, member: Member) -> None:
        if not member.action_id or member.reversed or campaign.status in ("undoing", "undone"):
            return
        if self.labelling.labels.standing(member.account, now_us=self._now_us()).abusive is not False:
            return
        try:
            if self.enforcement.take_back(member.action_id, actor="labels", reason="labelled not abusive") is None:
                self._write(Act(op="campaign.reversed", actor="labels", value=campaign.id, account=member.account))
            self._stop(campaign)
        except StorageError as error:
            logger("campaigns").error("reversal_not_recorded", error=type(error).__name__)

    def _stop(self, campaign: Campaign) -> None:
        if campaign.status in ("executing", "executed") and stops(campaign.acted_count, campaign.reversed_count):
            reason = f"{campaign.reversed_count} of {campaign.acted_count} members were taken back: too many to be chance"
            self._write(Act(op="campaign.halted", actor="reversals", value=campaign.id, reason=reason))
            logger("campaigns").warning("campaign_halted", reversed=campaign.reversed_count, acted=campaign.acted_count)

    # The work

    async def _advance(self, campaign: Campaign) -> None:
        """Ask for the actions that are missing. Ends early when it is paused, halted or undone."""
        assert campaign.plan is not None
        plan, cause = campaign.plan, self._cause(campaign)
        receipt: Receipt | None = None
        for place, member in enumerate(campaign.to_do()):
            if place % BATCH == 0:
                if receipt is not None:
                    await receipt
                await self.shard.journal.room()
            if campaign.status != "executing" or self.paused():
                return
            receipt = await self._order(campaign, member, plan.kind, plan.ttl_seconds, plan.parameters, cause)
        if receipt is not None:
            await receipt
        self._stop(campaign)
        if campaign.status == "executing":
            await self._write(Act(op="campaign.executed", actor="campaigns", value=campaign.id, version=campaign.pinned))

    async def _order(
        self, campaign: Campaign, member: Member, kind: str, ttl_seconds: int, parameters: dict[str, Any], cause: Cause
    ) -> Receipt:
        if apart := self.vetting.spared(member.account, self._now_us()):
            return self._member(campaign.id, msgspec.structs.replace(member, apart=apart), "campaigns")
        order = Order(
            kind=kind,
            entity=member.account,
            ttl_seconds=ttl_seconds,
            cause=cause,
            key=f"{campaign.id}/{member.account}",
            reason=member.evidence[0].text[:REASON_LIMIT] if member.evidence else "",
            parameters={**parameters, "event_id": member.event_id} if member.event_id else parameters,
        )
        while True:
            try:
                # The book follows the actions' records: a member without an action has none in the journal either.
                _entry, receipt = self.enforcement.admit(
                    order, actor=campaign.planned_by, approved_by=campaign.approved_by if self._two(campaign) else "", fresh=True
                )
            except StorageBusy:
                await self.shard.journal.room()
            else:
                return receipt

    @staticmethod
    def _two(campaign: Campaign) -> bool:
        return campaign.approved_by not in ("", campaign.planned_by)

    async def _restore(self, campaign: Campaign) -> None:
        """End what was begun and say of each that it was no abuser."""
        if campaign.status == "undone":
            return
        receipt: Receipt | None = None
        acted = campaign.acted()
        for place, member in enumerate(acted):
            if place % BATCH == 0:
                if receipt is not None:
                    await receipt
                await self.shard.journal.room()
            if not member.ended:
                receipt = self.enforcement.take_back(member.action_id, actor="campaigns", reason="the campaign was undone") or receipt
        for place, member in enumerate(acted):
            if place % BATCH == 0:
                if receipt is not None:
                    await receipt
                await self.shard.journal.room()
            receipt = self._clear(campaign, member) or receipt
        if receipt is not None:
            await receipt
        await self._write(Act(op="campaign.undone", actor="campaigns", value=campaign.id))

    def _clear(self, campaign: Campaign, member: Member) -> Receipt | None:
        label_id = f"{member.action_id}.undo"
        if self.shard.journal.find_id("label", label_id) is not None:
            return None
        said = Statement(
            about=member.account, abusive=False, source=UNDO_SOURCE, kind="campaign", reason=f"campaign {campaign.id} was undone"
        )
        try:
            return self.labelling.admit(said, keyed=True, label_id=label_id)[1]
        except LabelError as error:
            raise CampaignError(f"everybody is restored, the labels wait: {error}") from None

    async def _join(self, campaign: Campaign) -> None:
        """Let accounts join that the seed means and that have evidence of their own."""
        join = campaign.join
        if join is None or campaign.plan is None:
            return
        if join.expires_us <= self._now_us() or campaign.joined >= join.limit:
            reason = "its time is over" if join.expires_us <= self._now_us() else f"{campaign.joined} joined; more need an extension"
            await self._write(Act(op="campaign.join_ended", actor="campaigns", value=campaign.id, reason=reason))
            return
        if campaign.id not in self._met:
            seed = msgspec.structs.replace(campaign.seed, hours=campaign.seed.hours + (self._now_us() - campaign.found_us) / HOUR_US)
            self._met[campaign.id] = await asyncio.to_thread(self._finder().find, seed)
        met = self._met[campaign.id]
        for account, own in await asyncio.to_thread(self._arrived, campaign, met):
            if campaign.join is None or campaign.joined >= join.limit or campaign.status not in ("executing", "executed"):
                return
            shared = {key: (met.shared[key][0] + 1, met.shared[key][1]) for key in own.keys if key in met.shared}
            evidence = weigh(campaign.seed, own, shared, met.accounts)
            member = self.vetting.member(account, evidence, own, campaign.pinned, self._now_us())
            if member.apart or member.established or member.paying or account in campaign.members:
                continue
            await self._member(campaign.id, member, "standing rule")
            await (
                await self._order(
                    campaign, member, campaign.plan.kind, campaign.plan.ttl_seconds, campaign.plan.parameters, self._cause(campaign)
                )
            )

    def _arrived(self, campaign: Campaign, met: Found) -> list[tuple[str, Own]]:
        """Accounts that came since the last look and match the seed; bounded, the rest waits for the next turn."""
        condition = self._finder().check(campaign.seed)
        first = self._looked.get(campaign.id, campaign.joined_seq) + 1
        last = min(self.shard.journal.last_seq, first + JOIN_RECORDS)
        owns: dict[str, Own] = {}
        for record in self.shard.journal.read(first, last, kinds=("decision",)):
            kept = kept_decision(record)
            account = kept.facts.get("account") if kept else None
            if kept is None or not isinstance(account, str) or account in campaign.members:
                continue
            if account in owns or matches(campaign.seed, kept, condition, met.seeds):
                note(owns.setdefault(account, Own()), kept)
        self._looked[campaign.id] = last
        return list(owns.items())

    # Writing

    def _write(self, act: Act) -> Receipt:
        return self.shard.write(
            "audit", self.ids.new(), point=POINT, body=msgspec.msgpack.encode(act), keys=(f"audit:{act.op}", f"campaign:{act.value}")
        )

    def _member(self, campaign_id: str, member: Member, actor: str) -> Receipt:
        act = Act(op="campaign.member", actor=actor, value=campaign_id, version=member.version, member=member)
        body = msgspec.msgpack.encode(act)
        return self.shard.write(
            "audit", self.ids.new(), point=MEMBER_POINT, body=body, subject=member.account, keys=(f"campaign:{campaign_id}",)
        )

    async def _members(self, campaign_id: str, members: list[Member], actor: str) -> None:
        receipt: Receipt | None = None
        for place, member in enumerate(members):
            if place % BATCH == 0:
                if receipt is not None:
                    await receipt
                await self.shard.journal.room()
            receipt = self._member(campaign_id, member, actor)
        await (receipt if receipt is not None else self.shard.journal.receipt(self.shard.journal.last_seq))

    async def _spare(self, campaign: Campaign) -> None:
        """Set apart whom labels or the allow list speak for by now."""
        now_us = self._now_us()
        apart = [
            (one, self.vetting.spared(one.account, now_us)) for one in campaign.members.values() if not one.apart and not one.action_id
        ]
        await self._members(campaign.id, [msgspec.structs.replace(one, apart=why) for one, why in apart if why], "campaigns")

    # Small things

    def _now_us(self) -> int:
        return self.shard.clock.now_us()

    def _lock(self, campaign_id: str) -> asyncio.Lock:
        return self._locks.setdefault(campaign_id, asyncio.Lock())

    def _open(self, campaign_id: str) -> Campaign:
        campaign = self.get(campaign_id)
        if campaign.status in ("undoing", "undone"):
            raise CampaignError(f"it is {campaign.status}; find a new one")
        return campaign

    def _cause(self, campaign: Campaign) -> Cause:
        return Cause(kind="campaign", id=campaign.id, by=campaign.seed.detector[:128])

    def _finder(self) -> Finder:
        return Finder(self.shard.journal, self.names, self._now_us())

    async def _looking(self, seed: Seed) -> Finder:
        """A finder that knows, where the seed asks for it, the sign-ups whose score is so high by now. Decisions go on meanwhile."""
        finder = self._finder()
        finder.check(seed)
        if seed.kind != "hindsight" or self.looks is None:
            return finder
        for place, account in enumerate(self.looks.names()):
            if place % BATCH == 0:
                await asyncio.sleep(0)
            now = self.looks.log_odds_now(account, self._now_us())
            if now is not None and (score := probability(now)) >= float(seed.value):
                finder.looked[account] = score
        return finder

    def _vetted(self, found: Found, version: int) -> list[Member]:
        now_us = self._now_us()
        return [self.vetting.member(account, evidence, found.owns[account], version, now_us) for account, evidence in found.members.items()]

    def _seed(self, seed: Seed) -> Seed:
        """The seed with its entity as a pseudonym."""
        if seed.kind not in ("key", "account"):
            return seed
        try:
            name = about(self.enforcement.pseudonyms, seed.value if seed.kind == "key" or ":" in seed.value else {"account": seed.value})
        except EntityError as error:
            raise CampaignError(f"seed: {str(error).removeprefix('about: ')}") from None
        if name.startswith("event:") or (seed.kind == "account" and not name.startswith("account:")):
            raise CampaignError(f"seed: an entity is needed, such as {'account:alice' if seed.kind == 'account' else 'device:…'}")
        return msgspec.structs.replace(seed, value=name)
