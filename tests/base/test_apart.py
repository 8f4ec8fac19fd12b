"""A process beside the program: what it says, how it fails, and that it ends with the program."""

import threading
import time
from pathlib import Path

import pytest

from wardline.base.apart import Apart, Ended


def test_what_goes_in_and_comes_out() -> None:
    echo = "import sys; sys.stdout.buffer.write(sys.stdin.buffer.read()[::-1])"
    assert Apart().run(["-c", echo], b"abc", timeout_seconds=60) == (0, b"cba", "")


@pytest.mark.parametrize(
    ("code", "fault"), [("raise SystemExit(3)", "it ended with status 3"), ("1 / 0", "ZeroDivisionError: division by zero")]
)
def test_how_it_failed(code: str, fault: str) -> None:
    finished = Apart().run(["-c", code], b"x" * 100_000, timeout_seconds=60)
    assert finished.status and finished.fault == fault


def test_nothing_is_imported_from_where_the_program_was_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "msgspec.py").write_text("raise SystemExit('taken over')")
    assert Apart().run(["-c", "import msgspec"], b"", timeout_seconds=60).status == 0


def test_one_that_does_not_end_is_ended() -> None:
    apart = Apart()
    with pytest.raises(TimeoutError, match="did not end within 0 seconds"):
        apart.run(["-c", "import time; time.sleep(600)"], b"", timeout_seconds=0.2)
    assert not apart.running


def test_it_ends_with_the_program_and_none_begins_afterwards() -> None:
    apart, raised = Apart(), []

    def wait() -> None:
        try:
            apart.run(["-c", "import time; time.sleep(600)"], b"", timeout_seconds=600)
        except Ended as error:
            raised.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not apart.running:
        time.sleep(0.01)
    apart.close()
    thread.join(60)
    assert not thread.is_alive() and raised
    with pytest.raises(Ended):
        apart.run(["-c", ""], b"", timeout_seconds=60)
