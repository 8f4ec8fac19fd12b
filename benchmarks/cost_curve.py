"""What one event costs as history grows: CPU time of the whole engine path for accounts, from JSON to the packed record, at 10^5, 10^6, 10^7 events.

    python benchmarks/cost_curve.py --events 1000000 --out curve.json
    python benchmarks/cost_curve.py --events 100000 --journal       with a real journal on disk (indexing included)

Path: the door's JSON decoding, intake with the shipped sources, counters (256 MiB), the states of logins and sign-ups, detectors, policy, the packed body.
Without --journal the record is packed and dropped, so that ten million events need no disk. Accounts grow with the stream: one event in twenty opens one,
so that the graph, the habits, the population and the counters all reach their bounds; older accounts are busier than young ones (rank by a cubed uniform draw).
Two events a second. Events are made in blocks outside the measured time.

A decade's figure is the mean over the last fifth of the events up to it. `pace` is a fixed piece of work done between the blocks, in the same process: on a
shared machine every figure moves with it, and the ratio of the decades is also told with each block's cost divided by its pace.
"""

import argparse
import gc
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from wardline.base.clock import FixedClock
from wardline.base.ids import Ids
from wardline.base.metrics import Metrics
from wardline.base.privacy import Pseudonyms
from wardline.domains.login.profile import LoginProfile
from wardline.engine.graph import Graph
from wardline.engine.operators.administration import Administration
from wardline.engine.record import Record
from wardline.engine.states.shard import Shard
from wardline.engine.store.journal import Journal
from wardline.engine.store.receipt import Receipt, Receipts
from wardline.engine.walk.intake import Edge
from wardline.engine.walk.point import EventPoint
from wardline.engine.walk.points import EventPoints
from wardline.gateways.http.decide import read_event
from wardline.serving import COLLECTION_THRESHOLDS
from wardline.shipped import event_domains
from wardline.sources.registry import Registry

START_S = 1_767_225_600
PER_SECOND = 2.0
BLOCK = 2_000
MASK = (1 << 64) - 1
SYSTEMS = ("Windows NT 10.0; Win64; x64", "Macintosh; Intel Mac OS X 10_15_7", "X11; Linux x86_64", "Linux; Android 10; K")
ZONES = ("Europe/Vienna", "Europe/Paris", "Europe/Warsaw", "America/New_York", "Asia/Tokyo")
LANGUAGES = ("de-AT,de;q=0.9", "fr-FR,fr;q=0.9", "pl-PL,pl;q=0.9", "en-US,en;q=0.9", "ja,en-US;q=0.9")
SCREENS = ("1920x1080", "1536x864", "1366x768", "390x844", "412x915", "2560x1440")
FIRST, LAST = "bcdfghjklmnprstvw", "aeiou"


class Nowhere:
    """A journal that takes a record, gives it a place and forgets it."""

    def __init__(self) -> None:
        self.last_seq = 0
        self._receipts = Receipts(1 << 62)

    def find_id(self, kind: str, id: str) -> None:
        return None

    def append(self, record: Record) -> Receipt:
        self.last_seq += 1
        return Receipt(self._receipts, self.last_seq)


def mixed(*numbers: int) -> int:
    """64 bits that look random, the same on every machine (the finaliser of SplitMix64, Steele et al., 2014)."""
    value = 0
    for number in numbers:
        value = (value + number + 0x9E3779B97F4A7C15) & MASK
        value = ((value ^ value >> 30) * 0xBF58476D1CE4E5B9) & MASK
        value = ((value ^ value >> 27) * 0x94D049BB133111EB) & MASK
        value ^= value >> 31
    return value


def word(seed: int, syllables: int) -> str:
    return "".join(FIRST[mixed(seed, at) % len(FIRST)] + LAST[mixed(seed, at, 1) % len(LAST)] for at in range(syllables))


class Person:
    """What an account has, from its number alone: so many people need no memory."""

    def __init__(self, number: int) -> None:
        seed = mixed(number)
        heavy = int((seed >> 20 & 0xFFFF) ** 3 / (1 << 48) * 4000)  # a few browsers are everybody's
        network = mixed(number, 2) % 60_000
        first, last = word(mixed(number, 3) % 900, 2), word(mixed(number, 4) % 9_000, 3)
        self.account = f"{first}.{last}{number}"
        self.name = (first + last + str(mixed(number, 5) % 100), f"{first}.{last}", f"{last}{mixed(number, 5) % 2000}")[seed % 3]
        self.email = f"{first}.{last}{number % 97}@mail{mixed(number, 6) % 40 * (mixed(number, 7) % 8)}.example.com"
        self.ip = f"{20 + network % 150}.{network // 150 % 250}.{mixed(network) % 250}.{1 + mixed(number, 8) % 250}"
        self.away = f"{20 + mixed(number, 9) % 150}.{mixed(number, 10) % 250}.{mixed(number, 11) % 250}.{1 + mixed(number, 12) % 250}"
        self.device = f"{seed:016x}{number:016x}"
        self.agent = f"Mozilla/5.0 ({SYSTEMS[heavy % 4]}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{60 + heavy // 80}.0.{heavy % 80}.0 Safari/537.36"
        place = mixed(number, 13) % 5
        self.language, self.zone, self.screen = LANGUAGES[place], ZONES[place], SCREENS[mixed(number, 14) % 6]


def stream(count: int) -> Iterator[list[tuple[int, str, bytes]]]:
    """Blocks of (microseconds, type, JSON). A sign-up and its outcome, logins and theirs, what sessions do."""
    people, number, block = 1000, 0, []
    while number < count:
        draw = mixed(number, 99)
        kind = draw % 20
        if kind == 0:
            people += 1
            person = Person(people)
            pair = [("signup", _signup(person, draw)), ("signup.outcome", {"result": "completed"})]
        else:
            person = Person(1 + int((people - 1) * ((draw >> 32) / (1 << 32)) ** 3))
            if kind == 1:
                pair = [("session", {"action": "send", "count": 1 + draw % 7})]
            else:
                right = draw >> 8 & 15
                pair = [("login", _login(person)), ("login.outcome", {"result": "success" if right else "wrong_password"})]
        away = draw >> 16 & 15 == 0
        entities = {"account": person.account, "ip": person.away if away else person.ip}
        for type, fields in pair:
            at_us = START_S * 1_000_000 + int(number / PER_SECOND * 1e6)
            told = {**entities, "device": person.device} if type in ("login", "signup") else entities
            if type == "signup":
                told = {**told, "email": person.email}
            event = {"id": f"e{number}", "type": type, "schema_version": 1, "occurred_at": datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(), "flow_id": f"f{draw:016x}", "entities": told, "fields": fields}  # fmt: skip
            block.append((at_us, type, json.dumps(event).encode()))
            number += 1
        if len(block) >= BLOCK:
            yield block
            block = []
    if block:
        yield block


def _signup(person: Person, draw: int) -> dict[str, Any]:
    return {"username": person.name, "display_name": person.name.title(), "form_ms": 4000 + draw % 70_000, **_client(person)}


def _login(person: Person) -> dict[str, Any]:
    return {"client": "web", "username_exists": True, "second_factor": "none", **_client(person)}


def _client(person: Person) -> dict[str, Any]:
    return {"user_agent": person.agent, "accept_language": person.language, "timezone": person.zone, "screen": person.screen}


def pace() -> float:
    """CPU seconds of a fixed piece of work: about 5 ms of hashing, dictionaries and numbers."""
    begun = time.process_time()
    found: dict[bytes, int] = {}
    for number in range(2500):
        key = blake2b(number.to_bytes(4, "little"), digest_size=8).digest()
        found[key] = number
        found[key] += len(f"{number}|{key!r}")
    return time.process_time() - begun


def decade(costs: list[tuple[int, float, float]], events: int) -> dict[str, float]:
    """The mean cost, its pace, and cost by pace over the last fifth of the first so many events."""
    part = [(us, own) for last, us, own in costs if events * 0.8 < last <= events]
    us = statistics.fmean([us for us, _own in part])
    return {
        "events": events,
        "us": us,
        "pace_ms": statistics.fmean([own for _us, own in part]),
        "by_pace": statistics.median([us / own for us, own in part]),
    }


def types_of(block: list[tuple[int, str, bytes]], doors: dict[str, EventPoint], clock: FixedClock) -> dict[str, float]:
    """What each type of event costs, in microseconds, timed one by one: asking for the time is dear, so only the last block is."""
    spent: dict[str, list[float]] = {}
    for at_us, type, data in block:
        clock.advance_us(at_us - clock.now_us())
        door = doors[type]
        begun = time.process_time()
        event = read_event(data)
        door.admit(event) if type in door.types else door.note(event)
        spent.setdefault(type, []).append(time.process_time() - begun)
    return {type: round(1e6 * statistics.fmean(each), 1) for type, each in sorted(spent.items())}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--events", type=int, default=1_000_000)
    arguments.add_argument("--journal", action="store_true")
    arguments.add_argument("--out", type=Path)
    options = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock(START_S * 1_000_000)
        journal: Any = Journal.open(Path(folder), clock=clock) if options.journal else Nowhere()
        try:
            told = measured(options.events, journal, clock, Path(folder))
        finally:
            if options.journal:
                journal.close()
    told["journal"] = "on" if options.journal else "off: packed and dropped"
    for row in told["decades"]:
        print(f"{row['events']:>10} events: {row['us']:6.1f} us an event, pace {row['pace_ms']:.2f} ms, by pace {row['by_pace']:.2f}")
    first, last = told["decades"][0], told["decades"][-1]
    print(f"{told['last_by_type']}; ratio {last['us'] / first['us']:.3f}, by pace {last['by_pace'] / first['by_pace']:.3f}; {told['full']}")
    if options.out:
        options.out.write_text(json.dumps(told, indent=1))


def measured(events: int, journal: Any, clock: FixedClock, folder: Path) -> dict[str, Any]:
    administration, metrics = Administration(), Metrics()
    points = EventPoints(event_domains(), 256 << 20, lambda digest, document: None)
    shard = Shard(journal, (administration, *points.states), clock)
    sources = Registry(folder / "sources", clock=clock, keep=folder / "sources-kept")
    edge = Edge(Pseudonyms(b"k" * 32), sources.ip_facts, sources.user_agent_facts, sources.domain_facts)
    doors = {type: door for door in points.open(shard, edge, administration, metrics, Ids(clock).new) for type in door.types | door.notes}
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTION_THRESHOLDS)
    costs: list[tuple[int, float, float]] = []
    by_type: dict[str, float] = {}
    done = 0
    columns = (TextColumn("events"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[us]:.0f} us"))
    with Progress(*columns) as progress:
        task = progress.add_task("", total=events, us=0.0)
        for block in stream(events):
            own = pace()
            if done + len(block) >= events:
                by_type = types_of(block, doors, clock)
                break
            begun = time.process_time()
            for at_us, type, data in block:
                clock.advance_us(at_us - clock.now_us())
                door = doors[type]
                event = read_event(data)
                pending = door.admit(event) if type in door.types else door.note(event)
            done += len(block)
            us = 1e6 * (time.process_time() - begun) / len(block)
            if isinstance(journal, Journal):
                pending.receipt.result(60)
                us = 1e6 * (time.process_time() - begun) / len(block)
            costs.append((done, us, 1e3 * (own + pace()) / 2))
            progress.update(task, completed=done, us=us)
    graph = next(state for state in points.every_domain_state if isinstance(state, Graph))
    profile = next(state for state in points.every_domain_state if isinstance(state, LoginProfile))
    return {
        "decades": [decade(costs, size) for size in (10**5, 10**6, 10**7, 10**8) if size <= events] or [decade(costs, events)],
        "blocks": [[last, round(us, 2), round(own, 3)] for last, us, own in costs][:: max(len(costs) // 200, 1)],
        "last_by_type": by_type,
        "full": f"graph {len(graph.accounts)} accounts, habits of {len(profile.accounts)} and {profile.evicted} forgotten, "
        f"counters {sum(stats.bytes for stats in points.counters.stats()) >> 20} MiB",
    }


if __name__ == "__main__":
    main()
