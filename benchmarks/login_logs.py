"""Three logs of attacks on logins through the decision door: one SSH server, a honeypot, and a simulated site with honest people.

    python benchmarks/login_logs.py DATA/ato          # openssh_2k.log, cowrie_ssh_first60.csv.gz, mountbee_simulated_auth.csv

An outside client of a server in its shipped configuration, a fresh one for each log: every attempt as a `login`, how it ended as a `login.outcome` behind it, through
POST /v1/decide/batch. Told are the share of attempts that were challenged or worse, and the attempts until a campaign is named: until the first answer that is not `allow` or gives
`login.credential_campaign` or `login.guessing` as a reason against the login. For the simulated log, both kinds of error. Nothing of the data is shipped.

What is no part of the data: names of accounts at the honeypot (so an attempt there has an address alone), and which lines of the simulated log are attacks (taken to be all of
the four addresses that are seen within half an hour only, each with far more failures than successes).
"""

import argparse
import csv
import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec

from wardline.commands.measure import served
from wardline.gateways.sshd import LogClock, events_of
from wardline.learning.evaluation.intervals import wilson

CHUNK = 1_000
NAMING = ("login.credential_campaign", "login.guessing")
SHORT_SECONDS = 3600
Events = list[dict[str, Any]]


def attempt(name: str, at: str, entities: dict[str, str], fields: dict[str, Any], result: str) -> Events:
    """A login and its outcome."""
    shared = {"occurred_at": at, "flow_id": name, "entities": entities}
    return [
        {"id": name, "type": "login", **shared, "fields": fields},
        {"id": f"{name}-outcome", "type": "login.outcome", **shared, "fields": {"result": result}},
    ]


def openssh(folder: Path) -> Events:
    """The log of one server, as `wardline import sshd` reads it."""
    with (folder / "openssh_2k.log").open(errors="replace") as lines:
        return [document for _line, document in events_of(lines, LogClock(datetime.now(UTC), 2015)) if isinstance(document, dict)]


def honeypot(folder: Path) -> Events:
    """Sessions of a honeypot that lets in at will: as many attempts as it counted, without names."""
    found: Events = []
    with gzip.open(folder / "cowrie_ssh_first60.csv.gz", "rt") as lines:
        for row in csv.DictReader(lines):
            ends = ["wrong_password"] * int(row["login_failed"]) + ["success"] * int(row["login_success"])
            for number, end in enumerate(ends):
                found += attempt(f"{row['session_id']}-{number}", row["start_time"], {"ip": row["src_ip"]}, {"client": "ssh"}, end)
    return found


def simulated(folder: Path) -> tuple[Events, dict[str, str]]:
    """A site of thirty people for three days; the campaign, by its address, of every login that is an attack."""
    with (folder / "mountbee_simulated_auth.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    times: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        times[row["src_ip"]].append(datetime.fromisoformat(row["timestamp"]))
    short = {ip for ip, seen in times.items() if len(seen) > 10 and (seen[-1] - seen[0]).total_seconds() < SHORT_SECONDS}
    found: Events = []
    attacks: dict[str, str] = {}
    for number, row in enumerate(rows):
        end = "success" if row["status"] == "success" else "wrong_password"
        entities = {"account": row["user"], "ip": row["src_ip"]}
        found += attempt(f"sim-{number}", row["timestamp"], entities, {"user_agent": row["user_agent"], "client": "web"}, end)
        if row["src_ip"] in short:
            attacks[f"sim-{number}"] = row["src_ip"]
    return found, attacks


def played(events: Events) -> dict[str, dict[str, Any]]:
    """The answers to all logins, by id."""
    answers: dict[str, dict[str, Any]] = {}
    with served() as server, httpx.Client(base_url=f"http://127.0.0.1:{server.http_port}", timeout=600.0) as client:
        for start in range(0, len(events), CHUNK):
            reply = client.post("/v1/decide/batch", content=b"\n".join(map(msgspec.json.encode, events[start : start + CHUNK])))
            reply.raise_for_status()
            for line in reply.iter_lines():
                answer = msgspec.json.decode(line)
                if "verdict" in answer:
                    answers[answer["id"]] = answer
                elif not answer.get("accepted"):
                    raise SystemExit(f"refused: {line}")
    return answers


def names(answer: dict[str, Any]) -> bool:
    """Whether an answer names a campaign."""
    against = {reason["detector"] for reason in answer["reasons"] if reason["score"] > 0.5}
    return answer["verdict"] != "allow" or any(name in against for name in NAMING)


def share(hits: int, of: int) -> str:
    low, high = wilson(hits, of)
    return f"{hits} of {of} = {100 * hits / max(of, 1):.2f} % ({100 * low:.2f} to {100 * high:.2f})"


def told(title: str, answers: list[dict[str, Any]]) -> None:
    """Share challenged or worse, when the campaign was named, and what followed."""
    first = next((number for number, answer in enumerate(answers, 1) if names(answer)), 0)
    verdicts = Counter(answer["verdict"] for answer in answers)
    stopped = [answer["verdict"] in ("challenge", "hold", "reject") for answer in answers]
    print(f"{title}: challenged or worse {share(sum(stopped), len(stopped))}; {dict(verdicts)}")
    if first:
        print(f"  named from attempt {first} on; of those after it {share(sum(stopped[first:]), len(stopped) - first)}")
    lines = Counter(reason["detector"] for answer in answers if answer["verdict"] != "allow" for reason in answer["reasons"][:1])
    print(f"  first reasons {dict(lines.most_common(5))}", flush=True)


def in_order(events: Events) -> Iterator[dict[str, Any]]:
    return (event for event in events if event["type"] == "login")


def by_address(events: Events, answers: dict[str, dict[str, Any]], least: int) -> None:
    """Addresses with many attempts: how many were stopped at all, and after how many attempts."""
    met: dict[str, list[bool]] = defaultdict(list)
    for event in in_order(events):
        met[event["entities"].get("ip", "")].append(answers[event["id"]]["verdict"] in ("challenge", "hold", "reject"))
    many = [found for found in met.values() if len(found) >= least]
    stopped = sorted(found.index(True) + 1 for found in many if any(found))
    middle = stopped[len(stopped) // 2] if stopped else 0
    print(
        f"  addresses with {least} or more attempts: {len(many)} of {len(met)}; stopped {len(stopped)}, from attempt {middle} on (middle)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    for title, events in (("openssh", openssh(folder)), ("honeypot", honeypot(folder))):
        answers = played(events)
        told(title, [answers[event["id"]] for event in in_order(events)])
        by_address(events, answers, 20)
    events, attacks = simulated(folder)
    answers = played(events)
    campaigns: dict[str, list[dict[str, Any]]] = defaultdict(list)
    ends = {event["flow_id"]: event["fields"]["result"] for event in events if event["type"] == "login.outcome"}
    for event in in_order(events):
        campaigns[attacks.get(event["id"], "honest")].append(answers[event["id"]])
    told("simulated, honest", campaigns["honest"])
    for day in (10, 11, 12):
        some = [answers[e["id"]]["verdict"] for e in in_order(events) if e["id"] not in attacks and e["occurred_at"][8:10] == str(day)]
        print(f"  day {day - 9}: {share(sum(v in ('challenge', 'hold', 'reject') for v in some), len(some))}; {dict(Counter(some))}")
    for campaign, found in campaigns.items():
        if campaign != "honest":
            told(f"simulated, {campaign}", found)
            entered = [answer for answer in found if ends[answer["id"]] == "success"]
            print(f"  right passwords: {len(entered)}, stopped {sum(a['verdict'] in ('challenge', 'hold', 'reject') for a in entered)}")


if __name__ == "__main__":
    main()
