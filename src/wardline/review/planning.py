"""Planning: whom a version of a campaign would hit, counted before anybody is hit, and whether one person may decide it.

    vet = Vetting(journal, labels, allowed, limits)
    vet.member(account, evidence, own, version, now_us)       Member(first_seen_us=…, established=False, apart="", …)
    plan_of(campaign, kind="lock", ttl_seconds=86400, …)      Plan(members=212, ages={"under a day": 190, …}, needs_second=[…], sample=[…])

Apart stands whoever has too little evidence of its own, is on the allow list, was labelled not abusive, or was reversed before.
"""

import hashlib
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from wardline.engine.action import Step, unpack
from wardline.engine.feedback.labels import Labels
from wardline.engine.store.journal import Journal
from wardline.review.campaign import MEMBER_BITS, SAMPLE, Campaign, Evidence, Member, Plan
from wardline.review.finding import Own

DAY_US = 86_400_000_000
RECORDS_OF_ACCOUNT = 200
AGES = ((1, "under a day"), (7, "under a week"), (30, "under a month"), (365, "under a year"))
OLDER = "a year and more"
ALLOWED = "on the allow list"
BENIGN = "labelled not abusive"
REVERSED = "taken back before"
WEAK = "too little evidence of its own"


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What one person may decide alone. accounts: so many members. established_share: of accounts older than established_days.
    per_hour: actions of one detector. joining: new members by the standing rule, as a share of the version."""

    accounts: int = 100
    established_share: float = 0.02
    established_days: int = 30
    per_hour: int = 100
    joining_share: float = 0.5


class Vetting:
    """What is known of a member beside its evidence. allowed: whether an account is on the allow list."""

    def __init__(self, journal: Journal, labels: Labels, allowed: Callable[[str], bool], limits: Limits) -> None:
        self.journal = journal
        self.labels = labels
        self.allowed = allowed
        self.limits = limits

    def member(self, account: str, evidence: list[Evidence], own: Own, version: int, now_us: int) -> Member:
        """One account as a member. Reads its newest records; more of them than are read make it established."""
        records = self.journal.find_key(account, RECORDS_OF_ACCOUNT)
        first_us = min((record.time_us for record in records if record.kind in ("event", "decision")), default=now_us)
        reversals = sum(record.kind == "action" and _taken_back(unpack(record.body)) for record in records)
        standing = self.labels.standing(account, now_us=now_us)
        if standing.abusive:
            text = (
                f"{standing.sources} sources say that it is abusive" if standing.sources > 1 else "a trusted source says that it is abusive"
            )
            evidence = [*evidence, Evidence("label", text, 3.0)]
        member = Member(
            account=account,
            version=version,
            evidence=evidence,
            first_seen_us=first_us,
            event_id=own.event_id[:128],
            established=len(records) >= RECORDS_OF_ACCOUNT or now_us - first_us >= self.limits.established_days * DAY_US,
            paying=own.paying,
            reversals=reversals,
        )
        member.apart = self.spared(account, now_us) or (REVERSED if reversals else "") or (WEAK if member.bits < MEMBER_BITS else "")
        return member

    def spared(self, account: str, now_us: int) -> str:
        """Why an account must not be acted on now, "" where nothing stands against it."""
        if self.allowed(account):
            return ALLOWED
        return BENIGN if self.labels.standing(account, now_us=now_us).abusive is False else ""


def _taken_back(step: Step) -> bool:
    return step.op == "undone"


def plan_of(
    campaign: Campaign, *, kind: str, ttl_seconds: int, parameters: dict[str, Any], limits: Limits, within_hour: int, now_us: int
) -> Plan:
    """The plan of the newest version. within_hour: actions of the same detector in this hour."""
    acting = [one for one in campaign.members.values() if not one.apart and not one.action_id]
    apart = Counter(one.apart for one in campaign.members.values() if one.apart)
    ages = Counter(age_of(one, now_us) for one in acting)
    established, paying = sum(one.established for one in acting), sum(one.paying for one in acting)
    return Plan(
        version=campaign.version,
        kind=kind,
        ttl_seconds=ttl_seconds,
        parameters=parameters,
        members=len(acting),
        apart=dict(apart),
        ages={name: ages[name] for name in (*(name for _days, name in AGES), OLDER) if ages[name]},
        paying=paying,
        allow_listed=apart[ALLOWED],
        past_reversals=sum(one.reversals for one in campaign.members.values()),
        established=established,
        evidence=dict(Counter(item.kind for one in acting for item in one.evidence[:1])),
        needs_second=_needs_second(campaign, len(acting), established, paying, limits, within_hour),
        sample=sampled(campaign.id, campaign.version, acting),
    )


def _needs_second(campaign: Campaign, members: int, established: int, paying: int, limits: Limits, within_hour: int) -> list[str]:
    found = []
    if members > limits.accounts:
        found.append(f"{members} accounts; one person may decide about {limits.accounts}")
    if members and established / members > limits.established_share:
        found.append(
            f"{established / members:.0%} are older than {limits.established_days} days; one person may decide up to {limits.established_share:.0%}"
        )
    if paying:
        found.append(f"{paying} of them pay")
    if within_hour + members > limits.per_hour:
        found.append(
            f"{within_hour} actions of this detector within the hour, and {members} more; one person may decide about {limits.per_hour}"
        )
    if campaign.reversed_count:
        found.append(f"{campaign.reversed_count} of its members were taken back")
    return found


def age_of(member: Member, now_us: int) -> str:
    """How long an account is known, in words. A clock that went back makes it young."""
    days = (now_us - member.first_seen_us) / DAY_US
    return next((name for most, name in AGES if days < most), OLDER)


def sampled(campaign_id: str, version: int, members: list[Member]) -> list[Member]:
    """The members shown in a plan: a fixed draw, so that whoever asks again sees the same ones."""

    def drawn(member: Member) -> bytes:
        return hashlib.blake2b(f"{campaign_id}\0{version}\0{member.account}".encode(), digest_size=8).digest()

    return sorted(members, key=drawn)[:SAMPLE]
