"""A PostgreSQL connection that gives up a server that has stopped answering.

    connection = connect_limited(1.5, host="192.0.2.7", dbname="wardline", user="wardline")
    connection.execute("SELECT pg_sleep(9)")       # psycopg.OperationalError after 1.5 s; the connection is closed

statement_timeout is the server's own, TCP's time-outs see a peer that is gone. Neither sees a server that is stopped or that swaps while its
kernel still acknowledges what is sent, and libpq waits for that without an end.
"""

import select
import time
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.waiting import Ready, Wait

MASKS = {Wait.R: select.POLLIN, Wait.W: select.POLLOUT, Wait.RW: select.POLLIN | select.POLLOUT}
T = TypeVar("T")
BROKEN = select.POLLIN | select.POLLHUP | select.POLLERR


class Limited(psycopg.Connection[Any]):
    """See the module. limit_seconds: for each trip to the server; 0 is no limit."""

    limit_seconds = 0.0

    def wait(self, gen: PQGen[T], interval: float = 0.1, timeout: float | None = None) -> T:
        """Drive one exchange with the server. Raises psycopg.OperationalError when it takes too long, and closes the connection."""
        seconds = timeout or self.limit_seconds
        if not seconds:
            return super().wait(gen, interval)
        end_s = time.monotonic() + seconds
        poll = select.poll()
        try:
            wanted = next(gen)
            while True:
                poll.register(self.pgconn.socket, MASKS[wanted])
                found = poll.poll(max(0.0, end_s - time.monotonic()) * 1000)
                if not found:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer within {seconds:g} s")
                flags = found[0][1]
                ready = (Ready.R if flags & BROKEN else 0) | (Ready.W if flags & select.POLLOUT else 0)
                wanted = gen.send(Ready(ready))
        except StopIteration as end:
            result: T = end.value
            return result


def connect_limited(limit_seconds: float, *arguments: Any, **options: Any) -> Limited:
    """psycopg.connect, with a limit for every later exchange; connecting has connect_timeout. Raises psycopg.Error."""
    connection = Limited.connect(*arguments, **options)
    connection.limit_seconds = limit_seconds
    return connection
