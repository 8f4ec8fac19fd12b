"""An event point: decisions, repeats, outcomes that count, modes, broken rules; everything durable before it is answered."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.engine.deciding import desk
from wardline.engine.door import Accepted, Answer, EventError
from wardline.engine.event import Event
from wardline.engine.kept import kept_decision
from wardline.engine.operators.administration import Act


def everything(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


HERE = {"account": "alice", "ip": "192.0.2.7"}


async def test_failures_count_and_the_reason_is_told(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        for number in range(10):
            assert await running.ask("login.outcome", f"o{number}", HERE, result="wrong_password") == Accepted(f"o{number}")
            running.clock.advance_us(1_000_000)
        answer = await running.ask("login", "l1", HERE, client="web")
        assert isinstance(answer, Answer)
        assert (answer.verdict, answer.policy) == ("limit", "login@5")
        assert answer.reasons[0].text.startswith("Ten or more wrong passwords")
        assert answer.obligations


async def test_an_event_reads_before_it_counts(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        for number in range(3):
            await running.ask("signup", f"s{number}", {"ip": "192.0.2.7"})
            running.clock.advance_us(1_000_000)
        stored = kept_decision(running.journal.find_id("decision", "s2"))  # type: ignore[arg-type]
        assert stored is not None and stored.read["signups_ip_1h"] == 2


async def test_a_repeated_id_gets_its_first_answer_and_counts_once(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        first = await running.ask("signup", "s", {"ip": "192.0.2.7"})
        again = await running.ask("signup", "s", {"ip": "198.51.100.1"})
        assert (again.id, again.verdict, again.score) == (first.id, first.verdict, first.score)
        last = running.journal.last_seq
        assert await running.ask("signup.outcome", "o", {"ip": "192.0.2.7"}, result="completed") == Accepted("o")
        assert await running.ask("signup.outcome", "o", {"ip": "192.0.2.7"}, result="completed") == Accepted("o")
        assert running.journal.last_seq == last + 1


async def test_an_id_of_another_event_is_refused(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await running.ask("signup", "same", {"ip": "192.0.2.7"})
        with pytest.raises(EventError, match="id: it was used before"):
            await running.ask("login", "same", HERE)
        await running.ask("login.outcome", "noted", HERE, result="success")
        with pytest.raises(EventError, match="recorded before without a decision"):
            await running.ask("login", "noted", HERE)


@pytest.mark.parametrize(
    ("type", "entities", "fields", "told"),
    [
        ("login", {"ip": "300.1.1.1"}, {}, "entities.ip"),
        ("login", {"account": "x" * 2000}, {}, "entities.account"),
        ("login", {str(n): "x" for n in range(40)} | {f"k{chr(97 + n)}": "x" for n in range(26)}, {}, "at most"),
        ("login", {}, {"client": 7}, "fields.client"),
        ("login", {}, {"client": "Not A Word"}, "fields.client"),
        ("login", {}, {"username_exists": "yes"}, "fields.username_exists"),
        ("login", {}, {"user_agent": ["x"]}, "fields.user_agent"),
        ("login.outcome", {}, {}, "fields.result: needed"),
        ("login.outcome", {}, {"result": "maybe"}, "use one of"),
        ("session", {}, {}, "fields.action: needed"),
        ("signup", {}, {"form_ms": "fast"}, "fields.form_ms"),
        ("signup", {}, {"form_ms": float("nan")}, "fields.form_ms"),
        ("signup.outcome", {}, {"result": 3}, "fields.result"),
    ],
)
async def test_what_cannot_be_read_is_told_and_nothing_is_recorded(
    tmp_path: Path, type: str, entities: dict[str, str], fields: dict[str, object], told: str
) -> None:
    with desk(tmp_path) as running:
        with pytest.raises(EventError) as error:
            await running.ask(type, "bad", entities, **fields)
        assert told in str(error.value)
        assert running.journal.last_seq == 0


async def test_nothing_personal_is_written(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await running.ask(
            "signup",
            "s1",
            {"account": "alice-the-great", "ip": "192.0.2.77", "phone": "+15550100", "strange": "who-is-this"},
            username="alice.great1984",
            display_name="Alice Great",
            email="alice.great@example.com",
            invite="INVITE-77",
            referrer="https://www.example.net/page?user=alice",
            user_agent="AliceBrowser/1.0",
            own_field="Secret Words",
            plan="free",
        )
        running.journal.flush()
    written = everything(tmp_path)
    for word in (b"alice", b"Alice", b"192.0.2.77", b"15550100", b"who-is", b"INVITE", b"Secret"):
        assert word not in written
    for word in (b"example.com", b"www.example.net", b"field.plan", b"free"):
        assert word in written


async def test_observe_and_pause_answer_the_mildest_verdict_and_record_the_true_one(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        for number in range(10):
            await running.ask("login.outcome", f"o{number}", HERE, result="wrong_password")
        running.administration.act(Act(op="pause", actor="test"))
        running.clock.advance_us(1_000_000)
        answer = await running.ask("login", "l1", HERE)
        assert (answer.verdict, answer.obligations, answer.reasons[0].detector) == ("allow", [], "mode")
        stored = kept_decision(running.journal.find_id("decision", "l1"))  # type: ignore[arg-type]
        assert stored is not None and (stored.verdict, stored.mode) == ("limit", "observe")


async def test_a_clock_that_runs_ahead_moves_nothing(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        await running.ask("signup", "s1", {"ip": "192.0.2.7"})
        door = running.door("signup")
        running.clock.advance_us(60_000_000)
        await door.admit(Event(id="far", type="signup", occurred_at=datetime(2099, 1, 1, tzinfo=UTC), entities={"ip": "192.0.2.7"}))
        running.clock.advance_us(60_000_000)
        await running.ask("signup", "s3", {"ip": "192.0.2.7"})
        stored = kept_decision(running.journal.find_id("decision", "s3"))  # type: ignore[arg-type]
        assert stored is not None and stored.read["signups_ip_1h"] == 2


async def test_a_state_of_another_domain_is_read_and_counts_once(tmp_path: Path) -> None:
    with desk(tmp_path) as running:
        for number in range(12):
            entities = {"account": f"a{number}", "ip": f"192.0.2.{number}", "device": "one device"}
            await running.ask("signup", f"s{number}", entities, username=f"name{number}")
            running.clock.advance_us(60_000_000)
        answer = await running.ask("login", "l", {"account": "a0", "ip": "198.51.100.9"})
        stored = kept_decision(running.journal.find_id("decision", "l"))  # type: ignore[arg-type]
        assert stored is not None and stored.read["graph.cluster_size"] == 12
        assert answer.verdict == "challenge" and answer.reasons[0].text.startswith("The account was opened in a series")
        assert sum(state.name == "graph" for state in running.points.states) == 1
