"""A campaign: a versioned set of accounts found together, with evidence for each, a plan, and what became of it.

    Seed(kind="rule", value="farm_names", hours=24)                    how they were found
    Member(account="account:5f2c…", version=1, evidence=[Evidence("shared.device", "shares a device with 212 accounts of this set", 14.0)])
    Act(op="campaign.approved", actor="ada", value="01K…", version=1)   what the journal keeps: audit records, one for each act and each member

    found ──plan──> planned ──approve──> approved ──execute──> executing ──> executed
                                                                   │ halt (a person, or the reversals)
      an extension is found anew, with a version of its own        └──> halted          undo, from anywhere: undoing ──> undone

Where a campaign stands is a pure function of these records and of the actions' (review.campaignbook). Nobody is acted on for being near others:
a member whose own evidence is below MEMBER_BITS is listed apart.
"""

from typing import Any, Literal

import msgspec

POINT = "campaign"
MEMBER_POINT = "campaign.member"
MEMBERS_LIMIT = 20_000
EVIDENCE_LIMIT = 8
SAMPLE = 20
REASON_LIMIT = 320
MEMBER_BITS = 6.0
UNDO_SOURCE = "campaign-undo"
SEEDS = ("account", "hindsight", "key", "rule", "verdict", "where")

Status = Literal["found", "planned", "approved", "executing", "executed", "halted", "undoing", "undone"]


class CampaignError(ValueError):
    """An act on a campaign that cannot be: what is wrong, what to do."""


class Seed(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the members were found. kind: one of SEEDS. value: an entity, a rule's name, a verdict, a condition, for hindsight a score. point: events of
    this type alone. hours: how far back."""

    kind: str
    value: str
    point: str = ""
    hours: float = 24.0

    @property
    def detector(self) -> str:
        """What the actions of this seed are capped under, together with all campaigns of the same kind."""
        return f"rule {self.value.partition('@')[0]}" if self.kind == "rule" else self.kind


class Evidence(msgspec.Struct, frozen=True, array_like=True):
    """One thing that speaks against one member. bits: how much, log2 of how much rarer it is among others."""

    kind: str
    text: str
    bits: float


class Member(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One account of a campaign. apart: why it is not acted on, "" for those that are. first_seen_us: of the oldest record known.
    event_id: of its newest event, by which the receiver knows it.

    action_id, ended, reversed: from the records of its action; reversed: taken back by somebody's judgement, not by the campaign's undo.
    """

    account: str
    version: int
    evidence: list[Evidence] = []
    apart: str = ""
    first_seen_us: int = 0
    event_id: str = ""
    established: bool = False
    paying: bool = False
    reversals: int = 0
    action_id: str = ""
    ended: bool = False
    reversed: bool = False

    @property
    def bits(self) -> float:
        """What its own evidence comes to."""
        return sum(one.bits for one in self.evidence)


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a version would hit, and what would be done. ages: accounts by age in days; needs_second: why one person is not enough."""

    version: int
    kind: str
    ttl_seconds: int
    parameters: dict[str, Any] = {}
    members: int = 0
    apart: dict[str, int] = {}
    ages: dict[str, int] = {}
    paying: int = 0
    allow_listed: int = 0
    past_reversals: int = 0
    established: int = 0
    evidence: dict[str, int] = {}
    needs_second: list[str] = []
    sample: list[Member] = []


class Join(msgspec.Struct, frozen=True, kw_only=True):
    """The standing rule by which new accounts join: until when, and how many at most."""

    expires_us: int
    limit: int


class Act(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One act on a campaign, the body of an audit record. value: the campaign's id. Names that other acts have too mean the same here."""

    op: str
    actor: str
    value: str = ""
    reason: str = ""
    version: int = 0
    name: str = ""
    seed: Seed | None = None
    plan: Plan | None = None
    member: Member | None = None
    join: Join | None = None
    account: str = ""
    action_kind: str = ""


class Campaign(msgspec.Struct, kw_only=True):
    """A campaign as of its last record. version: the newest; pinned: the one that is planned, approved or being executed."""

    id: str
    name: str
    seed: Seed
    actor: str
    found_us: int
    found_seq: int
    status: Status = "found"
    version: int = 1
    pinned: int = 0
    plan: Plan | None = None
    planned_by: str = ""
    approved_by: str = ""
    halted_because: str = ""
    join: Join | None = None
    joined: int = 0
    joined_seq: int = 0
    executed_us: int = 0
    acted_count: int = 0
    reversed_count: int = 0
    members: dict[str, Member] = {}

    def to_do(self) -> list[Member]:
        """The members of the pinned version that are still to be acted on."""
        return [one for one in self.members.values() if not one.apart and not one.action_id and one.version <= self.pinned]

    def acted(self) -> list[Member]:
        """The members with an action."""
        return [one for one in self.members.values() if one.action_id]
