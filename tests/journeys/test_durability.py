"""A process is killed under load, again and again: whatever it answered is there afterwards, and the journal is readable.

The same walk, longer, as a program: `python benchmarks/kill_nine.py --times 100`.
"""

from pathlib import Path

from benchmarks.kill_nine import missing, run


def test_nothing_answered_is_lost_in_twenty_kills(tmp_path: Path) -> None:
    found = run(tmp_path / "data", times=20, longest_seconds=0.25)
    assert found["kills"] == 20
    assert isinstance(found["answered"], int) and found["answered"] > 100
    assert {name: found[name] for name in ("lost", "damaged", "defects", "vault_entries_unreadable")} == {
        "lost": 0, "damaged": 0, "defects": 0, "vault_entries_unreadable": 0,
    }  # fmt: skip


def test_negative_control_an_id_that_was_never_written_is_missed() -> None:
    assert missing(["a", "b"], {"a": 1}.get) == ["b"]
