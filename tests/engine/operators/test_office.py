"""Operators' acts on a real journal: checked, journalled, applied; and the shard that carries them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from wardline.base.clock import FixedClock
from wardline.base.ids import Ids
from wardline.base.privacy import Pseudonyms
from wardline.engine.door import Answer
from wardline.engine.event import Event
from wardline.engine.operators.administration import Act, Administration, Held
from wardline.engine.operators.office import Office, OfficeError, normal_value
from wardline.engine.states.shard import Shard
from wardline.engine.store.journal import Journal
from wardline.engine.walk.noted import body_of_event

PSEUDONYMS = Pseudonyms(b"k" * 32)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    clock = FixedClock(1_700_000_000_000_000)
    with Journal.open(tmp_path / "data", clock=clock) as journal:
        state = Administration()
        shard = Shard(journal, (state,), clock)
        yield Office(shard, state, Ids(clock), lambda value: PSEUDONYMS.of("recipient", value), (), ())


async def test_an_act_is_in_the_journal_before_it_is_answered(office: Office) -> None:
    await office.set_mode("mail.in", "tag", actor="ada")
    records = list(office.shard.journal.read(1, kinds=("audit",)))
    assert [msgspec.msgpack.decode(record.body, type=Act).value for record in records] == ["tag"]
    rebuilt = Administration()
    for record in records:
        rebuilt.apply(record)
    assert rebuilt.digest() == office.administration.digest()
    assert {name: digest for name, _seq, digest in office.shard.digests()} == {"administration": rebuilt.digest()}


async def test_personal_values_are_hidden(office: Office) -> None:
    entry = await office.add_entry(
        list_name="block", kind="address", value="Ann@Example.com ", owner="ada", reason="x", ttl_days=1, actor="ada"
    )
    assert entry.value == PSEUDONYMS.of("recipient", "ann@example.com")
    assert entry.shown == "a…@example.com"
    assert entry.expires_s == 1_700_000_000 + 86_400
    removed = await office.remove_entry(list_name="block", value="ann@example.com", actor="ada")
    assert [found.id for found in removed] == [entry.id]


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"list_name": "grey"}, "allow or block"),
        ({"kind": "planet"}, "choose domain"),
        ({"owner": ""}, "owner and reason"),
        ({"reason": ""}, "owner and reason"),
        ({"ttl_days": 0}, "ttl_days"),
        ({"value": ""}, "1 to 320"),
        ({"kind": "ip", "value": "300.1.1.1"}, "not a valid ip"),
        ({"kind": "network", "value": "x/8"}, "not a valid network"),
        ({"kind": "domain", "value": "a" * 64 + ".example"}, "not a valid domain"),
    ],
)
async def test_entries_that_make_no_sense(office: Office, change: dict[str, object], part: str) -> None:
    wanted = {
        "list_name": "block",
        "kind": "domain",
        "value": "bad.example",
        "owner": "ada",
        "reason": "x",
        "ttl_days": 1,
        "actor": "ada",
    } | change
    with pytest.raises(OfficeError, match=part):
        await office.add_entry(**wanted)  # type: ignore[arg-type]
    assert not office.administration.entries


def test_values_have_one_form() -> None:
    assert normal_value("domain", "Bücher.Example.") == "xn--bcher-kva.example"
    assert normal_value("ip", "2001:DB8::0007") == "2001:db8::7"
    assert normal_value("network", "192.0.2.7/24") == "192.0.2.0/24"


async def test_modes_keys_and_what_is_not_there(office: Office) -> None:
    with pytest.raises(OfficeError, match="choose observe"):
        await office.set_mode("mail.in", "attack", actor="ada")
    with pytest.raises(OfficeError, match="scopes"):
        await office.add_key("k", ["everything"], actor="ada")
    with pytest.raises(OfficeError, match="name"):
        await office.add_key("", ["read"], actor="ada")
    with pytest.raises(OfficeError, match="no API key"):
        await office.remove_key("nothing", actor="ada")
    with pytest.raises(OfficeError, match="no such entry"):
        await office.remove_entry(list_name="block", value="x", actor="ada")
    with pytest.raises(OfficeError, match="nothing is on hold"):
        await office.settle("x", "release", actor="ada")


async def test_a_held_message_is_released_by_the_configured_command(office: Office, tmp_path: Path) -> None:
    mark = tmp_path / "released"
    office.commands["release"] = ["touch", str(mark) + "-{queue_id}"]
    held = Held(id="d1", holder="mail server", queue_id="4X", since_s=1_699_999_000, expires_s=1_700_000_500)
    await office.do(Act(op="hold", actor="policy", held=held))
    assert [found.id for found in office.held()] == ["d1"]
    done = await office.settle("d1", "release", actor="ada")
    assert done.ran and done.status == 0
    assert (tmp_path / "released-4X").exists()
    assert office.held() == []


async def test_a_command_that_fails_leaves_the_hold(office: Office) -> None:
    office.commands["drop"] = ["false"]
    await office.do(
        Act(op="hold", actor="policy", held=Held(id="d1", holder="mail server", queue_id="4X", since_s=1, expires_s=2_000_000_000))
    )
    with pytest.raises(OfficeError, match="still on hold"):
        await office.settle("d1", "drop", actor="ada")
    assert "d1" in office.administration.held


async def test_without_a_command_it_is_named(office: Office) -> None:
    await office.do(
        Act(op="hold", actor="policy", held=Held(id="d1", holder="mail server", queue_id="4X", since_s=1, expires_s=2_000_000_000))
    )
    done = await office.settle("d1", "release", actor="ada")
    assert (done.command, done.ran) == (["postsuper", "-H", "4X"], False)


async def test_holds_expire(office: Office) -> None:
    await office.do(Act(op="hold", actor="policy", held=Held(id="d1", holder="caller", queue_id="", since_s=1, expires_s=1_600_000_000)))
    assert office.held() == []
    assert await office.expire_holds() == 1
    assert not office.administration.held


def test_an_event_nobody_decides_keeps_no_identifier() -> None:
    event = Event(
        id="e1",
        type="signup",
        occurred_at=datetime(2026, 1, 1, tzinfo=UTC),
        entities={"ip": "192.0.2.7", "email": "ann@example.com", "planet": "mars"},
        fields={"username": "Ann Example", "payment": "card", "form_ms": 1200, "nested": {"who": "ann@example.com"}, "ok": True},
        flow_id="flow of ann",
    )
    body, keys = body_of_event(event, PSEUDONYMS)
    for trace in (b"192.0.2.7", b"ann", b"Ann", b"mars"):
        assert trace not in body
    kept = msgspec.msgpack.decode(body)
    assert kept["fields"]["payment"] == "card"
    assert kept["fields"]["form_ms"] == 1200
    assert PSEUDONYMS.of("email", "ann@example.com") in keys
    assert event.domain == "signup"
    assert Answer(id="a", verdict="allow", score=0.1).obligations == []


def test_what_names_a_person_is_hidden_even_when_it_looks_like_a_word_or_a_number() -> None:
    event = Event(
        id="e-1",
        type="signup",
        occurred_at=datetime(2026, 11, 21, tzinfo=UTC),
        fields={"username": "alice", "phone": 4915550100, "bob@example.com": 1, "number": 10**30, "form_ms": 1200, "payment": "card"},
    )
    body, _keys = body_of_event(event, PSEUDONYMS)
    fields = msgspec.msgpack.decode(body)["fields"]
    assert not any(part in body for part in (b"alice", b"bob@", b"4915550100"))
    assert (fields["form_ms"], fields["payment"]) == (1200, "card")


@pytest.mark.parametrize("queue_id", ["ALL", "all", "-r", "a b", "4XyzQ;x"])
async def test_a_queue_id_that_is_none_reaches_no_command(office: Office, queue_id: str) -> None:
    held = Held(id="d-1", holder="mail server", queue_id=queue_id, since_s=1, expires_s=2_000_000_000)
    await office.do(Act(op="hold", actor="policy", held=held))
    with pytest.raises(OfficeError, match="queue id"):
        await office.settle("d-1", "drop", actor="ada")
    assert office.held()


async def test_a_command_that_cannot_be_run_is_told(office: Office) -> None:
    office.commands["drop"] = ["/nonexistent/postsuper", "-d", "{queue_id}"]
    await office.do(Act(op="hold", actor="policy", held=Held(id="d-1", holder="x", queue_id="4XyzQ1", since_s=1, expires_s=2_000_000_000)))
    with pytest.raises(OfficeError, match="cannot be run"):
        await office.settle("d-1", "drop", actor="ada")
    assert office.held()


async def test_networks_of_any_length_match(office: Office) -> None:
    for value in ("198.51.100.0/22", "192.0.2.128/25", "192.0.2.7", "2001:db8::/32"):
        await office.add_entry(list_name="block", kind="network", value=value, owner="ada", reason="x", ttl_days=None, actor="ada")
    state = office.administration

    def count(ip: str) -> int:
        return len(list(state.covering(ip, office.now_s())))

    cases = ("198.51.103.9", "198.51.104.1", "192.0.2.129", "::ffff:192.0.2.7", "192.0.2.8", "2001:db8:1::1", "2001:db9::1", "none")
    expected = [1, 0, 1, 1, 0, 1, 0, 0]
    assert [count(ip) for ip in cases] == expected
    again = Administration()
    again.restore(state.snapshot())
    assert [len(list(again.covering(ip, office.now_s()))) for ip in cases] == expected
    await office.remove_entry(list_name="block", value="198.51.100.0/22", actor="ada")
    assert count("198.51.103.9") == 0
