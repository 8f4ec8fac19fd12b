"""A history through the decision door with a `kill -9` in the middle, then both replays over all of it, and a damaged value as a control.

    python benchmarks/kill_replay.py --events 1000000

An outside client sends logins and outcomes (the published workload) to `/v1/decide/batch`; half way the server is killed and started again, and what was not
answered is sent again. Afterwards: nothing answered is missing (every id is asked for again and must be known), `different` must be 0, and
with one stored value changed in memory at least 1. Ends with one JSON document.
"""

import argparse
import http.client
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from wardline.commands import load, workload

CHUNK = 4_000


def main() -> None:
    """Run once and print the figures."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=100_000)
    arguments.add_argument("--on", type=Path, default=None, help="a folder on the disk to measure")
    given = arguments.parse_args()
    with tempfile.TemporaryDirectory(prefix="wardline-kill-", dir=given.on) as folder:
        print(json.dumps(run(Path(folder), given.events)))


def run(folder: Path, events: int) -> dict[str, float]:
    """Send, kill, send the rest, replay."""
    port, *others = load.free_ports(4)
    config = folder / "bench.toml"
    config.write_text(
        f"[http]\nport = {port}\n[milter]\nport = {others[0]}\n[rspamd]\nscan_port = {others[1]}\nlearn_port = {others[2]}\n[logs]\nlevel = 'error'\n"
    )
    command = [sys.executable, "-m", "wardline.cli", "--data", str(folder / "data"), "--config", str(config)]
    server = start(command, port)
    started = time.perf_counter()
    answered: set[str] = set()
    killed = 0
    for chunk in chunks(events):
        if not killed and len(answered) >= events // 2:
            # In the middle of an answer: the request is on its way when the process dies.
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            connection.request("POST", "/v1/decide/batch", b"\n".join(chunk.values()))
            time.sleep(0.1)
            server.kill()
            server.wait()
            killed = 1
            restarted = time.perf_counter()
            server = start(command, port)
            restart_seconds = time.perf_counter() - restarted
        answered |= send(port, chunk)
    seconds = time.perf_counter() - started
    server.terminate()
    server.wait(120)
    started = time.perf_counter()
    replayed = replay(command)
    replay_seconds = time.perf_counter() - started
    damaged = replay(command, "--corrupt", "7")
    return {
        "events": events,
        "answered": len(answered),
        "killed": killed,
        "events_per_second": round(events / seconds, 1),
        "restart_seconds": round(restart_seconds, 2) if killed else 0.0,
        "replayed": replayed["replayed"],
        "features_replayed": replayed["features_replayed"],
        "different": replayed["different"],
        "different_with_one_value_changed": damaged["different"],
        "replay_seconds": round(replay_seconds, 1),
        "journal_bytes_per_event": round(sum(file.stat().st_size for file in (folder / "data").glob("journal.db*")) / events, 1),
    }


def chunks(events: int, run: str = "k") -> Iterator[dict[str, bytes]]:
    """Logins and their outcomes over the last day, by id, a few thousand at a time."""
    chooser = workload.Chooser(7)
    begin = datetime.now(UTC) - timedelta(days=1)
    chunk: dict[str, bytes] = {}
    for number in range(events // 2):
        at = (begin + timedelta(seconds=86_000.0 * number * 2 / events)).isoformat()
        login = workload.login_event(chooser, f"{run}{number}", at)
        outcome = {
            "id": f"{run}{number}-o",
            "type": "login.outcome",
            "occurred_at": at,
            "entities": login["entities"],
            "fields": {"result": "wrong_password" if number % 10 == 0 else "success"},
        }
        for event in (login, outcome):
            chunk[str(event["id"])] = json.dumps(event).encode()
        if len(chunk) >= CHUNK:
            yield chunk
            chunk = {}
    if chunk:
        yield chunk


def start(command: list[str], port: int) -> "subprocess.Popen[bytes]":
    """A server that listens."""
    server = subprocess.Popen([*command, "serve"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    if not load.wait_for(port, 120):
        raise SystemExit("the server did not start")
    return server


def send(port: int, chunk: dict[str, bytes]) -> set[str]:
    """The ids that were answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("POST", "/v1/decide/batch", b"\n".join(chunk.values()))
    lines = [json.loads(line) for line in connection.getresponse().read().splitlines()]
    connection.close()
    return {line["id"] for line in lines if "verdict" in line or line.get("accepted")}


def replay(command: list[str], *arguments: str) -> dict[str, int]:
    """What `wardline replay` found."""
    done = subprocess.run([*command, "replay", "--json", *arguments], capture_output=True, check=False)
    found: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
