"""Administrative acts: a state of the journal, with keys that cannot be read back."""

import pytest

from wardline.engine.operators.administration import Act, Administration, Held, ListEntry, new_key


def entry(
    name: str = "e1", *, kind: str = "domain", value: str = "bad.example", which: str = "block", expires_s: int | None = None
) -> ListEntry:
    return ListEntry(id=name, list=which, kind=kind, value=value, owner="ada", reason="a wave", added_s=1, expires_s=expires_s)


def test_mode_and_pause() -> None:
    state = Administration()
    assert state.mode("mail.in", "observe") == "observe"
    state.absorb(1, Act(op="mode", actor="ada", point="mail.in", value="enforce"))
    assert state.mode("mail.in", "observe") == "enforce"
    state.absorb(2, Act(op="pause", actor="ada"))
    assert state.mode("mail.in", "observe") == "observe"
    state.absorb(3, Act(op="resume", actor="ada"))
    assert state.mode("mail.in", "observe") == "enforce"


def test_a_record_is_applied_once() -> None:
    state = Administration()
    state.absorb(5, Act(op="pause", actor="ada"))
    state.absorb(5, Act(op="resume", actor="ada"))
    state.absorb(4, Act(op="resume", actor="ada"))
    assert state.paused


def test_entries_match_until_they_expire() -> None:
    state = Administration()
    state.act(Act(op="list.add", actor="ada", entry=entry(expires_s=100)))
    assert [found.id for found in state.matches("domain", "bad.example", 99)] == ["e1"]
    assert not list(state.matches("domain", "bad.example", 100))
    assert not list(state.matches("ip", "bad.example", 1))
    state.act(Act(op="list.remove", actor="ada", value="e1"))
    assert not list(state.matches("domain", "bad.example", 1))
    state.act(Act(op="list.remove", actor="ada", value="e1"))


def test_keys_are_known_by_their_digest_alone() -> None:
    state = Administration()
    token, key = new_key("monitoring", ("read",), 1)
    state.act(Act(op="key.add", actor="ada", key=key))
    assert token not in state.snapshot().decode("latin-1")
    assert state.scopes(token) == ("read",)
    for wrong in ("", "wl_", token + "x", token[:-1], token.replace(key.id, "00000000"), "bearer", "wl_" + "\udcff" * 3):
        assert state.scopes(wrong) == ()
    state.act(Act(op="key.remove", actor="ada", value=key.id))
    assert state.scopes(token) == ()


def test_holds() -> None:
    state = Administration()
    state.act(Act(op="hold", actor="policy", held=Held(id="d1", holder="mail server", queue_id="4X", since_s=1, expires_s=9)))
    assert "d1" in state.held
    state.act(Act(op="release", actor="ada", value="d1"))
    assert not state.held


def test_models_are_promoted_and_taken_back_in_turn() -> None:
    state = Administration()
    state.act(Act(op="model.rollback", actor="ada", point="signup"))
    for name in ("a", "b"):
        state.act(Act(op="model.promote", actor="ada", point="signup", value=name))
    assert (state.model("signup"), state.model("login")) == ("b", "")
    for left in ("a", "", ""):
        state.act(Act(op="model.rollback", actor="ada", point="signup"))
        assert state.model("signup") == left
    for number in range(40):
        state.act(Act(op="model.promote", actor="ada", point="signup", value=f"m{number}"))
    assert state.model("signup") == "m39" and len(state.models["signup"]) == 16


def test_snapshot_and_restore_are_inverse() -> None:
    state = Administration()
    state.act(Act(op="mode", actor="ada", point="mail.in", value="tag"))
    state.act(Act(op="list.add", actor="ada", entry=entry()))
    state.act(Act(op="key.add", actor="ada", key=new_key("k", ("admin",), 1)[1]))
    state.act(Act(op="hold", actor="policy", held=Held(id="d1", holder="caller", queue_id="", since_s=1, expires_s=9)))
    state.act(Act(op="model.promote", actor="ada", point="signup", value="signup-2026-11-26"))
    other = Administration()
    other.restore(state.snapshot())
    assert other.digest() == state.digest() and other.model("signup") == "signup-2026-11-26"
    assert [found.id for found in other.matches("domain", "bad.example", 1)] == ["e1"]
    with pytest.raises(ValueError):
        other.restore(b"nonsense")


def test_an_unknown_act_changes_nothing() -> None:
    state = Administration()
    before = state.digest()
    state.absorb(1, Act(op="something.newer", actor="ada", value="x"))
    assert state.digest() == before
