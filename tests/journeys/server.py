"""A real `wardline serve` for tests: another process, free ports on 127.0.0.1, a data folder of its own.

with Server(tmp_path) as server:
    server.http.post("/v1/mail/check", content=raw)
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

SECRET = "a-secret-of-the-tests"
# A rule with a counter of its own, for journeys that put one in.
BUSY_ADDRESS_RULE = """
rule: busy_address
point: login
owner: ada
expires: 2099-12-31
counters:
  outcomes_ip_24h: {count: login.outcome, by: ip, window: 24h}
when: outcomes_ip_24h >= 3
verdict: challenge
reason: "{outcomes_ip_24h} attempts ended at this address within a day."
cases:
  - {given: {outcomes_ip_24h: 3}, expect: hit}
  - {given: {outcomes_ip_24h: 2}, expect: miss}
"""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on just now."""
    probes = [socket.socket() for _ in range(count)]
    for probe in probes:
        probe.bind(("127.0.0.1", 0))
    ports = [int(probe.getsockname()[1]) for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class Server:
    """`wardline serve`, started and ended."""

    def __init__(self, folder: Path, *, config: str = "", starter: bool = False) -> None:
        folder.mkdir(exist_ok=True)
        self.data = folder / "data"
        self.config = folder / "wardline.toml"
        self.http_port, self.milter_port, self.scan_port, self.learn_port = free_ports(4)
        self.config.write_text(
            f"[http]\nport = {self.http_port}\n[milter]\nport = {self.milter_port}\n"
            f"[rspamd]\nscan_port = {self.scan_port}\nlearn_port = {self.learn_port}\n" + config
        )
        self.starter = starter
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "server.log"
        self.http = httpx.Client(base_url=f"http://127.0.0.1:{self.http_port}", timeout=60)

    def command(self, *arguments: str) -> list[str]:
        """A wardline command on this server's folder."""
        return [sys.executable, "-m", "wardline.cli", "--data", str(self.data), "--config", str(self.config), *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        """Run a command to its end."""
        return subprocess.run(self.command(*arguments), input=stdin, capture_output=True, timeout=120, env=self._environment())

    @staticmethod
    def _environment() -> dict[str, str]:
        return {**os.environ, "WARDLINE_LEARN_SECRET": SECRET, "WARDLINE_RESOLVER": "off", "COLUMNS": "200"}

    def start(self) -> None:
        """Start, and wait until it is ready."""
        arguments = ["serve"] if self.starter else ["serve", "--no-starter"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command(*arguments), stdout=log, stderr=log, env=self._environment())
        for _ in range(600):
            try:
                if self.http.get("/readyz").status_code == 200:
                    return
            except httpx.TransportError:
                if self.process.poll() is not None:
                    break
            time.sleep(0.1)
        raise RuntimeError(f"the server did not start:\n{self.log.read_text('utf-8', 'replace')}")

    def stop(self, number: int = signal.SIGTERM) -> int:
        """End it; returns its exit status."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process is not None and self.process.poll() is None:
            self.stop()
        self.http.close()
