"""Room for one incoming message: all of it while it is small, its head and its tail when it is not.

    spool = Spool(16 << 20, budget); spool.write(chunk) …; spool.content()      # at most 16 MiB, whatever was written
    spool.size_bytes > len(spool.content())                                     # True: something in the middle was left out

A sender decides how large a message is and how many come at once; memory must depend on neither. One message keeps at most `limit_bytes`
(three quarters from its beginning, a quarter from its end, since a padded message hides its text at either). All messages of a door share a
Budget; when that is used up, a new message still gets its floor of 256 KiB, so that it is judged on less instead of being refused.
"""

HEAD_FLOOR_BYTES = 192 << 10
TAIL_FLOOR_BYTES = 64 << 10
STEP_BYTES = 64 << 10


class Budget:
    """Bytes that all messages of a door may hold together above their floors."""

    def __init__(self, limit_bytes: int) -> None:
        self.free_bytes = limit_bytes

    def take(self, size_bytes: int) -> bool:
        """Reserve; False when there is not so much left."""
        if size_bytes > self.free_bytes:
            return False
        self.free_bytes -= size_bytes
        return True

    def give(self, size_bytes: int) -> None:
        """Return what was reserved."""
        self.free_bytes += size_bytes


class Spool:
    """The bytes of one message, within bounds. `close` returns its share of the budget; closing twice is harmless."""

    def __init__(self, limit_bytes: int, budget: Budget) -> None:
        self.size_bytes = 0
        self._budget = budget
        self._head_limit = max(limit_bytes - limit_bytes // 4, 1)
        self._tail_limit = max(limit_bytes // 4, 1)
        self._head_room = min(HEAD_FLOOR_BYTES, self._head_limit)
        self._tail_room = min(TAIL_FLOOR_BYTES, self._tail_limit)
        self._head = bytearray()
        self._tail = bytearray()
        self._head_full = False
        self._reserved = 0

    @property
    def truncated(self) -> bool:
        """Whether something between head and tail was left out."""
        return self.size_bytes > len(self._head) + min(len(self._tail), self._tail_room)

    def write(self, chunk: bytes) -> None:
        """Take in the next bytes. Amortised linear time, whatever the sizes of the chunks."""
        self.size_bytes += len(chunk)
        if not self._head_full:
            wanted = min(len(self._head) + len(chunk), self._head_limit)
            while self._head_room < wanted and self._reserve():
                self._head_room = min(self._head_room + STEP_BYTES, self._head_limit)
            part = chunk[: self._head_room - len(self._head)]
            self._head += part
            chunk = chunk[len(part) :]
            self._head_full = bool(chunk) or len(self._head) >= self._head_limit
        if chunk:
            self._tail += chunk
            while self._tail_room < min(len(self._tail), self._tail_limit) and self._reserve():
                self._tail_room = min(self._tail_room + STEP_BYTES, self._tail_limit)
            if len(self._tail) > 2 * self._tail_room:
                del self._tail[: -self._tail_room]

    def content(self) -> bytes:
        """The message, or its head and its tail with a line break between."""
        tail = bytes(self._tail[-self._tail_room :]) if self._tail else b""
        return bytes(self._head) + (b"\r\n" if self.truncated else b"") + tail

    def close(self) -> None:
        """Forget the bytes and return the budget."""
        self._head, self._tail = bytearray(), bytearray()
        self._budget.give(self._reserved)
        self._reserved = 0

    def _reserve(self) -> bool:
        if not self._budget.take(STEP_BYTES):
            return False
        self._reserved += STEP_BYTES
        return True
