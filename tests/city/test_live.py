"""At a door: people act on verdicts, attackers learn from them; and the door itself over HTTP, with a server that says no."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from wardline.city.founding import found
from wardline.city.live import DoorLost, LiveDoor
from wardline.city.plan import Plan


class Strict:
    """A door that gives every sign-up and login the same verdict."""

    def __init__(self, said: str) -> None:
        self.said = said
        self.known: set[str] = set()
        self.lines: list[str] = []

    def send(self, lines: list[str]) -> None:
        self.lines += lines
        self.known |= {event["id"] for event in map(json.loads, lines) if event["type"] in ("signup", "login")}

    def verdict(self, id: str) -> str:
        assert id in self.known, "asked for before it was sent"
        return self.said


def run(plan: Plan, said: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Strict, dict[str, Any]]:
    door = Strict(said)
    town = found(plan, door)
    events: list[str] = []
    truths: list[str] = []
    for lines, told in town.run():
        events += lines
        truths += told
    assert door.lines == events
    return [json.loads(line) for line in events], [json.loads(line) for line in truths], door, town.summary()


def results(events: list[dict[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for event in events:
        if event["type"].endswith(".outcome"):
            found[event["fields"]["result"]] = found.get(event["fields"]["result"], 0) + 1
    return found


def test_a_challenge_is_passed_mostly_by_people_and_seldom_by_attackers() -> None:
    people = results(run(Plan(users=60, days=7, seed=2, attacks=()), "challenge")[0])
    assert people["challenge_passed"] > 10 * people.get("challenge_failed", 0)
    _events, truths, _door, _summary = run(Plan(users=200, days=21, seed=2, attacks=("naive",)), "challenge")
    campaigns = [truth for truth in truths if "campaign" in truth and "id" not in truth]
    assert sum(campaign["hits"] for campaign in campaigns) <= sum(campaign["attempts"] for campaign in campaigns) // 4


def test_whoever_is_held_or_rejected_is_not_in() -> None:
    for said in ("hold", "reject"):
        found = results(run(Plan(users=60, days=7, seed=2, attacks=("farm_pattern",)), said)[0])
        assert not found.keys() & {"success", "completed", "challenge_passed"}


@pytest.mark.parametrize("kind", ["stuffing", "low_slow", "farm_pattern", "farm_rotate", "poison"])
def test_an_attacker_who_is_stopped_rotates_slows_down_and_gives_up(kind: str) -> None:
    plan = Plan(users=1500, days=30, seed=4, attacks=(kind,))
    campaigns = found(plan).campaigns
    assert all(campaign.pace == 1.0 for campaign in campaigns)
    for campaign in campaigns:
        town = found(Plan(users=20, days=7, seed=1, attacks=()))
        networks = list(getattr(campaign, "pool", []))
        for _ in range(campaign.gives_up_after):
            campaign.learn(town, "challenge")
        assert campaign.over
        assert campaign.pace > 2
        assert campaign.rotations >= 3
        assert not networks or networks != getattr(campaign, "pool", [])
        campaign.row = 7
        campaign.learn(town, "allow")
        assert campaign.row == 0


def test_the_deaf_count_what_stops_them_and_change_nothing() -> None:
    plan = Plan(users=300, days=21, seed=2, attacks=("stuffing", "farm_pattern"), deaf=True)
    _events, truths, _door, _summary = run(plan, "challenge")
    campaigns = [truth for truth in truths if "campaign" in truth and "id" not in truth]
    assert all(campaign["stops"] > 20 for campaign in campaigns)
    assert not any(campaign["rotations"] or campaign["gave_up"] for campaign in campaigns)


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        answers = []
        for line in self.rfile.read(int(self.headers["content-length"])).splitlines():
            event = json.loads(line)
            if event["type"] == "session":
                answers.append({"line": 1, "status": 422, "detail": "fields.action: unknown"})
            elif event["type"] in ("login", "signup"):
                answers.append({"id": event["id"], "verdict": "limit", "score": 0.1})
            else:
                answers.append({"id": event["id"], "accepted": True})
        body = b"".join(json.dumps(answer).encode() + b"\n" for answer in answers)
        self.send_response(200 if self.headers["authorization"] == "Bearer k" else 401)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def url() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_door_over_http(url: str) -> None:
    door = LiveDoor(url, "k")
    town = found(Plan(users=5, days=3, seed=1, attacks=()), door)
    for _portion in town.run():
        pass
    town.write("session", town.start_ms, "", '"account":"a"', '"action":"export"')
    town.verdict("none")
    door.close()
    assert door.refused == 1
    assert door.errors == ["fields.action: unknown"]
    assert town.summary()["verdicts"]["legit"]["limit"] > 3


def test_a_door_that_is_lost_is_told(url: str) -> None:
    with pytest.raises(DoorLost, match="status 401"):
        LiveDoor(url, "wrong").send(['{"id":"1","type":"login"}\n'])
    with pytest.raises(DoorLost, match="wardline serve"):
        LiveDoor("http://127.0.0.1:9").send(["{}\n"])
