"""What people and attackers do to accounts at a running server: nobody is blocked for good by mistake, nothing is lost, everything is told."""

import json
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from journeys.receiver import Receiver
from journeys.server import Server

BLOCKS = {"hold", "reject"}
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=40)
DAY, HOUR, MINUTE, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)

GIVEN = [
    "anna",
    "bela",
    "carla",
    "dora",
    "emil",
    "fritz",
    "greta",
    "hugo",
    "ines",
    "jonas",
    "karla",
    "leo",
    "mia",
    "nils",
    "olga",
    "paul",
    "resi",
    "sven",
    "tilda",
    "uwe",
]
FAMILY = [
    "adler",
    "berg",
    "conrad",
    "dahl",
    "ebner",
    "fuchs",
    "gruber",
    "huber",
    "irlach",
    "jung",
    "koller",
    "lang",
    "moser",
    "nagl",
    "orth",
]


class World:
    """A server, the receiver of its actions, and people who sign up and log in."""

    def __init__(self, server: Server, receiver: Receiver) -> None:
        self.server, self.receiver = server, receiver
        self.lines: list[tuple[datetime, str]] = []
        self.count = 0

    def add(self, type: str, at: datetime, entities: dict[str, str], flow: str = "", **fields: Any) -> str:
        """One event for the next `play`; gives its id."""
        self.count += 1
        id = f"h{self.count}"
        event = {"id": id, "type": type, "occurred_at": at.isoformat(), "entities": entities, "fields": fields}
        self.lines.append((at, json.dumps(event | ({"flow_id": flow} if flow else {}))))
        return id

    def login(self, account: str, at: datetime, net: str, client: str, result: str = "success", device: str = "") -> str:
        """A login and how it ends."""
        entities = {"account": account, "ip": net, "device": device or f"{account}'s {client}"}
        id = self.add("login", at, entities, user_agent=f"Mozilla/5.0 ({client}) Firefox/140.0", username_exists=True)
        self.add("login.outcome", at, entities, id, result=result)
        return id

    def lives(self, account: str, net: str, days: int = 16) -> None:
        """A login a day from home."""
        for day in range(days):
            self.login(account, START + day * DAY + 9 * HOUR, net, "Linux")

    def play(self) -> dict[str, dict[str, Any]]:
        """Send what was added, as it happened; gives the decisions by id. Every line is answered."""
        lines, self.lines = [line for _at, line in sorted(self.lines, key=lambda one: one[0])], []
        answer = self.server.http.post("/v1/decide/batch", content="\n".join(lines))
        said = [json.loads(line) for line in answer.text.splitlines()]
        assert len(said) == len(lines) and not [line for line in said if "detail" in line], said[-1]
        return {line["id"]: line for line in said if "verdict" in line}

    def asked(self, id: str) -> str:
        """The verdict about one event that is played now."""
        return str(self.play()[id]["verdict"])

    def admin(self, method: str, path: str, document: Any = None) -> Any:
        """The API over the control socket, as the commands use it."""
        transport = httpx.HTTPTransport(uds=str(self.server.data / "control.sock"))
        with httpx.Client(transport=transport, base_url="http://wardline", timeout=60) as http:
            answer = http.request(method, path, json=document)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def farm(self, name: str, count: int, at: datetime, first: int = 0) -> None:
        """Sign-ups on one device."""
        for number in range(first, first + count):
            entities = {"account": f"{name}{number}", "ip": f"198.51.100.{number % 250}", "device": f"{name}'s device"}
            self.add("signup", at + number * MINUTE, entities, username=f"{name}{number}", user_agent="Mozilla/5.0 (Linux) Chrome/140.0")

    def campaign(self, name: str, **plan: Any) -> str:
        """Find the farm, plan to lock it, let another person approve it; gives the campaign's id."""
        found = self.admin("POST", "/v1/campaigns", {"seed": {"kind": "key", "value": f"device:{name}'s device"}, "by": "ada"})
        path = f"/v1/campaigns/{found['id']}"
        self.admin("POST", f"{path}/plan", {"kind": "lock", "by": "ada", **plan})
        assert self.admin("POST", f"{path}/approve", {"by": "bob"})["status"] == "approved"
        return str(path)

    def label(self, accounts: Iterable[str], source: str, *, abusive: bool) -> None:
        """Labels as events from a caller without a key; the desk's by command."""
        if source == "desk":
            for account in accounts:
                self.admin("POST", "/v1/labels", {"about": {"account": account}, "abusive": abusive, "source": "desk"})
            return
        for account in accounts:
            self.add("label", datetime.now(UTC), {}, about=f"account:{account}", abusive=abusive, source=source)
        self.play()


def until(holds: Callable[[], bool], what: str) -> None:
    """Wait for something that the server does by itself."""
    for _ in range(400):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(f"not within 20 seconds: {what}")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with Receiver() as receiver:
        server = Server(tmp_path_factory.mktemp("accounts"), config=receiver.config())
        with server:
            assert server.run("mode", "enforce").returncode == 0
            yield World(server, receiver)


# A whole country behind one address


def test_a_country_behind_one_address_lives_its_life(world: World) -> None:
    at, ids = START + 20 * DAY, []
    for number in range(300):
        who = {"account": f"land{number}", "ip": "203.0.113.77", "device": f"land's {number}"}
        first, last = GIVEN[number % 20], FAMILY[number // 20]
        name = (f"{first}.{last}", f"{first}{last}{1950 + number % 55}", f"{last}_{first[0]}", f"{first}{number % 90 + 10}")[
            number * 7 % 13 % 4
        ]
        agent = f"Mozilla/5.0 (client {number % 40}) Firefox/{100 + number % 40}.0"
        fields = {"username": name, "user_agent": agent, "form_ms": 20_000 + number * 97 % 40_000, "screen": f"{1000 + number % 30}x800"}
        ids.append(world.add("signup", at + number * 2 * MINUTE, who, **fields))
        for day in range(1, 4):  # and in one hour of each evening all of them log in; one in twelve mistypes
            evening, client, device = at + day * DAY + number * 10 * SECOND, f"client {number % 40}", f"land's {number}"
            if number % 12 == day:
                ids.append(world.login(f"land{number}", evening - MINUTE, "203.0.113.77", client, "wrong_password", device))
            ids.append(world.login(f"land{number}", evening, "203.0.113.77", client, device=device))
    said = world.play()
    verdicts = Counter(said[id]["verdict"] for id in ids)
    assert not BLOCKS & verdicts.keys(), verdicts
    assert verdicts["challenge"] <= 0.03 * len(ids), verdicts


# Accounts with one login or very many


def test_an_account_with_one_login_and_one_with_thousands(world: World) -> None:
    for number in range(1_000):
        world.login("busy", START + number * 20 * MINUTE, "192.0.2.10", "Linux")
    world.login("once", START + 20 * DAY, "192.0.2.11", "Linux")
    world.play()
    home = [world.login("busy", START + 30 * DAY, "192.0.2.10", "Linux"), world.login("once", START + 30 * DAY, "192.0.2.11", "Linux")]
    away = [world.login("busy", START + 31 * DAY, "203.0.113.5", "iOS"), world.login("once", START + 31 * DAY, "203.0.113.6", "iOS")]
    said = world.play()
    assert [said[id]["verdict"] for id in home] == ["allow", "allow"]
    busy, once = (said[id]["verdict"] for id in away)
    assert busy == "challenge" and once not in BLOCKS  # one login says too little against anybody


# An attacker who fills a victim's history


def test_an_attacker_who_fills_a_victims_history_stays_a_stranger_and_the_owner_at_home(world: World) -> None:
    world.lives("victim", "192.0.2.20")
    for number in range(300):
        world.login("victim", START + 10 * DAY + number * 40 * MINUTE, "203.0.113.20", "Windows", "wrong_password", "his")
    world.play()
    assert world.asked(world.login("victim", START + 20 * DAY, "203.0.113.20", "Windows", "challenge_failed", "his")) in {
        "challenge",
        "hold",
    }
    assert world.asked(world.login("victim", START + 20 * DAY + MINUTE, "192.0.2.20", "Linux")) == "allow"


def test_who_is_guessed_at_just_now_is_slowed_down_and_not_locked_out(world: World) -> None:
    world.lives("target", "192.0.2.21")
    for number in range(100):
        world.login("target", START + 17 * DAY + number * 2 * SECOND, "203.0.113.21", "Windows", "wrong_password", "his")
    during = world.login("target", START + 17 * DAY + 4 * MINUTE, "192.0.2.21", "Linux")
    after = world.login("target", START + 17 * DAY + HOUR, "192.0.2.21", "Linux")
    said = world.play()
    assert [said[id]["verdict"] for id in (during, after)] == ["limit", "allow"]


# One who makes every key unique


def test_an_attacker_whose_every_key_is_unique_pushes_nobody_out(world: World) -> None:
    world.lives("old", "192.0.2.30")
    for number in range(800):
        entities = {"account": f"x{number}", "ip": f"10.{number % 200}.{number // 200}.9", "device": f"xd{number}"}
        entities |= {"email": f"x{number}@x{number}.example", "phone": f"+1555{number}"}
        world.add("signup", START + 20 * DAY + number * MINUTE, entities, username=f"x{number}y", user_agent=f"agent {number}")
        world.login(
            f"x{number}", START + 20 * DAY + number * MINUTE, f"10.{number % 200}.{number // 200}.8", f"c{number}", "wrong_password"
        )
    world.play()
    home, away = world.login("old", START + 22 * DAY, "192.0.2.30", "Linux"), world.login("old", START + 22 * DAY, "203.0.113.30", "iOS")
    said = world.play()
    assert said[home]["verdict"] == "allow"  # still known, and known well enough that a stranger is one
    assert said[away]["verdict"] in {"challenge", "hold"}


# A flood of labels from one source


def test_a_flood_of_labels_from_one_source_changes_nothing(world: World) -> None:
    world.lives("slandered", "192.0.2.40")
    world.play()
    world.label(["slandered"] * 500, "stranger", abusive=True)
    shown = world.admin("GET", "/v1/entities?about=account:slandered")
    assert shown["standing"]["abusive"] is not True, shown["standing"]
    assert world.asked(world.login("slandered", START + 20 * DAY, "192.0.2.40", "Linux")) == "allow"
    found = world.admin("POST", "/v1/campaigns", {"seed": {"kind": "account", "value": "slandered"}, "by": "ada"})
    assert found["members"] == 0 and found["apart"] == {"too little evidence of its own": 1}


# An appeal wave


def test_an_appeal_wave_that_is_granted_halts_the_campaign_and_one_that_is_not_does_nothing(world: World) -> None:
    world.farm("appeal", 40, START + 30 * DAY)
    world.play()
    path = world.campaign("appeal")
    assert world.admin("POST", f"{path}/execute", {"by": "ada"})["acted"] == 40
    until(lambda: len(world.receiver.locked) == 40, "all forty are locked")
    world.label([f"appeal{number}" for number in range(40)], "appeals", abusive=False)
    assert world.admin("GET", path)["status"] == "executed"
    world.label([f"appeal{number}" for number in range(6)], "desk", abusive=False)
    halted = world.admin("GET", path)
    assert halted["status"] == "halted" and "members were taken back" in halted["halted_because"] and halted["reversed"] == 6
    until(lambda: len(world.receiver.locked) == 34, "the six are let go at once")
    assert world.admin("POST", f"{path}/undo", {"by": "bob", "reason": "they were right"})["status"] == "undone"
    until(lambda: not world.receiver.locked, "everybody is restored")
    assert world.receiver.forged == 0


# A campaign whose members change while it runs


def test_members_that_come_while_it_runs_join_by_the_rule_and_others_by_a_new_version(world: World) -> None:
    world.farm("moving", 20, START + 31 * DAY)
    world.play()
    path = world.campaign("moving", join_hours=1)
    world.admin("POST", f"{path}/execute", {"by": "ada"})
    world.farm("moving", 4, START + 31 * DAY + HOUR, first=20)
    world.play()
    until(lambda: world.admin("GET", path)["joined"] == 4, "four joined by the standing rule")
    world.farm("moving", 30, START + 31 * DAY + 2 * HOUR, first=24)
    world.play()
    until(lambda: world.admin("GET", path)["joins_until"] is None, "the rule ended: half as many as were planned, and no more")
    assert world.admin("GET", path)["joined"] == 10
    extended = world.admin("POST", f"{path}/extend", {"by": "ada"})
    assert (extended["version"], extended["pinned"], extended["to_do"], extended["acted"]) == (2, 1, 24, 30)
    assert world.admin("POST", f"{path}/undo", {"by": "bob"})["ended"] == 30
    until(lambda: not world.receiver.locked, "everybody is restored")


# A clock an hour off


def test_a_sender_whose_clock_is_an_hour_off_is_served_and_its_people_too(world: World) -> None:
    world.lives("punctual", "192.0.2.50", days=39)
    world.play()
    now = datetime.now(UTC)
    for off in (HOUR, -HOUR, timedelta()):
        assert world.asked(world.login("punctual", now + off, "192.0.2.50", "Linux")) == "allow"
    world.farm("early", 12, now + HOUR - 12 * MINUTE)
    world.play()
    found = world.admin("POST", "/v1/campaigns", {"seed": {"kind": "key", "value": "device:early's device"}, "by": "ada"})
    plan = world.admin("POST", f"/v1/campaigns/{found['id']}/plan", {"by": "ada"})["plan"]
    assert plan["members"] == 12 and plan["ages"] == {"under a day": 12}


# A crash between ledger and webhook; an undo after a part of the execution


def test_killed_between_ledger_and_webhook_everything_is_told_afterwards_and_once(world: World) -> None:
    receiver = world.receiver
    world.farm("half", 60, START + 33 * DAY)
    world.play()
    path = world.campaign("half")
    receiver.room = 0
    before = receiver.deliveries.copy()
    world.admin("POST", f"{path}/execute", {"by": "ada"})
    until(lambda: receiver.refused > 0, "the receiver was asked and took nothing")
    world.server.stop(signal.SIGKILL)
    world.server.start()
    assert world.admin("GET", path)["acted"] == 60
    receiver.room = None
    until(lambda: len(receiver.locked) == 60, "what was asked for before the crash arrives after it")
    assert (receiver.deliveries - before).total() == 60 == len(receiver.deliveries - before)
    assert world.admin("POST", f"{path}/execute", {"by": "ada"})["acted"] == 60
    world.admin("POST", f"{path}/undo", {"by": "bob"})
    until(lambda: not receiver.locked, "everybody is restored")


def test_an_undo_after_a_part_was_told_and_a_crash_restores_everybody_and_says_so(world: World) -> None:
    receiver = world.receiver
    world.farm("part", 60, START + 34 * DAY)
    world.play()
    path = world.campaign("part")
    receiver.room = 20  # it takes twenty, and then nothing more
    world.admin("POST", f"{path}/execute", {"by": "ada"})
    until(lambda: len(receiver.locked) == 20 and receiver.refused > 0, "a part was told")
    assert world.admin("POST", f"{path}/undo", {"by": "bob"})["status"] == "undone"
    world.server.stop(signal.SIGKILL)
    world.server.start()
    receiver.room = None
    until(lambda: not receiver.locked, "the twenty are restored")
    until(lambda: not world.admin("GET", "/v1/actions?status=ending")["actions"], "every end was told")
    assert not receiver.locked and receiver.forged == 0
    assert [label["source"] for label in world.admin("GET", "/v1/labels?about=account:part3")["labels"]] == ["campaign-undo"]
    assert world.asked(world.login("part3", datetime.now(UTC), "192.0.2.60", "Linux")) not in BLOCKS
    assert world.server.run("replay").returncode == 0
