"""A shard: one writer, one order. It puts records into the journal and applies each to every state, once, in order.

    seq, receipt = shard.write("event", "01K…", point="mail.in", body=packed, apply=lambda seq: states.absorb(seq, event))
    await receipt                  # durable, with all that came before

Every state is a pure function of the shard's records: it stores the seq it has applied. Live, a state is given the body it would decode
from the record (`absorb`); after a restart, and in a replay, the record itself (`apply`). A state that listens to what several rooms write
(labels, actions) is named in `follow` for a kind of record and is given each record of that kind. All calls come from the thread that owns the shard.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from wardline.base.clock import Clock
from wardline.engine.record import Record
from wardline.engine.states.snapshot import State, advance
from wardline.engine.store.journal import Journal
from wardline.engine.store.receipt import Receipt


class Shard:
    """The journal of one shard and the states that follow it (shard 0 while there is only one)."""

    def __init__(self, journal: Journal, states: Sequence[State], clock: Clock, number: int = 0) -> None:
        self.journal = journal
        self.states: Mapping[str, State] = {state.name: state for state in states}
        self.clock = clock
        self.number = number
        self._followers: dict[str, list[State]] = {}

    def follow(self, kind: str, state: State) -> None:
        """Give a state every record of a kind as it is written, whoever writes it."""
        self._followers.setdefault(kind, []).append(state)

    def write(
        self,
        kind: str,
        record_id: str,
        *,
        point: str,
        body: bytes,
        subject: str = "",
        keys: tuple[str, ...] = (),
        time_us: int | None = None,
        apply: Callable[[int], None] | None = None,
    ) -> Receipt:
        """Append one record and apply it. time_us: when it was admitted, where that was asked before. Raises StorageFull or StorageBusy before
        anything was changed."""
        record = Record(0, self.number, kind, record_id, self.clock.now_us() if time_us is None else time_us, point, subject, keys, 1, body)
        receipt = self.journal.append(record)
        if apply:
            apply(receipt.seq)
        for state in self._followers.get(kind, ()):
            advance(state, record.with_seq(receipt.seq))
        return receipt

    def catch_up(self) -> None:
        """Every record was applied as it was written: those that are none of a state's business count as applied too. Without this the snapshot
        of a state that rarely has a record of its own would send the next start through the whole journal."""
        for state in self.states.values():
            state.applied_seq = max(state.applied_seq, self.journal.last_seq)

    def digests(self) -> Iterator[tuple[str, int, str]]:
        """Name, applied seq and digest of every state."""
        for state in self.states.values():
            yield state.name, state.applied_seq, state.digest()
