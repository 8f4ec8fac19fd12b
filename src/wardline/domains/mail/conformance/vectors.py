"""`wardline conformance DIR`: our readings of the standards against other projects' published vectors.

    report = run(Path("fixtures"), progress=print)
    report.suites[0]  ->  Suite("spf/pyspf/test/rfc7208-tests.yml", passed=203, failed=0, skipped=0)

DIR holds what the projects publish, one folder each, found by its files: the SPF project's YAML, the ARC test suite, Mail::DKIM's corpus, the DMARC
tests of OpenDMARC and mailauth, the messages of MIME parsers' test folders. Nothing is looked up: the vectors bring their zones along.
For MIME, bounces and feedback reports no result is published; there the claim is that intake reads every file without failing, and how long the
slowest takes. What is skipped says why.
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import msgspec

from wardline.domains.mail import intake
from wardline.domains.mail.conformance import dmarc, signatures, spf
from wardline.domains.mail.conformance.cases import Case, Skipped
from wardline.domains.mail.events import Envelope

# Folders (DIR itself or one below) whose files are messages, of whatever kind; everything in them is read, and so is every .eml elsewhere.
MESSAGE_FOLDERS = ("mime", "bounces", "arf")
MESSAGE_SIZE_LIMIT = 100 << 20
FAILING_LIMIT = 50

Progress = Callable[[str, int, int], None]


class Suite(msgspec.Struct, kw_only=True):
    """One suite. failing: "id: what differed", the first 50. reasons: why cases were skipped, with how many. slowest_ms: for messages, the slowest file and its time."""

    name: str
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failing: list[str] = []
    reasons: dict[str, int] = {}
    slowest_ms: float = 0.0
    slowest: str = ""


class Report(msgspec.Struct, kw_only=True):
    """All suites in order of their names, the sums over them, and how long it took."""

    suites: list[Suite]
    passed: int
    failed: int
    skipped: int
    seconds: float


def message_cases(directory: Path) -> dict[str, list[Case]]:
    """Every message below `directory`, by the project it comes from: one suite per folder below mime/, bounces/ and arf/, one for all other .eml files."""
    suites: dict[str, list[Case]] = {}
    for path in sorted(directory.rglob("*")):
        if not path.is_file():
            continue
        parts = path.relative_to(directory.parent).parts
        place = next((place for place, part in enumerate(parts[:2]) if part in MESSAGE_FOLDERS), None)
        if place is not None:
            name = "/".join(parts[place : place + 2] if len(parts) > place + 2 else parts[place : place + 1])
        elif path.suffix == ".eml":
            name = "messages elsewhere"
        else:
            continue
        suites.setdefault(name, []).append(Case(str(path.relative_to(directory)), partial(read_message, path)))
    return suites


def read_message(path: Path) -> str:
    """Reads one file as a message: "" when intake gives a Mail that it did not have to give up on."""
    if path.stat().st_size > MESSAGE_SIZE_LIMIT:
        raise Skipped("larger than 100 MB")
    mail = intake.read(path.read_bytes(), Envelope())
    return "intake gave up on it" if "intake_failed" in mail.defects else ""


def find(directory: Path) -> dict[str, list[Case]]:
    """All suites below `directory` with their cases, nothing run yet."""
    return {
        **spf.suites(directory),
        **signatures.suites(directory),
        **dmarc.suites(directory),
        **{f"read/{name}": cases for name, cases in message_cases(directory).items()},
    }


def run(directory: Path, *, progress: Progress = lambda name, done, total: None, only: Iterable[str] = ()) -> Report:
    """Runs every suite found below `directory`.

    progress(suite, done, total): called after each case. only: run the suites whose names begin with one of these.
    Raises FileNotFoundError when there is no such folder, ValueError when it holds no suite.
    """
    if not directory.is_dir():
        raise FileNotFoundError(f"{directory} is no folder: give the folder that holds the projects' test vectors")
    started = time.perf_counter()
    wanted = tuple(only)
    found = {name: cases for name, cases in sorted(find(directory).items()) if not wanted or name.startswith(wanted)}
    if not found:
        raise ValueError(f"{directory} holds no suite that is known; see docs/conformance.md for what is looked for")
    total = sum(len(cases) for cases in found.values())
    done = 0
    suites: list[Suite] = []
    for name, cases in found.items():
        suite = Suite(name=name)
        for case in cases:
            _run_case(suite, case)
            done += 1
            progress(name, done, total)
        suites.append(suite)
    return Report(
        suites=suites,
        passed=sum(suite.passed for suite in suites),
        failed=sum(suite.failed for suite in suites),
        skipped=sum(suite.skipped for suite in suites),
        seconds=round(time.perf_counter() - started, 2),
    )


def _run_case(suite: Suite, case: Case) -> None:
    started = time.perf_counter()
    try:
        difference = case.check()
    except Skipped as skipped:
        suite.skipped += 1
        suite.reasons[str(skipped)] = suite.reasons.get(str(skipped), 0) + 1
        return
    except Exception as error:  # a check that raises has failed, and the next one is still of interest
        difference = f"raised {type(error).__name__}"
    elapsed_ms = (time.perf_counter() - started) * 1000
    if elapsed_ms > suite.slowest_ms:
        suite.slowest_ms, suite.slowest = round(elapsed_ms, 2), case.id
    if not difference:
        suite.passed += 1
        return
    suite.failed += 1
    if len(suite.failing) < FAILING_LIMIT:
        suite.failing.append(f"{case.id}: {difference}")


def as_text(report: Report) -> str:
    """The report as a table for people, with what failed and why something was skipped below it."""
    lines = [f"{'suite':<58} {'pass':>6} {'fail':>5} {'skip':>5} {'slowest':>10}"]
    for suite in report.suites:
        lines.append(f"{suite.name:<58} {suite.passed:>6} {suite.failed:>5} {suite.skipped:>5} {suite.slowest_ms:>7.1f} ms")
    lines.append(f"{'all':<58} {report.passed:>6} {report.failed:>5} {report.skipped:>5} {report.seconds:>7.1f} s")
    messages = [suite for suite in report.suites if suite.name.startswith("read/") and suite.slowest]
    if messages:
        worst = max(messages, key=lambda suite: suite.slowest_ms)
        lines.append(f"slowest message: {worst.slowest}, {worst.slowest_ms:.1f} ms")
    for suite in report.suites:
        lines += [f"fail  {suite.name}  {failing}" for failing in suite.failing]
    for suite in report.suites:
        lines += [f"skip  {suite.name}  {count} x {reason}" for reason, count in suite.reasons.items()]
    return "\n".join(lines)
