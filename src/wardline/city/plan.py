"""What a run of the city is asked for.

    Plan(users=3000, days=60, seed=7)            all kinds of attack
    Plan(users=300, days=10, seed=1, attacks=()) honest life alone

Raises PlanError with what to write instead.
"""

from datetime import UTC, datetime, timedelta

import msgspec

GUESSING = ("stuffing", "spraying", "low_slow")
TAKEOVERS = ("naive", "targeted_city", "targeted_asn", "targeted_agent", "phish", "recovery")
FARMS = ("farm_pattern", "farm_model", "farm_jitter", "farm_rotate", "farm_aged")
KINDS = (*GUESSING, *TAKEOVERS, *FARMS, "poison")
USERS_LIMIT = 1_000_000
DAYS_LIMIT = 730


class PlanError(ValueError):
    """The plan makes no sense; the text says what to write instead."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """users: people with an account at the end; days: length; seed: the same seed gives the same bytes; attacks: kinds of KINDS; start: a
    Monday's midnight, UTC, at which the first week begins (another day is moved back to its Monday). deaf: attackers who are stopped change
    nothing, which shows what it is worth to those who do."""

    users: int = 3000
    days: int = 60
    seed: int = 1
    attacks: tuple[str, ...] = KINDS
    start: datetime = datetime(2026, 1, 5, tzinfo=UTC)
    deaf: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.users <= USERS_LIMIT:
            raise PlanError(f"users: {self.users} is outside 1 to {USERS_LIMIT:,}")
        if not 1 <= self.days <= DAYS_LIMIT:
            raise PlanError(f"days: {self.days} is outside 1 to {DAYS_LIMIT}")
        for kind in self.attacks:
            if kind not in KINDS:
                raise PlanError(f"attacks: {kind!r} is none; use some of {', '.join(KINDS)}, or none")

    @property
    def monday(self) -> datetime:
        """Midnight at which the clock begins, UTC."""
        midnight = self.start.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=midnight.weekday())
