"""What the mail detectors cost, and how often each speaks on labelled mail.

    python benchmarks/detectors.py cost samples/good samples/bad
    python benchmarks/detectors.py hits CORPUS [CORPUS ...] --limit 2000 [--scrub scrub.py]

`cost`: microseconds of CPU per message and detector (measure and judge), median over messages of the mean over repeats.
`hits`: CORPUS is a folder with index.tsv (path, tab, ham or spam or phish). For each detector the share of ham and of abuse on which its
score is above 0.5, and the most frequent cues on ham, with Wilson intervals at 95 %. No DNS, no states, no models: what is shown
is the part of the detectors that reads the message. `--scrub` names a Python file with scrub(bytes) -> bytes, applied first.
"""

import argparse
import importlib.util
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from wardline.domains.mail.detectors import ALL
from wardline.domains.mail.events import Envelope, Mail
from wardline.domains.mail.intake import read
from wardline.engine.feature import Value
from wardline.learning.evaluation.intervals import wilson


def shown(hits: int, total: int) -> str:
    """Share and its interval at 95 %, in percent."""
    low, high = wilson(hits, total)
    return f"{100 * hits / max(total, 1):.2f} [{100 * low:.2f}, {100 * high:.2f}]"


def load_scrub(path: str | None) -> Callable[[bytes], bytes]:
    """The scrub function of a file, or the identity."""
    if not path:
        return lambda raw: raw
    spec = importlib.util.spec_from_file_location("scrub", path)
    if spec is None or spec.loader is None:
        raise SystemExit(f"{path}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scrub: Callable[[bytes], bytes] = module.scrub
    return scrub


def messages(folder: Path, limit: int, scrub: Callable[[bytes], bytes], others: bool = False) -> Iterator[tuple[Mail, bool]]:
    """(message, abusive) of a corpus; with a limit, evenly spread over it, or all the others."""
    rows = [line.split("\t") for line in (folder / "index.tsv").read_text("utf-8").splitlines() if line]
    step = max(len(rows) // limit, 1) if limit else 1
    for index, (path, label) in enumerate(rows):
        if (index % step == 0) == others:
            continue
        raw = (folder / path).read_bytes()
        yield read(scrub(raw), Envelope()), label != "ham"


def facts(mail: Mail) -> dict[str, Value]:
    """What intake says of a message."""
    return {"mail.limits": [*mail.limits], "mail.defects": [*mail.defects], "mail.size_bytes": mail.size_bytes, "mail.direction": "in"}


def hits(folders: list[str], limit: int, scrub: Callable[[bytes], bytes], show: int, others: bool) -> None:
    """Print the table."""
    detectors = [kind() for kind in ALL]
    totals = {True: 0, False: 0}
    spoken: Counter[tuple[str, bool]] = Counter()
    cues: Counter[tuple[str, str, bool]] = Counter()
    for folder in folders:
        for mail, abusive in messages(Path(folder), limit, scrub, others):
            totals[abusive] += 1
            known = facts(mail)
            for detector in detectors:
                values = {**known, **detector.measure(mail, known)}
                signal = detector.judge(values)
                if signal.score is not None and signal.score > 0.5:
                    spoken[detector.name, abusive] += 1
                    found = signal.evidence.get("cues")
                    for cue in found if isinstance(found, list) else ():
                        cues[detector.name, str(cue), abusive] += 1
    print(f"{totals[False]} ham, {totals[True]} abuse; {', '.join(Path(folder).name for folder in folders)}")
    print("| detector | on ham % | on abuse % | most frequent cues on ham (ham : abuse) |\n|---|---|---|---|")
    for detector in sorted(detectors, key=lambda detector: detector.name):
        ham, spam = (shown(spoken[detector.name, abusive], totals[abusive]) for abusive in (False, True))
        pairs = sorted({cue for name, cue, _ in cues if name == detector.name}, key=lambda cue: -cues[detector.name, cue, False])[:show]
        words = ", ".join(f"{cue} {cues[detector.name, cue, False]}:{cues[detector.name, cue, True]}" for cue in pairs)
        print(f"| {detector.name} | {ham} | {spam} | {words} |")


def cost(folders: list[str], repeats: int) -> None:
    """Print microseconds per message."""
    mails = [read(path.read_bytes(), Envelope()) for folder in folders for path in sorted(Path(folder).rglob("*.eml"))]
    if not mails:
        raise SystemExit(f"no .eml files in {', '.join(folders)}")
    rows: list[tuple[str, float, float, float]] = []
    for kind in ALL:
        detector: Any = kind()
        times = []
        for mail in mails:
            known = facts(mail)
            detector.judge({**known, **detector.measure(mail, known)})  # once before: lexicons and indexes are read on first use
            started = time.process_time()
            for _ in range(repeats):
                detector.judge({**known, **detector.measure(mail, known)})
            times.append((time.process_time() - started) / repeats * 1e6)
        rows.append((detector.name, statistics.median(times), max(times), detector.cost_us))
    print(f"{len(mails)} messages, {repeats} repeats\n| detector | median us | worst us | declared us |\n|---|---|---|---|")
    for name, median, worst, declared in sorted(rows, key=lambda row: -row[1]):
        print(f"| {name} | {median:.1f} | {worst:.1f} | {declared:.1f} |")
    print(f"| all | {sum(row[1] for row in rows):.1f} | {sum(row[2] for row in rows):.1f} | {sum(row[3] for row in rows):.1f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("cost", "hits"))
    parser.add_argument("folders", nargs="+")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--scrub")
    parser.add_argument("--others", action="store_true", help="with --limit: what the sample leaves out")
    parser.add_argument("--show", type=int, default=6)
    given = parser.parse_args()
    if given.what == "cost":
        cost(given.folders, given.repeats)
    else:
        hits(given.folders, given.limit, load_scrub(given.scrub), given.show, given.others)


if __name__ == "__main__":
    main()
