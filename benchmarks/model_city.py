"""Models on the synthetic city: labels as people would give them, and what a model changes at the door of a city that it never saw.

    wardline city --users 3000 --days 60 --seed 31 --out a.ndjson --truth a-truth.ndjson
    python benchmarks/model_city.py label a.ndjson a-truth.ndjson a-labelled.ndjson 0.2
    wardline --data A import a-labelled.ndjson --decide && wardline --data A train signup && wardline --data A train login

    wardline city --users 1500 --days 40 --seed 77 --out b.ndjson --truth b-truth.ndjson
    mkdir B && cp -r A/models B/ && wardline --data B model promote signup-… && wardline --data B model promote login-…
    wardline --data B import b.ndjson --decide --out with.ndjson; wardline --data C import b.ndjson --decide --out without.ndjson
    python benchmarks/model_city.py compare b.ndjson b-truth.ndjson without.ndjson with.ndjson

label: one to four days after a sign-up or a login, every abusive one and a share of the honest ones are labelled; the labels stand in the stream where their time is.
compare: the report of `wardline eval` over both files of answers, side by side.
"""

import argparse
import heapq
import json
import random
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from wardline.learning.evaluation.judged import Answered, Asked, Judged, joined, truths
from wardline.learning.evaluation.report import Report, report

TYPES = ("signup", "login")


def label(events: Path, truth: Path, out: Path, honest: float) -> int:
    """Write the events with labels between them. Gives how many labels."""
    chance = random.Random(1)
    known = {}
    with truth.open() as lines:
        for line in lines:
            found = json.loads(line)
            if found.get("id") and found["type"] in TYPES:
                known[found["id"]] = found["truth"] == "attack"
    waiting: list[tuple[str, str]] = []
    count = 0
    with events.open() as lines, out.open("w") as written:
        for line in lines:
            event = json.loads(line)
            while waiting and waiting[0][0] <= event["occurred_at"]:
                written.write(heapq.heappop(waiting)[1])
            written.write(line)
            abusive = known.get(event["id"])
            if abusive is None or not (abusive or chance.random() < honest):
                continue
            said = (datetime.fromisoformat(event["occurred_at"]) + timedelta(hours=24 + 72 * chance.random())).strftime(
                "%Y-%m-%dT%H:%M:%S.000Z"
            )
            fields = {"about": event["id"], "abusive": abusive, "source": "desk"}
            document = {"id": f"label-{event['id']}", "type": "label", "occurred_at": said, "fields": fields}
            heapq.heappush(waiting, (said, json.dumps(document) + "\n"))
            count += 1
        while waiting:
            written.write(heapq.heappop(waiting)[1])
    return count


def judged(events: Path, truth: Path, answers: Path, type: str) -> list[Judged]:
    """Decisions of one type beside their truth."""
    with truth.open("rb") as lines:
        known = truths(lines)
    with answers.open("rb") as lines:
        answered = {found.id: found for line in lines if line.strip() and (found := msgspec.json.decode(line, type=Answered)).id}
    with events.open("rb") as lines:
        asked = [msgspec.json.decode(line, type=Asked) for line in lines if f'"{type}"'.encode() in line[:120]]
    return list(joined(asked, known, answered, type))


def told(found: Report) -> dict[str, str]:
    """The figures that are compared."""
    lines = {
        "area": f"{found.area:.4f}" if found.area is not None else "",
        "honest challenged or worse": f"{found.challenged.share:.4f} ({found.challenged.hits})",
        "honest held or rejected": f"{found.severe.share:.4f} ({found.severe.hits})",
    }
    for rate, share in found.accounts_at.items():
        lines[f"accounts above the score of {rate} of honest ones"] = f"{share.share}"
    for kind, each in found.kinds.items():
        at = each.at["1.0%"]
        lines[f"{kind}: stopped as shipped; at 1 %"] = f"{each.stopped.share}; {at.share} ({at.low}-{at.high}) of {at.of}"
    for tag, group in found.groups.items():
        lines[f"honest, {tag}: challenged"] = f"{group.challenged.share} of {group.challenged.of}"
    for kind, campaigns in found.campaigns.items():
        lines[f"campaigns, {kind}: detected; accounts before"] = (
            f"{campaigns.detected.hits} of {campaigns.detected.of}; {campaigns.median_before}"
        )
    return lines


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for command, more in (("label", ("out",)), ("compare", ("before", "after"))):
        given_to = commands.add_parser(command)
        for name in ("events", "truth", *more):
            given_to.add_argument(name, type=Path)
    commands.choices["label"].add_argument("honest_share", type=float)
    given = parser.parse_args()
    if given.command == "label":
        print(f"{label(given.events, given.truth, given.out, given.honest_share):,} labels")
        return
    for type in TYPES:
        before, after = (told(report(judged(given.events, given.truth, answers, type), type)) for answers in (given.before, given.after))
        print(f"\n{type}\n{'':52s} {'before':34s} after")
        for name in before:
            print(f"{name:52s} {before[name]:34s} {after.get(name, '')}")


if __name__ == "__main__":
    main()
