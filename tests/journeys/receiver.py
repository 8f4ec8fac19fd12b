"""A service that carries out actions, for tests: takes the outbox's webhooks on loopback, verifies each, and does what it says.

with Receiver() as receiver: Server(folder, config=receiver.config())
receiver.locked                entities that are locked now
receiver.deliveries            how often each message came
"""

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from wardline.engine.actions.webhook import WebhookError, verify

SECRET = b"a secret of the tests"


class Receiver:
    """See the module. room: how many more it takes before it answers 503 and does nothing; None for all."""

    def __init__(self) -> None:
        self.room: int | None = None
        self.forged = 0
        self.refused = 0
        self.locked: set[str] = set()
        self.deliveries: Counter[str] = Counter()
        self._guard = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05})

    def config(self) -> str:
        """The server's part of the configuration."""
        host = f"127.0.0.1:{self._http.server_port}"
        return (
            f'[outbox]\nurl = "http://{host}/actions"\nsecret = "{SECRET.decode()}"\nfirst_retry_seconds = 0.1\nlongest_retry_seconds = 1.0\n'
            f'[outbound]\nallowed_hosts = ["{host}"]\nallowed_networks = ["127.0.0.0/8"]\nplain_http = true\n'
        )

    def take(self, headers: Any, body: bytes) -> int:
        """One message; the status to answer."""
        said: dict[str, Any] = json.loads(body)
        with self._guard:
            try:
                verify(dict(headers), body, {"1": SECRET}, now_s=int(time.time()))
            except WebhookError:
                self.forged += 1
                return 401
            if self.room == 0:
                self.refused += 1
                return 503
            self.room = self.room and self.room - 1
            self.deliveries[said["delivery"]] += 1
            (self.locked.add if said["effect"] == "begin" else self.locked.discard)(said["action"]["entity"])
            return 200

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                self.send_response(receiver.take(self.headers, body))
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        return Handler

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()
