"""kill -9 on the whole server under load, from outside: is every decision that was answered still there after a restart?

    python benchmarks/kill_server.py --times 100

Each round starts `wardline serve` on the same data folder, lets two clients judge messages and decide events over HTTP, kills the process at a random
moment, and starts it again in the next round, where every id that was answered before is asked for: a mail decision by its id, an event by
sending it again (the first answer must come back). Ends with JSON; `lost` must be 0.
"""

import argparse
import http.client
import json
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from wardline.commands.load import free_ports, wait_for

MESSAGE = b"From: a@example.com\r\nTo: b@example.net\r\nSubject: %d\r\nMessage-ID: <%d@example.com>\r\n\r\nA short message, number %d.\r\n"

LEAST = 10  # answers of each client before the kill may come


def event(name: str) -> bytes:
    """A small decision."""
    return json.dumps(
        {
            "id": name,
            "type": "mail.envelope",
            "occurred_at": "2026-01-01T00:00:00Z",
            "entities": {"ip": "192.0.2.7"},
            "fields": {"rcpt": "b@example.net"},
        }
    ).encode()


class Load(threading.Thread):
    """One client; keeps what was answered until the connection breaks."""

    def __init__(self, port: int, number: int, kind: str) -> None:
        super().__init__(daemon=True)
        self.port, self.number, self.kind = port, number, kind
        self.answered: dict[str, object] = {}

    def run(self) -> None:
        """Send until the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        count = 0
        try:
            while True:
                count += 1
                unique = self.number * 100_000 + count
                if self.kind == "mail":
                    connection.request("POST", "/v1/mail/check", MESSAGE % (unique, unique, unique))
                else:
                    connection.request("POST", "/v1/decide", event(f"kill{unique}"))
                answer = connection.getresponse()
                found = json.loads(answer.read())
                if answer.status == 200:
                    self.answered[found["id"]] = (found["verdict"], found["score"])
        except (OSError, http.client.HTTPException, ValueError):
            return


def check(port: int, kind: str, answered: dict[str, object]) -> list[str]:
    """The ids whose answer is not there any more, or is another."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    lost = []
    for name, given in answered.items():
        if kind == "mail":
            connection.request("GET", f"/v1/decisions/{name}")
        else:
            connection.request("POST", "/v1/decide", event(name))
        answer = connection.getresponse()
        found = json.loads(answer.read())
        if answer.status != 200 or (found.get("verdict"), found.get("score")) != given:
            lost.append(name)
    return lost


def main() -> None:
    """Run the rounds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = random.Random(options.seed)
    total, lost, unreadable, kills = 0, 0, 0, 0
    waiting: list[Load] = []
    with tempfile.TemporaryDirectory(prefix="wardline-kill-") as folder:
        port, *_ = free_ports(1)
        config = pathlib.Path(folder) / "wardline.toml"
        config.write_text(f"[http]\nport = {port}\n[milter]\nport = 0\n[rspamd]\nscan_port = 0\nlearn_port = 0\n[logs]\nlevel = 'error'\n")
        command = [sys.executable, "-m", "wardline.cli", "--data", f"{folder}/data", "--config", str(config), "serve"]
        for number in range(options.times + 1):
            process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            if not wait_for(port, 60):
                unreadable += 1
                process.kill()
                break
            for load in waiting:
                total += len(load.answered)
                lost += len(check(port, load.kind, load.answered))
            if number == options.times:
                process.terminate()
                process.wait(30)
                break
            waiting = [Load(port, number * 2, "mail"), Load(port, number * 2 + 1, "event")]
            for load in waiting:
                load.start()
            until = time.monotonic() + 30
            while min(len(load.answered) for load in waiting) < LEAST and time.monotonic() < until:
                time.sleep(0.01)
            time.sleep(chance.uniform(0.0, 0.3))
            process.send_signal(signal.SIGKILL)
            kills += 1
            process.wait()
            for load in waiting:
                load.join(15)
            if number % 10 == 9:
                print(f"{number + 1} kills, {total} answers checked, {lost} lost", file=sys.stderr)
    print(json.dumps({"kills": kills, "answered": total, "lost": lost, "unreadable": unreadable}))


if __name__ == "__main__":
    main()
