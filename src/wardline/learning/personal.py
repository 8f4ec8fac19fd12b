"""One person's say: an offset of their own, and a bound on what they can move for everybody else.

    offsets.value("account:5f…", rows)     -1.3: this person wants such mail; never beyond ±2.0, and for this person alone
    budgets.left("account:5f…", day=20412) 0.25: how far, in log-odds, this person may still move the shared model today

A report of one user changes the shared model by at most the budget, in sum over all their reports that stand, so that no other verdict
moves by more than TOTAL_LOG_ODDS through one account (the proof is in online.py: a change moves no score by more than its bound). What
goes beyond that is theirs alone: a small linear model per user, whose answer is clipped.
"""

import hashlib
from collections.abc import Sequence

import msgspec

from wardline.learning.change import Change
from wardline.learning.ngrams import Rows
from wardline.learning.online import Field, OnlineModel
from wardline.learning.tables import TableError

OFFSET_LIMIT = 2.0
STEP = 1.5  # the first report of a kind moves the offset by up to that much
TOTAL_LOG_ODDS = 0.5
DAY_LOG_ODDS = 0.25
USERS_LIMIT = 4096  # with an offset of their own; 24 KiB each
MICRO = 1_000_000


class Offsets:
    """Per-user offsets over one field. Users beyond USERS_LIMIT get none (their reports still count within their budget)."""

    def __init__(self, field: Field, users_limit: int = USERS_LIMIT) -> None:
        self.field = field
        self.users_limit = users_limit
        self.users: dict[str, OnlineModel] = {}

    def _new(self) -> OnlineModel:
        return OnlineModel((self.field,), step=STEP, share=0.0)

    def value(self, subject: str, rows: Sequence[Rows]) -> float:
        """The user's offset for a message, within ±OFFSET_LIMIT; 0.0 for a user who never reported anything."""
        model = self.users.get(subject)
        return min(max(model.log_odds(rows), -OFFSET_LIMIT), OFFSET_LIMIT) if model else 0.0

    def propose(self, subject: str, rows: Sequence[Rows], abusive: bool, log_odds: float) -> Change | None:
        """What a user's report would change for that user; `log_odds`: what the shared model says."""
        model = self.users.get(subject)
        if model is None:
            if len(self.users) >= self.users_limit:
                return None
            model = self._new()
        # Learned against the clipped answer: what was pushed to the limit is not pushed further.
        raw, clipped = model.log_odds(rows), self.value(subject, rows)
        if abs(raw) > OFFSET_LIMIT and (raw > 0) == abusive:
            return None
        return model.propose(rows, abusive, counts=False, offset=log_odds + clipped - raw)

    def add(self, subject: str, change: Change) -> None:
        """Apply a change of one user's model."""
        if subject not in self.users:
            self.users[subject] = self._new()
        self.users[subject].add(change)

    def subtract(self, subject: str, change: Change) -> None:
        """Take it back. A user's model that is empty again is dropped."""
        model = self.users.get(subject) or self._new()
        model.subtract(change)
        self.users[subject] = model
        if not model.table.any():
            del self.users[subject]

    def forget(self, subject: str) -> None:
        """Drop everything about a user."""
        self.users.pop(subject, None)

    def snapshot(self) -> bytes:
        """All users' models."""
        return msgspec.msgpack.encode({subject: model.snapshot() for subject, model in sorted(self.users.items())})

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; TableError for anything else, and then nothing changes."""
        try:
            stored = msgspec.msgpack.decode(data, type=dict[str, bytes])
        except (msgspec.DecodeError, RecursionError) as error:
            raise TableError(f"the users' offsets cannot be read: {error}") from None
        users: dict[str, OnlineModel] = {}
        for subject, table in stored.items():
            users[subject] = self._new()
            users[subject].restore(table)
        self.users = users

    def digest(self) -> str:
        """SHA-256 of the state."""
        state = hashlib.sha256()
        for subject, model in sorted(self.users.items()):
            state.update(f"{subject}\0{model.digest()}\0".encode())
        return state.hexdigest()


class Spent(msgspec.Struct):
    """What one user has used of the budget, in millionths of a log-odds unit."""

    standing: int = 0
    days: dict[int, int] = {}


class Budgets:
    """How far each user has moved the shared model. Taking a report back gives its share back."""

    def __init__(self) -> None:
        self.spent: dict[str, Spent] = {}

    def left(self, subject: str, day: int) -> float:
        """What the user may still move on that day (any whole number that grows by one a day), in log-odds."""
        spent = self.spent.get(subject)
        if spent is None:
            return min(DAY_LOG_ODDS, TOTAL_LOG_ODDS)
        left = min(int(TOTAL_LOG_ODDS * MICRO) - spent.standing, int(DAY_LOG_ODDS * MICRO) - spent.days.get(day, 0))
        return max(left, 0) / MICRO

    def move(self, subject: str, day: int, bound_log_odds: float, sign: int) -> None:
        """Book a change (sign 1) or its withdrawal (-1)."""
        micro = sign * (int(bound_log_odds * MICRO) + 1)
        spent = self.spent.setdefault(subject, Spent())
        spent.standing += micro
        spent.days[day] = spent.days.get(day, 0) + micro
        if not spent.days[day]:
            del spent.days[day]
        if not spent.standing and not spent.days:
            del self.spent[subject]

    def snapshot(self) -> bytes:
        """The state as MessagePack, users in order."""
        ordered = {user: Spent(self.spent[user].standing, dict(sorted(self.spent[user].days.items()))) for user in sorted(self.spent)}
        return msgspec.msgpack.encode(ordered)

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`; TableError for anything else, and then nothing changes."""
        try:
            self.spent = msgspec.msgpack.decode(data, type=dict[str, Spent])
        except (msgspec.DecodeError, RecursionError) as error:
            raise TableError(f"the users' budgets cannot be read: {error}") from None

    def digest(self) -> str:
        """SHA-256 of the state."""
        return hashlib.sha256(self.snapshot()).hexdigest()
