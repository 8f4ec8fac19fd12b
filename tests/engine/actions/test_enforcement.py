"""Acts on actions, on a real journal: caps and second persons, keys, undoing twice, expiry, a restart; and what cannot be."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from wardline.base.clock import FixedClock
from wardline.base.ids import Ids
from wardline.base.privacy import Pseudonyms
from wardline.base.storage import StorageFull
from wardline.engine.action import ActionError, Cause, Order, Step
from wardline.engine.actions import ledger as ledger_module
from wardline.engine.actions.enforcement import Enforcement, Limits
from wardline.engine.actions.ledger import Ledger
from wardline.engine.operators.administration import Act, Administration
from wardline.engine.operators.office import Office
from wardline.engine.states.shard import Shard
from wardline.engine.store.journal import Journal

NOW_US = 1_700_000_000_000_000
PSEUDONYMS = Pseudonyms(b"k" * 32)
RULE = Cause(kind="rule", id="login.bulk")


def order(**change: Any) -> Order:
    given = {"kind": "lock", "entity": "account:alice", "ttl_seconds": 3600, "cause": RULE} | change
    return Order(**given)


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(NOW_US)


@pytest.fixture
def enforcement(tmp_path: Path, clock: FixedClock) -> Iterator[Enforcement]:
    with Journal.open(tmp_path / "data", clock=clock) as journal:
        administration, ledger = Administration(), Ledger()
        shard = Shard(journal, (administration, ledger), clock)
        shard.follow("action", ledger)
        office = Office(shard, administration, Ids(clock), str, (), ())
        yield Enforcement(
            shard,
            ledger,
            PSEUDONYMS,
            Ids(clock),
            office.do,
            seal=lambda entity, name: f"{entity}|{name[::-1]}".encode(),
            limits=Limits(per_hour=3, open=10),
        )


def taken(enforcement: Enforcement, action_id: str, phase: Any) -> None:
    entry = enforcement.ledger.entries[action_id]
    enforcement.record(Step(op="delivered", id=action_id, at_us=1, phase=phase), entry)


def acts(enforcement: Enforcement) -> list[tuple[str, str]]:
    import msgspec

    found = [msgspec.msgpack.decode(record.body, type=Act) for record in enforcement.shard.journal.read(1, kinds=("audit",))]
    return [(act.op, act.actor) for act in found]


async def test_an_action_from_begin_to_end(enforcement: Enforcement) -> None:
    entry = await enforcement.request(order(reason="bulk"), actor="policy")
    assert (entry.status, entry.action.entity) == ("requested", PSEUDONYMS.of("account", "alice"))
    records = list(enforcement.shard.journal.read(1, kinds=("action",)))
    assert [(record.id, record.point, record.subject) for record in records] == [(entry.action.id, "action", entry.action.entity)]
    assert b"alice" not in records[0].body and entry.action.sealed.endswith(b"|ecila")
    taken(enforcement, entry.action.id, "begin")
    ended = await enforcement.undo(entry.action.id, actor="ada", reason="the wrong one")
    assert (ended.status, ended.because) == ("ending", "undone")
    taken(enforcement, entry.action.id, "end")
    shown = enforcement.history(entry.action.id)
    assert (shown.status, [step.op for step in shown.steps]) == ("undone", ["requested", "delivered", "undone", "delivered"])
    assert acts(enforcement) == [("action.requested", "policy"), ("action.undone", "ada")]


async def test_undoing_twice_and_two_at_once(enforcement: Enforcement) -> None:
    entry = await enforcement.request(order(), actor="policy")
    taken(enforcement, entry.action.id, "begin")
    one, two = await asyncio.gather(*(enforcement.undo(entry.action.id, actor=who) for who in ("ada", "bob")))
    assert one is two and enforcement.ledger.waiting() == 1
    taken(enforcement, entry.action.id, "end")
    seq = enforcement.shard.journal.last_seq
    again = await enforcement.undo(entry.action.id, actor="ada")
    assert (again.status, enforcement.shard.journal.last_seq) == ("undone", seq)
    assert [step.op for step in enforcement.history(entry.action.id).steps].count("undone") == 1


async def test_what_is_over_ends_by_itself(enforcement: Enforcement, clock: FixedClock) -> None:
    entry = await enforcement.request(order(ttl_seconds=60), actor="policy")
    taken(enforcement, entry.action.id, "begin")
    assert enforcement.expire_due() == 0
    clock.advance_us(60_000_000)
    assert (enforcement.expire_due(), enforcement.expire_due()) == (1, 0)
    assert (entry.status, entry.because) == ("ending", "expired")
    assert (await enforcement.undo(entry.action.id, actor="ada")).because == "expired"  # undoing what has expired changes nothing
    taken(enforcement, entry.action.id, "end")
    assert entry.status == "expired"


async def test_an_expiry_that_cannot_be_recorded_is_not_lost(
    enforcement: Enforcement, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await enforcement.request(order(entity=f"account:{number}", ttl_seconds=60), actor="policy")
    clock.advance_us(60_000_000)
    write = enforcement.shard.write
    calls: list[int] = []

    def full(*args: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise StorageFull("full", "here", "free space")
        return write(*args, **more)

    monkeypatch.setattr(enforcement.shard, "write", full)
    assert enforcement.expire_due() == 1
    assert enforcement.expire_due() == 2


async def test_the_same_key_is_the_same_action(enforcement: Enforcement, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "RECENT_LIMIT", 1)
    first = await enforcement.request(order(key="case 7"), actor="policy")
    assert await enforcement.request(order(key="case 7", ttl_seconds=9), actor="policy") is first
    with pytest.raises(ActionError, match="another action"):
        enforcement.admit(order(key="case 7", entity="account:bob"), actor="policy")
    taken(enforcement, first.action.id, "begin")
    await enforcement.undo(first.action.id, actor="ada")
    taken(enforcement, first.action.id, "end")
    other = await enforcement.request(order(entity="account:bob"), actor="policy")
    await enforcement.undo(other.action.id, actor="ada")
    taken(enforcement, other.action.id, "end")
    assert enforcement.ledger.by_key("case 7") is None  # forgotten, and still known to the journal
    late = await enforcement.request(order(key="case 7"), actor="policy")
    assert (late.action.id, late.status) == (first.action.id, "undone")
    assert enforcement.history(first.action.id).status == "undone"
    assert (await enforcement.undo(first.action.id, actor="ada")).status == "undone"


async def test_beyond_the_cap_a_second_person_is_needed(enforcement: Enforcement, clock: FixedClock) -> None:
    cause = Cause(kind="person", id="ada")
    entries = [await enforcement.request(order(entity=f"account:{number}", cause=cause), actor="ada") for number in range(5)]
    assert [entry.status for entry in entries] == ["requested"] * 3 + ["held"] * 2
    with pytest.raises(ActionError, match="second person"):
        await enforcement.approve(entries[3].action.id, actor="ada")
    assert (await enforcement.approve(entries[3].action.id, actor="bob")).status == "requested"
    assert (await enforcement.refuse(entries[4].action.id, actor="bob", reason="too many")).status == "refused"
    with pytest.raises(ActionError, match="is requested"):
        await enforcement.approve(entries[3].action.id, actor="bob")
    other = await enforcement.request(order(), actor="policy")
    assert other.status == "requested"  # another cause has a cap of its own
    clock.advance_us(3_600_000_000)
    assert (await enforcement.request(order(entity="account:9", cause=cause), actor="ada")).status == "requested"


async def test_dead_letters_are_sent_again(enforcement: Enforcement) -> None:
    entries = [await enforcement.request(order(entity=f"account:{number}"), actor="policy") for number in range(2)]
    for entry in entries:
        enforcement.record(Step(op="failed", id=entry.action.id, at_us=1, phase="begin", tries=3, error="down"), entry)
    assert enforcement.shown(entries[0]).error == "down"
    assert (await enforcement.retry(entries[0].action.id, actor="ada")).status == "requested"
    with pytest.raises(ActionError, match="only what failed"):
        await enforcement.retry(entries[0].action.id, actor="ada")
    assert await enforcement.retry_all(actor="ada") == 1
    await enforcement.undo(entries[0].action.id, actor="ada")
    enforcement.record(Step(op="failed", id=entries[0].action.id, at_us=1, phase="end", tries=3, error="down"), entries[0])
    assert (await enforcement.undo(entries[0].action.id, actor="ada")).status == "ending"  # undoing again sends its end again


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"entity": ""}, "entity: what is meant"),
        ({"entity": "01KAJ5S8ZX"}, "an event is over"),
        ({"entity": {"event": "1"}}, "an event is over"),
        ({"entity": {"planet": "mars"}}, "no kind of entity"),
        ({"entity": "ip:300.1.1.1"}, "192.0.2.7"),
        ({"ttl_seconds": 0}, "every action ends"),
        ({"cause": None}, "cause"),
    ],
)
def test_orders_that_make_no_sense(enforcement: Enforcement, change: dict[str, Any], part: str) -> None:
    with pytest.raises(ActionError, match=part):
        enforcement.admit(order(**change), actor="policy")
    assert not enforcement.shard.journal.last_seq


async def test_ids_that_nobody_knows(enforcement: Enforcement) -> None:
    for act in (enforcement.undo, enforcement.retry, enforcement.approve, enforcement.refuse):
        with pytest.raises(ActionError, match="no action has this id"):
            await act("nope", actor="ada")
    with pytest.raises(ActionError, match="no action has this id"):
        enforcement.history("nope")


async def test_so_many_are_open_and_no_more(enforcement: Enforcement) -> None:
    for number in range(10):
        cause = Cause(kind="case", id=str(number))
        await enforcement.request(order(entity=f"account:{number}", cause=cause), actor="policy")
    with pytest.raises(ActionError, match="10 actions are open"):
        enforcement.admit(order(entity="account:x"), actor="policy")


async def test_clear_names_go_to_the_receiver_alone(enforcement: Enforcement) -> None:
    by_pseudonym = await enforcement.request(order(entity=PSEUDONYMS.of("account", "alice")), actor="policy")
    public = await enforcement.request(order(entity="domain:bad.example"), actor="policy")
    as_object = await enforcement.request(order(entity={"account": "bob"}), actor="policy")
    assert (by_pseudonym.action.sealed, public.action.sealed) == (b"", b"")
    assert as_object.action.sealed.endswith(b"|bob")


async def test_the_journal_alone_makes_the_ledger_again(enforcement: Enforcement, clock: FixedClock) -> None:
    for number in range(8):
        cause = Cause(kind="case", id=str(number % 2))
        entry = await enforcement.request(order(entity=f"account:{number % 3}", cause=cause, ttl_seconds=10 + number), actor="policy")
        if entry.status == "requested" and number % 2:
            taken(enforcement, entry.action.id, "begin")
    clock.advance_us(13_000_000)
    enforcement.expire_due()
    rebuilt = Ledger()
    for record in enforcement.shard.journal.read(1):
        rebuilt.apply(record)
    assert rebuilt.digest() == enforcement.ledger.digest()
    assert {name: list(queue) for name, queue in rebuilt.queues.items()} == {
        name: list(queue) for name, queue in enforcement.ledger.queues.items()
    }
