"""A copy of the process: its states stand still while the program goes on, and whatever goes wrong with it is told and leaves nothing behind."""

import asyncio
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wardline.base.storage import Folder
from wardline.engine.states.copied import PIPE_BYTES, Copied, Uncopied


class Content:
    def __init__(self, name: str, content: bytes) -> None:
        self.name, self.content = name, content

    def snapshot(self) -> bytes:
        return self.content


class Silent(Content):
    def snapshot(self) -> bytes:
        time.sleep(60)
        return b""


class Fails(Content):
    def snapshot(self) -> bytes:
        raise RuntimeError


class Dies(Content):
    def snapshot(self) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""


def gone(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.fixture
def pipes() -> Iterator[None]:
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    yield
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before


def test_the_copy_tells_what_was_while_the_program_goes_on(pipes: None) -> None:
    states = [Content("small", b"one"), Content("empty", b""), Content("large", bytes(3 * PIPE_BYTES + 1))]
    copy = Copied(states)
    for state in states:
        state.content = b"later"
    found = {name: b"".join(parts) for name, parts in copy.contents()}
    copy.end()
    assert found == {"small": b"one", "empty": b"", "large": bytes(3 * PIPE_BYTES + 1)}
    assert gone(copy.process_id)


@pytest.mark.parametrize("bad", [Fails, Dies])
def test_a_copy_that_ends_too_early_is_told(pipes: None, bad: type[Content]) -> None:
    copy = Copied([Content("first", b"one"), bad("second", b"")])
    found = copy.contents()
    assert next(found) == ("first", [b"one"])
    with pytest.raises(Uncopied, match="ended before it had told everything"):
        next(found)
    copy.end()
    assert gone(copy.process_id)


def test_a_copy_that_is_silent_is_not_waited_for(pipes: None) -> None:
    copy = Copied([Silent("silent", b"")], silent_seconds=0.05)
    with pytest.raises(Uncopied, match="silent"):
        list(copy.contents())
    copy.end()
    assert gone(copy.process_id)


def test_no_process_to_be_had_is_told(pipes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> int:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refused)
    with pytest.raises(Uncopied, match="Resource temporarily unavailable"):
        Copied([])


def test_elsewhere_than_on_linux_there_is_none(pipes: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "darwin")
    with pytest.raises(Uncopied, match="Linux"):
        Copied([])


def test_the_copy_keeps_no_lock_and_no_port_of_the_program(tmp_path: Path) -> None:
    """Should the program be killed while its copy talks, the next start finds its folder and its ports free."""
    folder = Folder.open(tmp_path)
    listener = socket.create_server(("127.0.0.1", 0))
    address = listener.getsockname()
    copy = Copied([Content("large", bytes(8 * PIPE_BYTES)), Silent("silent", b"")])
    found = copy.contents()
    next(found)  # the copy has begun to tell, so it has closed what is not its own
    listener.close()
    # As a kill would do it: the descriptor goes, nothing is written.
    assert folder._lock_descriptor is not None
    os.close(folder._lock_descriptor)
    folder._lock_descriptor = None
    with Folder.open(tmp_path), socket.create_server(address):
        pass
    copy.end()


def test_the_copy_ends_when_nobody_listens() -> None:
    copy = Copied([Content("large", bytes(8 * PIPE_BYTES))])
    os.close(copy._pipe)
    assert os.waitpid(copy.process_id, 0)[1] == 0


async def test_a_copy_can_be_made_on_any_thread() -> None:
    copy = await asyncio.to_thread(Copied, [Content("one", b"1")])
    assert list(copy.contents()) == [("one", [b"1"])]
    copy.end()
