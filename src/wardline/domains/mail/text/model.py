"""The text models of mail: which rows a message has, what they say of it, and what a label changes.

    features = features_of(mail)                          hashed n-grams per field; no text
    model.score(features)                                 TextScore(text_log_odds=4.2, shape_log_odds=1.1, trained=3100)
    update = model.propose(features, abusive=True, subject="", weight=1.0, day=20412)
    model.add(update); model.subtract(update)             exact twins
    model.explain(mail, top=10)                           [("viagra", 1.31, "visible"), ("Received", -0.4, "head"), …]

Two heads: one over what the message says (head, body, visible; see text_fields.py), one over how it is built (shape), so that other words
leave it unmoved. A subject is a user's pseudonym, "" the site itself: the site's labels count in full, a user's move the shared models
by no more than the budget of learning/personal.py, and beyond that only the user's own offset (at most ±2.0).
"""

import hashlib
import struct

import msgspec
import numpy as np

from wardline.domains.mail.events import Mail
from wardline.domains.mail.text.fields import texts
from wardline.learning.change import Change
from wardline.learning.ngrams import Rows, positions
from wardline.learning.online import Field, OnlineModel, class_balance
from wardline.learning.personal import OFFSET_LIMIT, Budgets, Offsets
from wardline.learning.tables import TableError

TEXT_FIELDS = (Field("head"), Field("body"), Field("visible"))
SHAPE_FIELDS = (Field("shape", bits=17, size=7),)
PERSONAL_FIELD = Field("personal", bits=10)
LABEL = "text-1"
MAGIC = b"WLTEXT1\0"
_USER_WEIGHT = 0.5  # a user's report is a hint: it moves the shared model half as far as the site's label, and no further than the budget
_WORD_BREAK = frozenset(b" \t\r\n\0<>")


class TextScore(msgspec.Struct, frozen=True):
    """What the models say. Log-odds are natural, positive towards abuse; `trained`: how many labels changed the text model's counts."""

    text_log_odds: float
    shape_log_odds: float | None
    trained: int


class Features(msgspec.Struct, frozen=True, eq=False):
    """The rows of one message, per model and field."""

    text: tuple[Rows, ...]
    shape: tuple[Rows, ...]
    personal: tuple[Rows, ...]

    def to_bytes(self) -> bytes:
        """Row counts (u32) of all fields, then all rows (u32), little-endian."""
        fields = (*self.text, *self.shape, *self.personal)
        head = struct.pack(f"<{len(fields)}I", *(len(rows) for rows in fields))
        return head + b"".join(rows.astype("<u4").tobytes() for rows in fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Features":
        """The inverse of `to_bytes`; ValueError for anything else."""
        amount = len(TEXT_FIELDS) + len(SHAPE_FIELDS) + 1
        if len(data) < 4 * amount:
            raise ValueError("these are no features of a message: too short")
        counts = struct.unpack_from(f"<{amount}I", data)
        if len(data) != 4 * (amount + sum(counts)):
            raise ValueError("these are no features of a message: the lengths do not fit")
        fields, at = [], 4 * amount
        for count in counts:
            fields.append(np.frombuffer(data, "<u4", count, at))
            at += 4 * count
        split = len(TEXT_FIELDS)
        return cls(tuple(fields[:split]), tuple(fields[split:-1]), (fields[-1],))


class Update(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What one label changes, and whose label it was."""

    subject: str
    day: int
    text: Change | None = None
    shape: Change | None = None
    personal: Change | None = None

    def to_bytes(self) -> bytes:
        """As MessagePack; made of hashed n-grams, so for the vault."""
        parts = [None if change is None else change.to_bytes() for change in (self.text, self.shape, self.personal)]
        return msgspec.msgpack.encode([self.subject, self.day, *parts])

    @classmethod
    def from_bytes(cls, data: bytes) -> "Update":
        """The inverse of `to_bytes`; ValueError for anything else."""
        try:
            subject, day, *parts = msgspec.msgpack.decode(data, type=tuple[str, int, bytes | None, bytes | None, bytes | None])
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError(f"a recorded update cannot be read: {error}") from None
        text, shape, personal = (None if part is None else Change.from_bytes(part) for part in parts)
        return cls(subject=subject, day=day, text=text, shape=shape, personal=personal)


_ROWS_OF_TEXT = OnlineModel.layout(TEXT_FIELDS)
_ROWS_OF_SHAPE = OnlineModel.layout(SHAPE_FIELDS)
_ROWS_OF_PERSONAL = OnlineModel.layout((PERSONAL_FIELD,))


def features_of(mail: Mail) -> Features:
    """The rows of a message. Never raises."""
    fields = texts(mail)
    return Features(_ROWS_OF_TEXT.rows(fields), _ROWS_OF_SHAPE.rows(fields), _ROWS_OF_PERSONAL.rows(fields))


class TextModel:
    """All text models of one installation. 36 MiB for the text head, 3 MiB for the shape head, 24 KiB for each user who ever reported."""

    def __init__(self, label: str = LABEL) -> None:
        self.label = label
        self.text = OnlineModel(TEXT_FIELDS)
        self.shape = OnlineModel(SHAPE_FIELDS)
        self.offsets = Offsets(PERSONAL_FIELD)
        self.budgets = Budgets()
        self.given = [0, 0]  # the site's labels that stand: benign, abusive; also those that changed nothing

    def score(self, features: Features) -> TextScore:
        """What the shared models say of a message; shape_log_odds is None until labels of both kinds were seen."""
        shape = self.shape.log_odds(features.shape) if all(self.shape.labels) else None
        return TextScore(self.text.log_odds(features.text), shape, sum(self.text.labels))

    def offset(self, subject: str, features: Features) -> float:
        """What a user's own reports add for that user, within ±2.0."""
        return self.offsets.value(subject, features.personal) if subject else 0.0

    def propose(self, features: Features, abusive: bool, subject: str = "", weight: float = 1.0, day: int = 0) -> Update | None:
        """What a label would change; nothing is applied. `day`: the day it was given (any number that grows by one a day), for the
        daily budget of a user. None: the models are sure of it already.
        """
        balance = class_balance(self.given, abusive)
        if not subject:
            text = self.text.propose(features.text, abusive, weight=weight, own_weight=balance)
            shape = self.shape.propose(features.shape, abusive, weight=weight)
            return Update(subject="", day=day, text=text, shape=shape) if text or shape else None
        left, weight = self.budgets.left(subject, day), weight * _USER_WEIGHT
        text = (
            self.text.propose(features.text, abusive, weight=weight, counts=False, ceiling_log_odds=left, own_weight=balance)
            if left
            else None
        )
        shape = self.shape.propose(features.shape, abusive, weight=weight, counts=False, ceiling_log_odds=left) if left else None
        personal = self.offsets.propose(subject, features.personal, abusive, self.text.log_odds(features.text))
        return Update(subject=subject, day=day, text=text, shape=shape, personal=personal) if text or shape or personal else None

    def views(self, features: Features) -> float:
        """What the fields think of a message, each by itself, on average: log-odds."""
        _whole, own = self.text.parts(features.text)
        return sum(own) / len(own)

    def propose_unlabelled(self, features: Features, abusive: bool, weight: float, day: int) -> Update | None:
        """What a message would teach that no person labelled: the text weights only, no counts, no class balance."""
        text = self.text.propose(features.text, abusive, weight=weight, counts=False)
        return Update(subject="", day=day, text=text) if text else None

    def count(self, abusive: bool, sign: int) -> None:
        """The site gave a label (sign 1) or took it back (-1)."""
        self.given[abusive] += sign

    def add(self, update: Update) -> None:
        """Apply an update."""
        if update.text:
            self.text.add(update.text)
        if update.shape:
            self.shape.add(update.shape)
        if update.personal:
            self.offsets.add(update.subject, update.personal)
        self._book(update, 1)

    def subtract(self, update: Update) -> None:
        """Take an update back, to the last unit, in any order and at any distance."""
        if update.text:
            self.text.subtract(update.text)
        if update.shape:
            self.shape.subtract(update.shape)
        if update.personal:
            self.offsets.subtract(update.subject, update.personal)
        self._book(update, -1)

    def _book(self, update: Update, sign: int) -> None:
        text = self.text.bound_log_odds(update.text) if update.text else 0.0
        shape = self.shape.bound_log_odds(update.shape) if update.shape else 0.0
        bound = max(text, shape)
        if update.subject and bound:
            self.budgets.move(update.subject, update.day, bound, sign)

    def explain(self, mail: Mail, top: int = 10) -> list[tuple[str, float, str]]:
        """The words of a message that weighed most: (word, log-odds, field), the heaviest first, `top` for and `top` against."""
        fields = texts(mail)
        found: list[tuple[str, float, str]] = []
        for at, field in enumerate(TEXT_FIELDS):
            found += _words(self.text, at, field, fields[field.name])
        found.sort(key=lambda item: (-item[1], item[0]))
        positive = [item for item in found[:top] if item[1] > 0]
        negative = [item for item in found[-top:] if item[1] < 0]
        return sorted(positive + negative, key=lambda item: (-abs(item[1]), item[0]))

    def snapshot(self) -> bytes:
        """The state of all models; plain numbers and checksums, see learning/tables.py."""
        parts = [self.text.snapshot(), self.shape.snapshot(), self.offsets.snapshot(), self.budgets.snapshot()]
        return MAGIC + msgspec.msgpack.encode([self.label, *parts, self.given])

    def restore(self, data: bytes) -> None:
        """The inverse of `snapshot`. TableError for anything else, and then nothing changes."""
        if data[: len(MAGIC)] != MAGIC:
            raise TableError("this is no stored text model: restore it from a backup or train it anew")
        try:
            label, text, shape, offsets, budgets, given = msgspec.msgpack.decode(
                data[len(MAGIC) :], type=tuple[str, bytes, bytes, bytes, bytes, tuple[int, int]]
            )
        except (msgspec.DecodeError, RecursionError) as error:
            raise TableError(f"the stored text model cannot be read ({error}): restore it from a backup or train it anew") from None
        fresh = TextModel(label)
        fresh.text.restore(text)
        fresh.shape.restore(shape)
        fresh.offsets.restore(offsets)
        fresh.budgets.restore(budgets)
        fresh.given = list(given)
        self.__dict__.update(fresh.__dict__)

    def digest(self) -> str:
        """SHA-256 of the state of all models."""
        parts = (self.text.digest(), self.shape.digest(), self.offsets.digest(), self.budgets.digest())
        return hashlib.sha256("/".join((*parts, repr(self.given))).encode()).hexdigest()


def _words(model: OnlineModel, at: int, field: Field, text: bytes) -> list[tuple[str, float, str]]:
    """The weight of each row, shared among the places where it stands, summed over the words that those places belong to."""
    rows = positions(text, size=field.size, salt=at + 1, bits=field.bits, base=model.layout(model.fields).bases[at])
    if len(rows) == 0:
        return []
    distinct, place, times = np.unique(rows, return_inverse=True, return_counts=True)
    weights = (model.weigh(distinct, len(distinct)) / times)[place]
    breaks = np.fromiter((byte in _WORD_BREAK for byte in text), bool, len(text))
    # An n-gram that begins with the space before a word belongs to that word.
    words: dict[bytes, float] = {}
    sums = np.concatenate(([0.0], np.cumsum(weights)))
    start = taken = 0
    for end in (*np.flatnonzero(breaks).tolist(), len(text)):
        if end > start:
            word = text[start:end][:60]
            upto = min(end, len(weights))
            words[word] = words.get(word, 0.0) + float(sums[upto] - sums[taken])
            taken = upto
        start = end + 1
    return [(word.decode("utf-8", "replace"), weight, field.name) for word, weight in words.items() if weight]


__all__ = ["OFFSET_LIMIT", "Features", "TextModel", "TextScore", "Update", "features_of"]
