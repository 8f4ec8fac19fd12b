"""A process of our own beside the program, for work that decisions must not wait for. It ends with the program.

    apart = Apart()
    apart.run(["-m", "wardline.learning.training.apart"], order, timeout_seconds=3600)      Finished(status=0, said=b"{…}", fault="")
    apart.close()                   whoever waits for one gets Ended; none begins any more

-P is given to Python: nothing is imported from the folder in which the server was started.
"""

import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import NamedTuple

FAULT_LIMIT = 600


class Ended(Exception):
    """The program is ending, and the process with it."""


class Finished(NamedTuple):
    """status: its exit status; said: its standard output; fault: the last line of its standard error, or what the status says."""

    status: int
    said: bytes
    fault: str


class Apart:
    """See the module. Calls may come from any thread."""

    def __init__(self) -> None:
        self.running: set[subprocess.Popen[bytes]] = set()
        self._lock = threading.Lock()
        self._closed = False

    def run(self, arguments: Sequence[str], data: bytes, *, timeout_seconds: float) -> Finished:
        """Run Python with these arguments and this input. Raises Ended, TimeoutError, and OSError where there is no process to be had."""
        with self._lock:
            if self._closed:
                raise Ended
            child = subprocess.Popen(
                [sys.executable, "-P", *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            )
            self.running.add(child)
        try:
            said, told = child.communicate(data, timeout_seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise TimeoutError(f"it did not end within {timeout_seconds:.0f} seconds") from None
        finally:
            with self._lock:
                self.running.discard(child)
        if self._closed and child.returncode:
            raise Ended
        fault = told.decode("utf-8", "replace").strip().rpartition("\n")[2][:FAULT_LIMIT] or f"it ended with status {child.returncode}"
        return Finished(child.returncode, said, fault if child.returncode else "")

    def close(self) -> None:
        """End what runs."""
        with self._lock:
            self._closed = True
            for child in self.running:
                child.kill()
