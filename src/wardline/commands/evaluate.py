"""The command that judges the judge: a client of the door, from outside, with events in and verdicts out; the truth stays here.

wardline eval login events.ndjson truth.ndjson                     starts a server of its own, in its shipped configuration
wardline eval signup events.ndjson truth.ndjson --url http://127.0.0.1:8080 --out figures/
wardline eval login events.ndjson truth.ndjson --json

Every event of the file goes through POST /v1/decide/batch in the order of the file; what is judged are those of the named type. Truth never leaves
this process. `--control` sends truth and verdicts past each other, which must destroy the figures: a measurement that cannot fail measures nothing.
"""

import contextlib
import gzip
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from wardline.commands.context import Failure, counted, err, out, print_json
from wardline.commands.tables import Sheet

if TYPE_CHECKING:
    from wardline.learning.evaluation.accounts import Accounts
    from wardline.learning.evaluation.judged import Answered, Asked
    from wardline.learning.evaluation.report import Report

CHUNK_LINES = 2_000
LINE_LIMIT_BYTES = 1 << 20
TYPES = ("login", "signup")
DRAWN_LEAST = 5  # a share of fewer is in the report and not in the plots
DRAWN_RATE = "1.0%"


def register(app: typer.Typer) -> None:
    """Add this file's command."""
    app.command("eval", epilog="Example: wardline eval login events.ndjson truth.ndjson --out figures/")(evaluate)


def evaluate(
    what: Annotated[str, typer.Argument(metavar="login|signup", help="which decisions are judged")],
    events: Annotated[Path, typer.Argument(help="events as NDJSON in the order in which they happened; .gz too")],
    truth: Annotated[Path, typer.Argument(help="what is true of them, as NDJSON; .gz too")],
    url: Annotated[str, typer.Option("--url", help="a door that runs; nothing: a server of its own, as shipped")] = "",
    api_key: Annotated[str, typer.Option("--api-key", envvar="WARDLINE_API_KEY", help="key for --url")] = "",
    folder: Annotated[Path | None, typer.Option("--out", metavar="DIR", help="write report.json and plots (SVG) here")] = None,
    control: Annotated[bool, typer.Option("--control", help="negative control: verdicts are given to other events")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole report as one JSON document")] = False,
) -> None:
    """Play events through the door and hold the verdicts against the truth: shares with intervals, curves, campaigns, groups."""
    if what not in TYPES:
        raise Failure(f"the first word is {' or '.join(TYPES)}", status=2)
    from wardline.learning.evaluation.accounts import SIGNUP, accounts
    from wardline.learning.evaluation.judged import JudgedError, joined, truths
    from wardline.learning.evaluation.report import report

    try:
        known = truths(_lines(truth))
    except JudgedError as error:
        raise Failure(f"{truth}: {error}") from None
    asked, answers = _played(events, url, api_key)
    if control:
        answers = _shuffled(asked, answers, what)
    rows = list(joined(asked, known, answers, what))
    if not rows:
        raise Failure(f"no {what} of {events} has a truth in {truth}: are the two files of one run?")
    found = report(rows, what, accounts(asked, known, answers) if what == SIGNUP else None)
    if folder is not None:
        _write(folder, found)
    if as_json:
        print_json(found)
    else:
        _show(found)
        if folder is not None:
            out().print(f"report and plots: {folder}")


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            while line := stream.readline(LINE_LIMIT_BYTES + 1):
                if len(line) > LINE_LIMIT_BYTES:
                    raise Failure(f"{path}: a line has more than {LINE_LIMIT_BYTES} bytes; one document a line is needed (NDJSON)")
                if line.strip():
                    yield line.strip()
    except OSError as error:
        raise Failure(f"{path}: cannot be read ({error.strerror or error}); give a file of NDJSON", status=2) from None


def _played(path: Path, url: str, api_key: str) -> "tuple[list[Asked], dict[str, Answered]]":
    """Every event through the door, in order; what was asked and what came back."""
    import httpx

    from wardline.commands.measure import served
    from wardline.learning.evaluation.judged import Asked, answered

    asking = msgspec.json.Decoder(Asked)
    asked: list[Asked] = []
    answers: dict[str, Answered] = {}
    headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
    with contextlib.ExitStack() as stack:
        base = url.rstrip("/") or f"http://127.0.0.1:{stack.enter_context(served()).http_port}"
        client = stack.enter_context(httpx.Client(base_url=base, headers=headers, timeout=600.0))
        for chunk in _chunks(_lines(path)):
            for line in chunk:
                try:
                    asked.append(asking.decode(line))
                except (msgspec.DecodeError, RecursionError) as error:
                    raise Failure(f"{path}, event {len(asked) + 1}: {error}") from None
            try:
                reply = client.post("/v1/decide/batch", content=b"\n".join(chunk))
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Failure(f"{base}: does not answer ({type(error).__name__}); is the server running there?") from None
            if reply.status_code != 200:
                raise Failure(f"{base}: answered {reply.status_code}: {reply.text[:300]}")
            for event, line in zip(asked[-len(chunk) :], reply.content.splitlines(), strict=False):
                answers[event.id] = answered(line)
    refused = sum(not answers[event.id].verdict for event in asked if event.type in TYPES and event.id in answers)
    if refused:
        err().print(f"{counted(refused, 'event')} refused by the door and left out")
    return asked, answers


def _chunks(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == CHUNK_LINES:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _shuffled(asked: "list[Asked]", answers: "dict[str, Answered]", what: str) -> "dict[str, Answered]":
    names = [event.id for event in asked if event.type == what and event.id in answers]
    others = names.copy()
    random.Random(0).shuffle(others)
    return {name: answers[other] for name, other in zip(names, others, strict=True)}


def _write(folder: Path, found: "Report") -> None:
    from wardline.learning.evaluation.drawing import bars, lines

    def drawn(shares: list[tuple[int, Any]]) -> list[tuple[float, float, float, float]]:
        return [(float(at), share.share, share.low, share.high) for at, share in shares if share.of >= DRAWN_LEAST]

    def points(side: str, rate: str) -> list[tuple[float, float, float, float]]:
        return drawn([(step.history, getattr(step, side)[rate]) for step in found.curves])

    names = sorted({kind for step in found.curves if step.history for kind in step.kinds})
    kinds = {kind: drawn([(step.history, step.kinds[kind][DRAWN_RATE]) for step in found.curves if kind in step.kinds]) for kind in names}
    plots = {
        "kinds.svg": bars(
            "Stopped, by kind of attack, as shipped",
            {
                name: (kind.stopped.share, kind.stopped.low, kind.stopped.high)
                for name, kind in found.kinds.items()
                if kind.stopped.share is not None
            },
            y="share of attempts that could have entered",
        ),
        "groups.svg": bars(
            "Honest events challenged, by group, as shipped",
            {tag: (group.challenged.share or 0.0, group.challenged.low, group.challenged.high) for tag, group in found.groups.items()},
            y="share challenged or worse",
        ),
        "stopped_by_history.svg": lines(
            "Attempts stopped, by the account's history",
            {rate: points("stopped", rate) for rate in found.thresholds},
            x="past logins, from",
            y="share stopped",
        ),
        "kinds_by_history.svg": lines(
            f"Attempts stopped at {DRAWN_RATE} challenged, by kind and history",
            {kind: places for kind, places in kinds.items() if len(places) > 1},
            x="past logins, from",
            y="share of attempts that could have entered",
        ),
        "challenged_by_history.svg": lines(
            "Honest events challenged, by history",
            {rate: points("challenged", rate) for rate in found.thresholds},
            x="past logins, from",
            y="share challenged",
        ),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "report.json").write_bytes(msgspec.json.format(msgspec.json.encode(found), indent=1))
        for name, text in plots.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise Failure(f"{folder}: cannot be written ({error.strerror or error}); give another folder") from None


def _percent(share: Any) -> str:
    return "–" if share.share is None else f"{share.share:.1%} ({share.low:.1%}–{share.high:.1%})"


def _show(found: "Report") -> None:
    say = out().print
    say(f"{found.type}: {found.honest} honest events, {found.attacks} of attackers")
    say(
        f"honest: challenged or worse {_percent(found.challenged)}, held or rejected {_percent(found.severe)}, accounts held or rejected {_percent(found.accounts_harmed)}"
    )
    area = [f"{name} {value:.4f}" for name, value in (("area", found.area), ("of clusters", found.cluster_area)) if value is not None]
    say("; ".join([*area, *(f"accounts at {rate} false positives {_percent(share)}" for rate, share in found.accounts_at.items())]))
    if found.accounts is not None:
        _show_accounts(found.accounts)
    sheet = Sheet("kind", "attempts", "stopped as shipped", *(f"at {rate}" for rate in found.thresholds), whole=("kind",))
    for name, kind in found.kinds.items():
        sheet.add_row(name, str(kind.attempts), _percent(kind.stopped), *(_short(share) for share in kind.at.values()))
    say(sheet)
    if found.thresholds_history:
        sheet = Sheet("kind, 12 or more past logins", *(f"at {rate}" for rate in found.thresholds_history), whole=())
        for name, kind in found.kinds.items():
            if any(share.of for share in kind.at_history.values()):
                sheet.add_row(name, *(f"{_short(share)} of {share.of}" for share in kind.at_history.values()))
        say(sheet)
    sheet = Sheet("campaigns", "detected", "median seconds", "accounts before", "entered before", "large missed", whole=("campaigns",))
    for name, one in found.campaigns.items():
        detected = f"{one.detected.hits} of {one.detected.of}"
        sheet.add_row(
            name,
            detected,
            _number(one.median_seconds),
            _number(one.median_before),
            _number(one.median_entered_before),
            str(one.missed_large),
        )
    say(sheet)
    sheet = Sheet("honest group", "challenged or worse", "times the average", "held or rejected", whole=("honest group",))
    for tag, group in found.groups.items():
        sheet.add_row(tag, _percent(group.challenged), _number(group.times), _percent(group.severe))
    say(sheet)


def _show_accounts(found: "Accounts") -> None:
    say = out().print
    say(f"accounts of attackers: stopped at the sign-up {_percent(found.at_signup)}")
    say(
        f"  there, or at a login or a session before harm {_percent(found.before_harm)}; harm done unasked {_percent(found.harmed_unasked)}"
    )
    say(
        f"honest accounts: asked at the sign-up {_percent(found.honest_at_signup)}; held or rejected anywhere {_percent(found.honest_held)}"
    )
    say(f"  there, or at any of their logins {_percent(found.honest_in_all)}")
    sheet = Sheet("accounts, by kind", "of", "at the sign-up", "there or before harm", whole=())
    for name, one in found.kinds.items():
        sheet.add_row(name, str(one.at_signup.of), _percent(one.at_signup), _percent(one.before_harm))
    say(sheet)
    if found.lines:
        sheet = Sheet("let in at the sign-up, then stopped by", "attackers", "honest", whole=())
        for name, line in found.lines.items():
            sheet.add_row(name, str(line.attackers), str(line.honest))
        say(sheet)


def _short(share: Any) -> str:
    return "–" if share.share is None else f"{share.share:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:g}"
