"""The program from inside: recipients, users, poisoning, states after a restart, replay's negative controls, damaged models, a full disk."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from learning.history.builders import login

from wardline import Wardline
from wardline.app import Program
from wardline.base.config import Config, Mail, Store
from wardline.base.storage import StorageError, StorageFull
from wardline.client import event
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import examine
from wardline.domains.mail.sender import authentication
from wardline.engine.door import Accepted, EventError
from wardline.engine.event import Event
from wardline.engine.operators.office import OfficeError
from wardline.engine.rules.ruledesk import Caps


def message(number: int, words: str, sender: str = "s@example.com") -> bytes:
    return (
        f"From: {sender}\r\nTo: b@example.net\r\nSubject: {words.split()[0]} {number}\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\n"
        f"Message-ID: <{number}.{words[:3]}@example.com>\r\n\r\n{words} {number}\r\nand {words[::-1]} once more\r\n"
    ).encode()


SPAM = "cheap pills order now unbelievable discount pharmacy without prescription"
HAM = "minutes of the weekly meeting agenda project schedule review and travel plans"


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Wardline]:
    with Wardline(tmp_path / "data", starter=False) as running:
        yield running


def taught(program: Wardline, count: int = 15) -> None:
    for number in range(count):
        program.learn_mail(message(number, SPAM), abusive=True)
        program.learn_mail(message(number, HAM), abusive=False)


def states(program: Wardline) -> dict[str, str]:
    return {name: digest for name, _seq, digest in program.program.shard.digests()}


def test_a_restart_finds_every_state_as_it_was(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data", starter=False) as first:
        taught(first)
        first.check_mail(message(1, SPAM), Envelope(client_ip="192.0.2.7", recipients=("b@example.net",)))
        before = states(first)
    for path in (tmp_path / "data" / "snapshots").iterdir():
        path.unlink()  # without snapshots everything comes from the journal and the vault
    with Wardline(tmp_path / "data", starter=False) as second:
        assert states(second) == before


def test_a_duty_of_upkeep_that_fails_keeps_no_other_from_being_done(program: Wardline, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = program.program
    done: list[str] = []

    def broken(*_: Any) -> Any:
        raise StorageError("the history is damaged", "history", "Restore it.")

    monkeypatch.setattr("wardline.app.HISTORY_FROM_RECORDS", -1)
    monkeypatch.setattr(inner, "_has_history", lambda: True)
    for name in ("compact_when_due", "expire"):
        monkeypatch.setattr(inner.keeper, name, broken)
    monkeypatch.setattr(inner.saving, "save", broken)
    monkeypatch.setattr(inner.journal, "expire", lambda *_: done.append("journal"))
    program._call(inner.tend(expires=True))
    assert done == ["journal"]
    program._call(inner.tend(expires=False))
    assert done == ["journal"]


def test_a_damaged_snapshot_is_passed_over(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data", starter=False) as first:
        taught(first, 5)
        before = states(first)
    for path in (tmp_path / "data" / "snapshots").iterdir():
        path.write_bytes(path.read_bytes()[:-7] + b"garbage")
    with Wardline(tmp_path / "data", starter=False) as second:
        assert states(second) == before


def test_labels_in_any_order_are_taken_back_exactly(program: Wardline) -> None:
    empty = states(program)["text"]
    taught(program, 6)
    assert states(program)["text"] != empty
    for number in (3, 0, 5, 1, 4, 2):
        program.unlearn_mail(message(number, HAM))
    for number in range(6):
        program.unlearn_mail(message(number, SPAM))
    assert states(program)["text"] == empty


def test_the_other_label_replaces_the_first(program: Wardline) -> None:
    empty = states(program)["text"]
    program.learn_mail(message(1, SPAM), abusive=False)
    program.learn_mail(message(1, SPAM), abusive=True)
    once = states(program)["text"]
    program.unlearn_mail(message(1, SPAM))
    assert states(program)["text"] == empty != once


def test_one_user_cannot_turn_the_filter_for_others(program: Wardline) -> None:
    """All reports of one user aimed at one honest sender: others must go on getting that sender's mail."""
    taught(program)
    victim = message(900, HAM, sender="newsletter@example.org")
    others = Envelope(recipients=("somebody.else@example.net",))
    before = program.check_mail(victim, others)
    assert before.verdict == "allow"
    for number in range(300):
        program.learn_mail(message(1000 + number, HAM, sender="newsletter@example.org"), abusive=True, user="mallory@example.net")
    after = program.check_mail(message(901, HAM, sender="newsletter@example.org"), others)
    assert after.verdict == "allow"
    moved = program.check_mail(message(902, HAM, sender="newsletter@example.org"), Envelope(recipients=("mallory@example.net",)))
    assert moved.log_odds >= after.log_odds


def test_one_message_has_one_answer_and_stricter_recipients_get_theirs_apart(program: Wardline) -> None:
    taught(program)
    own = ("strict@example.net", "mild@example.net")
    for number in range(40):
        program.learn_mail(message(2000 + number, HAM), abusive=True, user=own[0])
    both = program.check_mail(message(3000, HAM), Envelope(recipients=own))
    alone = program.check_mail(message(3001, HAM), Envelope(recipients=(own[1],)))
    assert both.verdict == alone.verdict == "allow"
    assert set(both.recipients) <= {own[0]}


def test_fifty_thousand_recipients(program: Wardline) -> None:
    many = tuple(f"r{number}@example.net" for number in range(50_000))
    answer = program.check_mail(message(1, HAM), Envelope(recipients=many))
    assert answer.id


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 5000,
        b"\r" * 5000,
        b"no message at all",
        b"From: a@example.com\r\n\r\n" + b"x" * 2_000_000,
        b"Content-Type: text/plain; charset=klingon\r\n\r\n\xff\xfe",
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" * 5000,
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!!" + b"A" * 1001,
        b"Subject: " + b"=?utf-8?q?" * 20_000 + b"\r\n\r\n",
        b"To: " + b"a@example.com, " * 50_000 + b"\r\n\r\nhello",
    ],
    ids=["empty", "nul", "cr", "no_message", "large", "charset", "nested", "base64", "words", "addresses"],
)
def test_bad_input_gets_a_verdict(program: Wardline, raw: bytes) -> None:
    answer = program.check_mail(raw)
    assert answer.verdict in ("allow", "tag", "junk", "quarantine")
    assert program.program.point.recorded(answer.id) is not None


def test_replay_finds_what_was_changed(program: Wardline) -> None:
    taught(program, 3)
    for number in range(5):
        program.check_mail(message(number, SPAM), Envelope(client_ip="192.0.2.7", recipients=("b@example.net",)))
    report = program.program.replay_now()
    assert (report.replayed, report.features_replayed, report.different) == (5, 5, 0), report
    for number in range(5):
        assert program.program.replay_now(corrupt=number).different >= 1
    assert program.program.expire() == 0  # retention that finds nothing of its age leaves the journal whole
    assert program.program.replay_now() == report


def test_an_id_that_was_decided_gets_its_first_answer(program: Wardline) -> None:
    async def decide(raw: bytes) -> Any:
        return await program.program.point.decide(raw, Envelope(), source="test", decision_id="mine")

    first = asyncio.run_coroutine_threadsafe(decide(message(1, SPAM)), program._loop).result()
    second = asyncio.run_coroutine_threadsafe(decide(message(2, HAM)), program._loop).result()
    assert (first.id, first.score, first.verdict) == (second.id, second.score, second.verdict)


@pytest.mark.parametrize("content", [b"", b"WLFROZEN1 and then nothing that makes sense" * 10, None])
def test_a_damaged_starter_is_left_out(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "starter.bin"
    if content is not None:
        path.write_bytes(content)
    with Wardline(tmp_path / "data", Config(mail=Mail(starter=str(path)))) as running:
        assert "+" not in running.program.text.label
        assert running.check_mail(message(1, HAM)).verdict == "allow"


def test_the_shipped_starter_serves(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data") as running:
        assert "+starter-" in running.program.text.label


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    async def run() -> None:
        program = Program.open(tmp_path / "data", Config(store=Store(min_free_bytes=0)), starter=False)
        files = program.journal.folder.files
        kept = await program.mail.decide(message(1, HAM), Envelope(), source="test")
        free = files.free_bytes
        program.journal._room.min_free_bytes = 1 << 30
        files.free_bytes = lambda path: 5  # type: ignore[method-assign]
        program.journal._room._looked_ns = -(10**12)
        with pytest.raises(StorageFull, match="free"):
            await program.mail.decide(message(2, HAM), Envelope(), source="test")
        files.free_bytes = free  # type: ignore[method-assign]
        program.journal._room._looked_ns = -(10**12)
        program.journal._room.min_free_bytes = 0
        again = await program.mail.decide(message(3, HAM), Envelope(), source="test")
        assert program.point.recorded(kept.id) and program.point.recorded(again.id)
        await program.close()

    asyncio.run(run())


def test_the_modes_begin_as_configured(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data", Config(mail=Mail(mode="tag")), starter=False) as running:
        assert running.check_mail(message(1, HAM)).mode == "tag"


def test_bodies_are_kept_only_where_asked_for(tmp_path: Path) -> None:
    with Wardline(tmp_path / "without", starter=False) as running:
        answer = running.check_mail(message(1, SPAM))
        assert running.program.point.kept_body(answer.id) is None
    with Wardline(tmp_path / "with", Config(store=Store(keep_bodies=True)), starter=False) as running:
        taught(running)
        answer = running.check_mail(message(1, SPAM), Envelope(recipients=("b@example.net",)))
        assert running.program.point.kept_body(answer.id) == message(1, SPAM)
        explanation = running.program.explainer.stored(answer.id)
        assert explanation is not None and explanation.words
    content = b"".join(path.read_bytes() for path in (tmp_path / "with").rglob("*") if path.is_file())
    assert b"cheap pills" not in content


def test_nobody_writes_records_of_the_mail_point_but_the_mail_point(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data", starter=False) as program:
        forged = Event(id="e-1", type="mail.in", occurred_at=datetime(2026, 11, 21, tzinfo=UTC))
        with pytest.raises(EventError, match="type"):
            program.program.note(forged)
        assert not list(program.program.journal.read(1, kinds=("event",)))


def test_an_event_that_comes_again_is_recorded_once(program: Wardline) -> None:
    event = Event(id="e-1", type="login", occurred_at=datetime(2026, 11, 21, tzinfo=UTC))

    async def noted() -> Any:
        return await program.program.note(event)

    for _ in range(3):
        assert program._call(noted()) == Accepted("e-1")
    assert len(list(program.program.journal.read(1, kinds=("event",)))) == 1


def test_two_requests_with_one_id_at_once_get_one_decision(program: Wardline) -> None:
    point = program.program.point
    envelope = Envelope(recipients=("b@example.net",))

    async def both() -> list[Any]:
        asked = [point.decide(message(1, SPAM) + b"x" * 200_000, envelope, source="http", decision_id="k1") for _ in range(4)]
        return await asyncio.gather(*asked)

    answers = program._call(both())
    assert {answer.id for answer in answers} == {"k1"}
    assert len({(answer.verdict, answer.score) for answer in answers}) == 1
    assert len(list(program.program.journal.read(1, kinds=("decision",)))) == 1
    assert not point._deciding


def test_what_is_shared_hears_a_user_once(program: Wardline) -> None:
    """300 reports of one user, each of a message that was judged: copies and reputation count them as one, and taking them back leaves none."""
    point = program.program.point
    arrived = Envelope(client_ip="192.0.2.7", recipients=("mallory@example.net",))
    reported = [message(1000 + number, HAM) for number in range(12)]
    for raw in reported:
        program.check_mail(raw, arrived)
        program.learn_mail(raw, abusive=True, user="mallory@example.net")
    network = point.names._of("network", "192.0.2.0/24")
    now_s = point.shard.clock.now_us() // 1_000_000

    def shared() -> tuple[int, float]:
        known = point.counters.reputation.read(network, now_s)
        examined = examine(reported[0], arrived, point.settings, point.detectors)
        return point.counters.near.read(int(examined.near, 16), now_s).spam, known[0] if known else 0.0

    assert shared() == (1, 0.5)
    program.learn_mail(reported[0], abusive=True, user="somebody.else@example.net")
    assert shared() == (2, 1.0)
    for raw in reported:
        program.unlearn_mail(raw, user="mallory@example.net")
    assert shared() == (1, 0.5)
    program.learn_mail(reported[5], abusive=True, user="mallory@example.net")
    assert shared() == (2, 1.0)


def test_a_backup_is_for_its_owner_alone_and_says_why_it_cannot_be(program: Wardline, tmp_path: Path) -> None:
    (tmp_path / "copy").mkdir(mode=0o755)
    program._call(program.program.backup(str(tmp_path / "copy")))
    assert {path.stat().st_mode & 0o077 for path in (tmp_path / "copy").rglob("*") if path.is_file()} == {0}
    (tmp_path / "file").write_text("x")
    for path in (str(tmp_path / "file" / "below"), "\0"):
        with pytest.raises((OfficeError, StorageError), match="backup"):
            program._call(program.program.backup(path))


def test_authentication_that_breaks_leaves_a_decision(program: Wardline, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(*_arguments: object, **_named: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(authentication, "verify", breaks)
    answer = program.check_mail(message(1, HAM), Envelope(client_ip="192.0.2.7"))
    stored = program.program.point.recorded(answer.id)
    assert stored is not None and stored.values["auth.unknown"] == ["failed"]


MAIL_RULE = """
rule: subject_of_the_day
point: mail.in
owner: ada
expires: 2099-12-31
when: mail.size_bytes > 10 and text.log_odds < 100
verdict: tag
reason: "A message of {mail.size_bytes} bytes."
cases:
  - {given: {mail.size_bytes: 11, text.log_odds: 1}, expect: hit}
  - {given: {mail.size_bytes: 9, text.log_odds: 1}, expect: miss}
"""


def test_rules_join_the_decisions_about_mail(program: Wardline) -> None:
    desk = program.program.points.desk

    async def roll_out() -> None:
        desk.caps = Caps(shadow_decisions=0, canary_decisions=0, second_person=(), second_person_share=2.0)
        version = await desk.put(MAIL_RULE.encode(), "rule.yaml", actor="ada")
        await desk.show(version.name, "backtested", {"hit_share": 1.0}, actor="ada")
        await desk.move(version.name, "shadow", actor="ada")

    async def go_live() -> None:
        await desk.move("subject_of_the_day", "canary", actor="ada", share=0.5)
        await desk.move("subject_of_the_day", "live", actor="ada")

    program._call(roll_out())
    watched = program.check_mail(message(1, HAM), Envelope(recipients=("b@example.net",)))
    stored = program.program.point.recorded(watched.id)
    assert stored is not None and (watched.verdict, stored.shadow) == ("allow", ("subject_of_the_day@1",))
    program._call(go_live())
    acted = program.check_mail(message(2, HAM), Envelope(recipients=("b@example.net",)))
    assert acted.verdict == "tag" and acted.reasons[0].text.startswith("A message of")
    version = program.program.points.rulebook.find("subject_of_the_day")
    assert version is not None and (version.seen, version.hits) == (1, 1)
    report = program.program.replay_now()
    assert (report.replayed, report.different, report.unknown_policy) == (2, 0, 0)
    assert program.program.replay_now(corrupt=0).different >= 1


def test_a_rule_of_mail_is_the_same_after_a_restart(tmp_path: Path) -> None:
    with Wardline(tmp_path / "data", starter=False) as first:
        desk = first.program.points.desk

        async def watch() -> None:
            version = await desk.put(MAIL_RULE.encode(), "rule.yaml", actor="ada")
            await desk.show(version.name, "backtested", {}, actor="ada")
            await desk.move(version.name, "shadow", actor="ada")

        first._call(watch())
        first.check_mail(message(1, HAM))
        before = states(first)
    for path in (tmp_path / "data" / "snapshots").iterdir():
        path.unlink()
    with Wardline(tmp_path / "data", starter=False) as second:
        assert states(second) == before


def test_the_forgotten_leave_the_history_and_a_backup_has_the_rest(program: Wardline, tmp_path: Path) -> None:
    inner = program.program
    person = inner.names.recipient("b@example.net")
    for seq in range(1, 7):
        keys = (person,) if seq % 2 else ()
        inner.journal.append(msgspec.structs.replace(login(seq, at_us=inner.clock.now_us(), keys=keys), seq=0))
    inner.keeper.compact(apart=True)
    program._call(inner.forget("b@example.net"))
    assert inner.keeper.history.manifest().rows == 3 and inner.keeper.verify() == []
    assert inner.expire() == 0
    program._call(inner.backup(str(tmp_path / "copy")))
    assert {path.suffix for path in (tmp_path / "copy" / "history").rglob("*")} >= {".parquet", ".json"}


def test_a_snapshot_saves_the_next_start_the_whole_journal(tmp_path: Path) -> None:
    event = Event(id="e-1", type="login", occurred_at=datetime(2026, 11, 21, tzinfo=UTC))
    with Wardline(tmp_path / "data", starter=False) as running:

        async def note_and_save() -> None:
            await running.program.note(event)
            await asyncio.gather(running.program.saving.save(), running.program.saving.save())

        running._call(note_and_save())
        last_seq = running.program.journal.last_seq
        taken = {name: max(seq for _, seq, _ in running.program.snapshots.files(name)) for name in running.program.shard.states}
        assert set(taken.values()) == {last_seq}, "no state has had a record of its own, and none needs the journal again"
    with Wardline(tmp_path / "data", starter=False) as again:
        assert again.program.recovered == 0


def test_an_account_is_forgotten_by_its_name(program: Wardline) -> None:
    inner = program.program
    person = inner.pseudonyms.of("account", "alice")
    for seq in range(1, 5):
        facts: dict[str, Any] = {"account": person} if seq % 2 else {}
        record = login(seq, at_us=inner.clock.now_us(), facts=facts, keys=(person,) if seq % 2 else ())
        inner.journal.append(msgspec.structs.replace(record, seq=0))
    inner.keeper.compact()
    assert program._call(inner.forget("account:alice"))["erased_records"] == 2
    assert inner.keeper.history.manifest().rows == 2
    with pytest.raises(OfficeError, match="1 to 1024 characters"):
        program._call(inner.forget("account:"))


def test_forgetting_an_account_reaches_every_byte(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with Wardline(folder, starter=False) as program:
        running = program.program
        door = next(door for door in running.points.doors if door.point == "login")

        async def decide(account: str) -> str:
            for _ in range(3):
                await door.admit(event("login", entities={"account": account, "ip": "192.0.2.7"}, fields={"client": "web"}))
                await door.note(event("login.outcome", entities={"account": account}, fields={"result": "success"}))
            return running.pseudonyms.of("account", account)

        alice, bob = program._call(decide("alice")), program._call(decide("bob"))
        running.keeper.compact()
        program._call(running.saving.save())
        assert program._call(running.forget("account:alice"))["erased_records"] == 6
    written = b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())
    assert alice.encode() not in written and alice.encode()[8:] not in written
    assert bob.encode() in written


MAIL_COUNTER_RULE = """
rule: many_from_one_account
point: mail.in
owner: ada
expires: 2099-12-31
counters:
  mails_account_1h: {count: mail.in, by: account, window: 1h}
when: mails_account_1h >= 3
verdict: tag
reason: "{mails_account_1h} messages were handed over by this account within an hour."
cases:
  - {given: {mails_account_1h: 3}, expect: hit}
  - {given: {mails_account_1h: 2}, expect: miss}
"""


def test_a_rule_of_mail_counts_what_an_account_sends(tmp_path: Path) -> None:
    outgoing = Envelope(authenticated_user="alice", recipients=("b@example.net",), direction="out")
    with Wardline(tmp_path / "data", starter=False) as first:
        desk = first.program.points.desk
        for number in range(3):
            first.check_mail(message(number, HAM), outgoing)

        async def watch() -> None:
            version = await desk.put(MAIL_COUNTER_RULE.encode(), "rule.yaml", actor="ada")
            await desk.show(version.name, "backtested", {}, actor="ada")
            await desk.move(version.name, "shadow", actor="ada")

        first._call(watch())
        stored = first.program.point.recorded(first.check_mail(message(7, HAM), outgoing).id)
        assert stored is not None and stored.values["mails_account_1h"] == 3 and stored.shadow == ("many_from_one_account@1",)
        assert stored.values["account"] == first.program.pseudonyms.of("account", "alice")
        other = first.program.point.recorded(first.check_mail(message(8, HAM), Envelope()).id)
        assert other is not None and other.values["mails_account_1h"] is None
        assert first.program.replay_now().different == 0
        before = states(first)
    for path in (tmp_path / "data" / "snapshots").iterdir():
        path.unlink()
    with Wardline(tmp_path / "data", starter=False) as second:
        assert states(second) == before
        again = second.program.point.recorded(second.check_mail(message(9, HAM), outgoing).id)
        assert again is not None and again.values["mails_account_1h"] == 4
