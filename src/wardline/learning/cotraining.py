"""Learning from mail that nobody labelled, while labels are scarce: which messages teach, and how much.

    pairs = CoTraining[Features]()
    pairs.labelled()                            a person's label came in
    if pairs.arrived():
        pair = pairs.seen(3.1, features)        what the views think of a message on average; None, or a Pair to be learned
    pair.benign, pair.abusive, pair.weight      two messages that teach together, and how much of a label they count for

Each field of a message has weights of its own (learning/online.py), so the header, the raw body and the visible words are three views that
err differently. When they are sure of a message on average, the view that is not sure yet may learn from the others (co-training: Blum and
Mitchell, "Combining labeled and unlabeled data with co-training", COLT 1998). Two bounds keep that from running away:

Pairs. A message waits until one of the other kind is there, and both are learned at once. What all mail has in common (a language, a mail
program) is then pushed up and down alike, and a flood of one kind moves nothing: it finds no partners. Without pairs one corpus in four
ended with everything called abuse (docs/experiments/2026-11-21-scarce-labels.md).

Flow. The weight is RATE times the share of recent messages that came without a label. Where every message is labelled nothing happens here.

Memory: at most twice QUEUE_LIMIT messages. The queues and the flow live with the process; what was learned is recorded by the caller.
"""

from collections import deque
from typing import Generic, NamedTuple, TypeVar

Message = TypeVar("Message")

# A message teaches when the views' mean is beyond these. Abuse has to be surer: mail that is only strange must not teach that it is abuse.
SURE_BENIGN_LOG_ODDS = -1.0
SURE_ABUSIVE_LOG_ODDS = 1.2
RATE = 0.7  # of a label
FLOW_MESSAGES = 200  # the label flow is a decayed mean over about so many messages
FLOW_FLOOR = 0.1  # below this share of unlabelled mail nothing is learned from it
QUEUE_LIMIT = 100


class Pair(NamedTuple, Generic[Message]):
    """Two messages to be learned together. `weight`: of a label's, 0 to RATE."""

    benign: Message
    abusive: Message
    weight: float


class CoTraining(Generic[Message]):
    """The two queues and the flow of labels."""

    def __init__(self) -> None:
        self._waiting: tuple[deque[Message], deque[Message]] = (deque(maxlen=QUEUE_LIMIT), deque(maxlen=QUEUE_LIMIT))
        self._labels = 1.0  # a label is told after its message: the first message has none yet
        self._messages = 0.0

    def labelled(self) -> None:
        """A label of a person was learned. Many at once (a first own model) count as a full flow, not as more."""
        self._labels = min(self._labels + 1.0, float(FLOW_MESSAGES))

    @property
    def unlabelled_share(self) -> float:
        """The share of recent messages that came without a label, 0 to 1."""
        return 1.0 - min(1.0, self._labels / max(1.0, self._messages))

    def arrived(self) -> bool:
        """A message arrived; whether it is worth asking the views about it."""
        fading = 1.0 - 1.0 / FLOW_MESSAGES
        self._labels *= fading
        self._messages = self._messages * fading + 1.0
        return self.unlabelled_share > FLOW_FLOOR

    def seen(self, views_log_odds: float, message: Message) -> Pair[Message] | None:
        """A message that `arrived` found worth asking about, and the mean of its views."""
        if SURE_BENIGN_LOG_ODDS <= views_log_odds <= SURE_ABUSIVE_LOG_ODDS:
            return None
        benign, abusive = self._waiting
        (abusive if views_log_odds > 0 else benign).append(message)
        if not benign or not abusive:
            return None
        # The latest of each kind: what arrives now is what has to be understood now.
        return Pair(benign.pop(), abusive.pop(), RATE * self.unlabelled_share)

    def clear(self) -> None:
        """Forget the waiting messages, as when somebody asked to be forgotten."""
        for queue in self._waiting:
            queue.clear()
