"""States as of one moment while decisions go on: the process is copied (fork, POSIX.1), and the copy tells its states through a pipe.

    copy = Copied(states)                       decisions stand still here alone: milliseconds, whatever the states hold
    for name, parts in copy.contents(): …       a thread's work: the snapshot of every state, all of the same moment
    copy.end()

The kernel shares the memory and copies a page when one side writes to it, so nothing has to be copied, locked or put aside first. In the copy only the
thread lives that made it, and a lock that another thread held then stays locked. So the copy keeps to itself: it closes every file, socket and lock of
the program, collects no garbage (which could close a database), imports, logs and writes nothing; it calls `snapshot` and talks. Should it be
silent all the same, it is killed and Uncopied is raised: the caller has another way. When the program dies, the pipe breaks and the copy ends.
"""

import fcntl
import gc
import os
import select
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from typing import Protocol

SILENT_SECONDS = 60.0
PIPE_BYTES = 1 << 20
# How far the copy stands back on a busy machine: it gets a tenth of what the program gets, so that it still ends.
BEHIND = 10
_SIZE_BYTES = 8


class Uncopied(Exception):
    """There is no copy to be had, or it did not tell everything: why."""


class Told(Protocol):
    """What a copy tells: a state's name and content."""

    name: str

    def snapshot(self) -> bytes: ...


class Copied:
    """See the module. Made on the thread that owns the states; read and ended by any one thread. Raises Uncopied."""

    def __init__(self, states: Sequence[Told], silent_seconds: float = SILENT_SECONDS) -> None:
        if not sys.platform.startswith("linux"):
            raise Uncopied("only Linux copies a program with threads as this needs it")
        self._names = [state.name for state in states]
        self._silent_ms = silent_seconds * 1000
        self._pipe, out = os.pipe()
        try:
            with warnings.catch_warnings():  # what Python 3.12 warns of is what the module's text answers
                warnings.simplefilter("ignore", DeprecationWarning)
                self.process_id = os.fork()
        except OSError as error:
            os.close(self._pipe)
            os.close(out)
            raise Uncopied(f"the process cannot be copied: {error.strerror}") from None
        if not self.process_id:
            _tell(states, out)
        os.close(out)

    def contents(self) -> Iterator[tuple[str, list[bytes]]]:
        """Each state's name and snapshot, in parts, in the order of the states. Blocks. Raises Uncopied."""
        waiting = select.poll()
        waiting.register(self._pipe, select.POLLIN)
        for name in self._names:
            size = int.from_bytes(b"".join(self._read(waiting, _SIZE_BYTES)), "little")
            yield name, self._read(waiting, size)

    def _read(self, waiting: "select.poll", size: int) -> list[bytes]:
        parts = []
        while size:
            if not waiting.poll(self._silent_ms):
                raise Uncopied(f"the copy was silent for {self._silent_ms / 1000:.0f} s")
            part = os.read(self._pipe, min(size, PIPE_BYTES))
            if not part:
                raise Uncopied("the copy ended before it had told everything")
            parts.append(part)
            size -= len(part)
        return parts

    def end(self) -> None:
        """The copy goes, whatever it does. Blocks for a moment."""
        os.close(self._pipe)
        os.kill(self.process_id, signal.SIGKILL)
        os.waitpid(self.process_id, 0)


def _tell(states: Sequence[Told], out: int) -> None:
    """In the copy: tell, and end without a trace. Never returns."""
    try:
        gc.disable()
        os.closerange(0, out)
        os.closerange(out + 1, os.sysconf("SC_OPEN_MAX"))
        os.nice(BEHIND)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        fcntl.fcntl(out, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
        for state in states:
            content = memoryview(state.snapshot())
            _write(out, len(content).to_bytes(_SIZE_BYTES, "little"))
            _write(out, content)
    finally:
        os._exit(0)  # whoever listens counts bytes


def _write(out: int, data: bytes | memoryview) -> None:
    while data:
        data = data[os.write(out, data) :]
