"""The published workload of the decision door: logins with 20 counters and 100 rules, every tenth event matched, every fifth value missing.

    texts = rules()                           # 100 rule files; four of them bring a counter, beside the sixteen that logins have
    request = login_request(7, "r1")          # one HTTP request; the same number gives the same event in every run
    history(20_000)                           # events that fill the counters before anything is measured

Keys are heavy-tailed (a Zipf law with exponent 1.1): a few accounts, addresses and devices are busy, most are seen once or twice.
"""

import asyncio
import bisect
import itertools
import json
import random
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wardline.commands.connection import Client

if TYPE_CHECKING:
    from wardline.engine.walk.point import EventDomain

RULES = 100
MATCHING = 10  # rules that match one event in a hundred each
ACCOUNTS, ADDRESSES, DEVICES = 50_000, 20_000, 40_000
MISSING = 0.2
EXPONENT = 1.1
BUCKETS = 1000

OWN_COUNTERS = (
    "devices_account_24h: {distinct: device, on: login, by: account, window: 24h}",
    "accounts_device_24h: {distinct: account, on: login, by: device, window: 24h}",
    "pace_ip: {rate: login, by: ip, half_life: 10m}",
    "attempts_prefix16_24h: {count: login, by: ip.prefix16, window: 24h}",
)
TERMS = (
    "attempts_ip_10m > {n}",
    "failures_account_24h >= {n}",
    "failure_share_prefix24_1h > 0.9{n}",
    "accounts_failed_ip_1h > {n}",
    "successes_account_30d > {n} and account_known_seconds < 1",
    "missing(device) and attempts_account_1h > {n}",
    'client == "imap" and failures_ip_1h > {n}',
    'language in ["xx", "yy"] and hour < {n}',
    'not ip.tor and user_agent.family == "curl" and exports_account_24h > {n}',
    "successes_account_prefix24_30d == 0 and failures_prefix24_1h + failures_ip_1h > {n}",
)


def rules(count: int = RULES) -> list[str]:
    """Rule files: the first ten match one percent of the events each, with a reason that is filled in; the others ask and seldom match."""
    found = []
    for number in range(count):
        name = f"workload_{number:03d}"
        if number < MATCHING:
            low = number * BUCKETS // 100
            when = f"field.bucket >= {low} and field.bucket < {low + BUCKETS // 100} and (attempts_ip_10m >= 0 or missing(attempts_ip_10m))"
        else:
            left, right = TERMS[number % len(TERMS)], TERMS[(number // len(TERMS) + number) % len(TERMS)]
            when = f"({left.format(n=4000 + number)}) or ({right.format(n=5000 + number)} and field.bucket < 0)"
        counters = f"counters:\n  {OWN_COUNTERS[number]}\n" if number < len(OWN_COUNTERS) else ""
        found.append(
            f"rule: {name}\npoint: login\nowner: bench\nexpires: 2099-12-31\nfields: {{bucket: number}}\n{counters}when: {json.dumps(when)}\n"
            f"verdict: limit\nobligations: [{{limit: 1_per_minute, ttl_seconds: 60}}]\n"
            f'reason: "Rule {number}: {{attempts_ip_10m}} attempts from this address within ten minutes, {{failures_account_24h}} failures."\n'
            f"cases:\n  - {{given: {{field.bucket: -1, attempts_ip_10m: 0}}, expect: {'miss' if number < MATCHING else 'unknown'}}}\n"
        )
    return found


class Chooser:
    """Draws keys with a heavy tail, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._tables = {size: _cumulative(size) for size in (ACCOUNTS, ADDRESSES, DEVICES)}

    def key(self, size: int) -> int:
        """A key below `size`."""
        table = self._tables[size]
        return min(bisect.bisect(table, self._random.random() * table[-1]), size - 1)

    def missing(self) -> bool:
        """Whether a value is left out this time."""
        return self._random.random() < MISSING

    def bucket(self) -> int:
        """An even number below 1,000: ten rules take ten of them each."""
        return self._random.randrange(BUCKETS)


def _cumulative(size: int) -> list[float]:
    return list(itertools.accumulate(1.0 / (rank + 1) ** EXPONENT for rank in range(size)))


def login_event(chooser: Chooser, id: str, at: str) -> dict[str, object]:
    """One login as the door takes it."""
    address = chooser.key(ADDRESSES)
    entities = {"account": f"account-{chooser.key(ACCOUNTS)}", "ip": f"10.{address // 65536}.{address // 256 % 256}.{address % 256}"}
    if not chooser.missing():
        entities["device"] = f"device-{chooser.key(DEVICES)}"
    fields: dict[str, object] = {"bucket": chooser.bucket()}
    for name, value in (
        ("client", "web"),
        ("accept_language", "de-AT,de;q=0.9"),
        ("timezone", "Europe/Vienna"),
        ("screen", "1920x1080"),
        ("username_exists", True),
        ("second_factor", "none"),
        ("user_agent", f"Mozilla/5.0 (X11; Linux x86_64; rv:1{address % 40}.0) Gecko/20100101 Firefox/1{address % 40}.0"),
    ):
        if not chooser.missing():
            fields[name] = value
    return {"id": id, "type": "login", "occurred_at": at, "entities": entities, "fields": fields}


def requests(count: int, run: str, seed: int = 1) -> list[bytes]:
    """HTTP requests with one login each, made beforehand so that the client costs nothing while it measures."""
    chooser = Chooser(seed)
    at = datetime.now(UTC).isoformat()
    found = []
    for number in range(count):
        body = json.dumps(login_event(chooser, f"{run}{number:09d}", at), separators=(",", ":")).encode()
        head = b"POST /v1/decide HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
        found.append(head + body)
    return found


def history(count: int, seed: int = 2) -> bytes:
    """NDJSON of logins and their outcomes over the last hour."""
    chooser = Chooser(seed)
    start = datetime.now(UTC) - timedelta(hours=1)
    lines = []
    for number in range(count // 2):
        at = (start + timedelta(seconds=3500.0 * number * 2 / count)).isoformat()
        login = login_event(chooser, f"history-{seed}-{number}", at)
        outcome = {
            "id": f"history-{seed}-{number}-outcome",
            "type": "login.outcome",
            "occurred_at": at,
            "entities": login["entities"],
            "fields": {"result": "wrong_password" if number % 10 == 0 else "success"},
        }
        lines += [json.dumps(login), json.dumps(outcome)]
    return "\n".join(lines).encode()


def install(client: Client, count: int = RULES) -> None:
    """Take the rules into the book of a fresh server and let them act on everyone; the server must ask for no time in shadow or canary."""
    for text in rules(count):
        name = client.post("/v1/rules", {"text": text, "source": "workload", "actor": "bench"})["name"]
        client.post(f"/v1/rules/{name}/evidence", {"stage": "backtested", "figures": {"events": 0, "hit_share": 0.01}, "actor": "bench"})
        for stage, share in (("shadow", 0.0), ("canary", 0.5), ("live", 0.0)):
            client.post(f"/v1/rules/{name}/move", {"stage": stage, "share": share, "actor": "bench"})


CONFIG = "[decisions]\nshadow_decisions = 0\ncanary_decisions = 0\nsecond_person = []\nsecond_person_share = 2.0\n"

PLAIN_POLICY = b"""
point: login
version: 1
verdicts: [allow, limit, challenge, hold, reject]
tell_line: true
lines:
  - {name: guessing, when: failures_account_10m >= 10, verdict: limit, reason: Many wrong passwords were tried on this account.}
"""


def plain_login() -> "EventDomain":
    """Logins with their facts and counters, and without the detectors and states that ship with them: one line decides, and the rules."""
    from wardline.domains.login.recipe import login

    return msgspec.structs.replace(login(), detectors=(), states=(), borrows={}, policy=PLAIN_POLICY)


def in_process(data: Path, count: int, rule_count: int = RULES) -> dict[str, float]:
    """Decisions without a door, journalled: the published workload (20 counters and the rules) by itself, and with the detectors and states
    that logins ship with; how many a second, and processor time of all threads.

    The caller gives a fresh folder. One writer: what one core does. The journal's index follows in the background.
    """
    plain = asyncio.run(_in_process(data / "plain", count, rule_count, everything=False))
    everything = asyncio.run(_in_process(data / "everything", count, rule_count, everything=True))
    return {
        "in_process_per_second": round(plain[0], 1),
        "in_process_cpu_us": round(plain[1], 1),
        "in_process_everything_per_second": round(everything[0], 1),
        "in_process_everything_cpu_us": round(everything[1], 1),
    }


async def _in_process(data: Path, count: int, rule_count: int, *, everything: bool) -> tuple[float, float]:
    from wardline.base.clock import SystemClock
    from wardline.base.ids import Ids
    from wardline.base.metrics import Metrics
    from wardline.base.privacy import Pseudonyms
    from wardline.domains.login.recipe import login
    from wardline.engine.operators.administration import Administration
    from wardline.engine.rules.ruledesk import Caps
    from wardline.engine.states.shard import Shard
    from wardline.engine.store.journal import Journal
    from wardline.engine.walk.intake import Edge
    from wardline.engine.walk.points import EventPoints
    from wardline.gateways.http.decide import read_event

    clock = SystemClock()
    domain = login() if everything else plain_login()
    journal = Journal.open(data, clock=clock)
    try:
        administration, ids = Administration(), Ids(clock)
        points = EventPoints((domain,), 256 << 20, lambda digest, document: None)
        shard = Shard(journal, (administration, *points.states), clock)
        free = Caps(shadow_decisions=0, canary_decisions=0, second_person=(), second_person_share=2.0)
        (door,) = points.open(shard, Edge(Pseudonyms(b"bench" * 8)), administration, Metrics(), ids.new, free)
        for text in rules(rule_count):
            version = await points.desk.put(text.encode(), "workload", actor="bench")
            await points.desk.show(version.name, "backtested", {"hit_share": 0.01}, actor="bench")
            for stage, share in (("shadow", 0.0), ("canary", 0.5), ("live", 0.0)):
                await points.desk.move(version.name, stage, actor="bench", share=share)
        bodies = [request.partition(b"\r\n\r\n")[2] for request in requests(2 * count, "in-", 5)]
        for half in (bodies[:count], bodies[count:]):  # the first fills the counters
            await journal.room()
            started_s, busy_s = time.perf_counter(), time.process_time()
            for number, body in enumerate(half):
                pending = door.admit(read_event(body))
                if number % 512 == 511:
                    await pending
                    await journal.room()
            await pending
            seconds, busy_s = time.perf_counter() - started_s, time.process_time() - busy_s
        return count / seconds, busy_s / count * 1e6
    finally:
        journal.close()
