"""The rulebook: a pure function of its acts; stages, one live version, counting, snapshots."""

import msgspec
import pytest

from wardline.engine.kept import KeptDecision, pack
from wardline.engine.record import Record
from wardline.engine.rules.rulebook import RULES_LIMIT, VERSIONS_LIMIT, Evidence, RuleAct, Rulebook


def put(name: str, number: int, text: str = "text") -> RuleAct:
    return RuleAct(op="rule.put", actor="ada", point="login", value=name, version=number, text=text)


def stage(name: str, number: int, to: str, **more: object) -> RuleAct:
    return RuleAct(op="rule.stage", actor="ada", value=name, version=number, stage=to, **more)  # type: ignore[arg-type]


def book(*acts: RuleAct) -> Rulebook:
    found = Rulebook()
    for seq, act in enumerate(acts, 1):
        found.absorb(seq, act, seq * 1_000_000)
    return found


def decision(seq: int, hits: tuple[str, ...] = (), shadow: tuple[str, ...] = ()) -> Record:
    kept = KeptDecision(id=str(seq), type="login", occurred_us=0, facts={}, read={}, verdict="allow", score=0.0, hits=hits, shadow=shadow)
    return Record(seq, 0, "decision", str(seq), 0, "login", "", (), 1, pack(kept))


def test_evidence_moves_a_draft_on_and_never_back() -> None:
    found = book(
        put("one", 1),
        RuleAct(op="rule.evidence", actor="ada", value="one", version=1, stage="backtested", evidence=Evidence(at_us=1, actor="ada")),
    )
    assert found.find("one").stage == "backtested"  # type: ignore[union-attr]
    found.absorb(
        9, RuleAct(op="rule.evidence", actor="ada", value="one", version=1, stage="tested", evidence=Evidence(at_us=1, actor="ada"))
    )
    assert found.find("one").stage == "backtested"  # type: ignore[union-attr]


@pytest.mark.parametrize("stage", ["", "no_stage", "live"])
def test_evidence_for_a_stage_that_has_none_changes_nothing(stage: str) -> None:
    found = book(put("one", 1))
    before = found.digest()
    act = RuleAct(op="rule.evidence", actor="ada", value="one", version=1, stage=stage, evidence=Evidence(at_us=1, actor="ada"))
    found.apply(Record(2, 0, "audit", "x", 0, "rules", "", (), 1, msgspec.msgpack.encode(act)))
    assert found.digest() == before and found.applied_seq == 2


def test_one_version_is_live_and_one_is_tried_beside_it() -> None:
    found = book(put("one", 1), stage("one", 1, "live"), put("one", 2), stage("one", 2, "shadow"))
    assert [version.id for version in found.running("login")] == ["one@1", "one@2"]
    found.absorb(9, stage("one", 2, "live"))
    assert [version.id for version in found.running()] == ["one@2"]
    assert "took its place" in found.find("one", 1).reason  # type: ignore[union-attr]


def test_decisions_are_counted_from_the_beginning_of_a_stage() -> None:
    found = book(put("one", 1), stage("one", 1, "shadow"))
    found.apply(decision(10, shadow=("one@1",)))
    found.apply(decision(11))
    found.apply(decision(11))  # once per record
    version = found.find("one")
    assert version is not None and (version.seen, version.hits) == (2, 1)
    found.absorb(12, stage("one", 1, "canary", share=0.1))
    assert (version.seen, version.hits, version.share) == (0, 0, 0.1)


def test_a_snapshot_and_the_records_give_the_same_book() -> None:
    acts = [put("one", 1), stage("one", 1, "shadow"), put("two", 1), stage("two", 1, "live"), stage("one", 1, "expired", reason="over")]
    first = book(*acts)
    again = Rulebook()
    for seq, act in enumerate(acts, 1):
        again.apply(Record(seq, 0, "audit", str(seq), seq * 1_000_000, "rules", "", (), 1, msgspec.msgpack.encode(act)))
    third = Rulebook()
    third.restore(first.snapshot())
    assert first.digest() == again.digest() == third.digest()
    assert [version.id for version in third.running()] == ["two@1"]


def test_other_acts_and_damaged_ones_change_nothing() -> None:
    found = book(put("one", 1))
    before = found.digest()
    for body in (msgspec.msgpack.encode({"op": "pause", "actor": "x"}), b"\xc1", b"", msgspec.msgpack.encode({"op": 1})):
        found.apply(Record(found.applied_seq + 1, 0, "audit", "x", 0, "administration", "", (), 1, body))
    assert found.digest() == before


def test_old_versions_are_dropped_but_never_one_that_runs() -> None:
    acts = [put("one", 1), stage("one", 1, "live")]
    acts += [put("one", number) for number in range(2, VERSIONS_LIMIT + 10)]
    found = book(*acts)
    assert len(found.rules["one"]) == VERSIONS_LIMIT
    assert found.find("one", 1) is not None


def test_a_full_book_forgets_the_rule_that_ended_first_and_none_that_may_come_back() -> None:
    found = book(*(put(f"rule_{number}", 1) for number in range(RULES_LIMIT)))
    seq = RULES_LIMIT

    def act(done: RuleAct) -> None:
        nonlocal seq
        seq += 1
        found.absorb(seq, done, seq)

    act(put("one_more", 1))
    assert found.find("one_more") is None and not found.has_room("one_more") and found.has_room("rule_7")
    act(stage("rule_5", 1, "expired"))
    act(stage("rule_3", 1, "quarantined"))
    act(stage("rule_9", 1, "live"))
    act(put("rule_9", 2))
    act(stage("rule_9", 2, "expired"))  # the version before it still runs
    for name, gone in (("one_more", "rule_5"), ("another", "rule_3")):
        act(put(name, 1))
        assert found.find(name) is not None and found.find(gone) is None
    act(put("third", 1))
    assert found.find("third") is None and len(found.rules) == RULES_LIMIT
    assert [version.id for version in found.running()] == ["rule_9@1"]
