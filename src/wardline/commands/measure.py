"""The commands that measure: bench, conformance.

    wardline bench mail DIR --limit 2000        messages a second through HTTP, and in bulk
    wardline bench decisions                    small decisions over HTTP at a steady rate, and at full speed
    wardline bench rules                        a hundred rules an event, in process, on one core
    wardline conformance DIR                    the standards' own test vectors

Each starts what it needs in a fresh folder, talks to it as an outside client would, and ends it. The figures count with the client on the
same machine. What they mean, and the figures that we got, stand in docs/benchmarks.md.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from wardline.commands.connection import SOCKET_NAME
from wardline.commands.context import Context, Failure, context_of, err, out, print_json
from wardline.commands.mail import check_bulk
from wardline.commands.reading import Source, sources

Json = Annotated[bool, typer.Option("--json", help="end with one JSON document")]

RATE = 1200  # decisions a second that the latency is stated at


def register(app: typer.Typer) -> None:
    """Add this file's commands."""
    bench = typer.Typer(help="Measure speed with an outside client on this machine.", no_args_is_help=True)
    bench.command("mail", epilog="Example: wardline bench mail ~/Maildir --limit 2000")(bench_mail)
    bench.command("decisions", epilog="Example: wardline bench decisions --seconds 20")(bench_decisions)
    bench.command("events", epilog="Example: wardline bench events --rate 1200 --rate 2000")(bench_events)
    bench.command("rules", epilog="Example: wardline bench rules --json")(bench_rules)
    app.add_typer(bench, name="bench")
    app.command("conformance", epilog="Example: wardline conformance fixtures/")(conformance)


def bench_mail(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help="messages: a folder, Maildir or mbox")],
    limit: Annotated[int, typer.Option("--limit", min=1, help="how many messages")] = 2000,
    as_json: Json = False,
) -> None:
    """Messages a second: one client over HTTP, and in bulk with every core."""
    from wardline.commands import load

    found = list(_limited(sources([folder]), limit))
    if not found:
        raise Failure(f"{folder}: there is no message", status=2)
    with served() as server:
        err().print(f"{len(found)} messages through HTTP, one client …")
        seconds = load.post_all(server.http_port, "/v1/mail/check", [source.read() for source in found])
    cores = os.cpu_count() or 1
    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as data:
        err().print(f"{len(found)} messages in bulk, {cores} cores …")
        context = Context(data=Path(data), config_path=None, starter=context_of(ctx).starter)
        done: list[str] = []
        started, busy = time.perf_counter(), _cpu_seconds()
        check_bulk(context, found, lambda source, answer: done.append(answer.id))
        elapsed, busy = time.perf_counter() - started, _cpu_seconds() - busy
    figures = {
        "messages": len(found),
        "http_one_client_per_second": round(len(found) / seconds, 1),
        "bulk_per_second": round(len(done) / elapsed, 1),
        "bulk_per_second_per_core": round(len(done) / elapsed / cores, 1),
        "bulk_cpu_ms_per_message": round(busy / len(done) * 1000, 3),
        "cores": cores,
    }
    _end(figures, as_json)


def bench_decisions(
    seconds: Annotated[float, typer.Option("--seconds", min=0.5, help="how long each of the two runs takes")] = 15.0,
    rate: Annotated[list[int], typer.Option("--rate", min=1, help="arrivals a second of an open-loop run; may be given again")] = [RATE],  # noqa: B006
    data: Annotated[Path | None, typer.Option("--on", help="a folder on the disk to measure; nothing: a temporary one")] = None,
    as_json: Json = False,
) -> None:
    """Small durable decisions over HTTP: latency at a steady open-loop rate, counted from the scheduled send, and the highest rate."""
    from wardline.commands import load

    with served(data) as server:
        figures: dict[str, Any] = {}
        sent = failed = 0
        for each in rate:
            err().print(f"open loop, {each} decisions a second for {seconds:.0f} s …")
            busy_s = load.cpu_seconds(server.process.pid)
            steady = load.open_loop(server.http_port, rate=each, seconds=seconds)
            busy_s = load.cpu_seconds(server.process.pid) - busy_s
            for percent, name in ((50, "p50"), (99, "p99"), (100, "max")):
                figures[f"{name}_ms_at_{each}"] = round(steady.percentile_ms(percent), 2)
            figures[f"server_cpu_us_at_{each}"] = round(busy_s / max(steady.sent, 1) * 1e6)
            sent, failed = sent + steady.sent, failed + steady.failed
        err().print("closed loop, as fast as it goes …")
        busy_s = load.cpu_seconds(server.process.pid)
        highest = load.closed_loop(server.http_port, connections=32, seconds=seconds)
        busy_s = load.cpu_seconds(server.process.pid) - busy_s
    figures["http_per_second"] = round(highest.per_second, 1)
    figures["server_cpu_us"] = round(busy_s / max(highest.sent, 1) * 1e6)
    figures["sent"], figures["failed"] = sent + highest.sent, failed + highest.failed
    _end(figures, as_json)


def bench_events(
    seconds: Annotated[float, typer.Option("--seconds", min=0.5, help="how long each run takes")] = 15.0,
    rate: Annotated[
        list[int] | None, typer.Option("--rate", min=1, help="arrivals a second of an open-loop run; may be given again; 1200 and 2000")
    ] = None,
    rules: Annotated[int, typer.Option("--rules", min=0, max=100, help="how many rules run")] = 100,
    data: Annotated[Path | None, typer.Option("--on", help="a folder on the disk to measure; nothing: a temporary one")] = None,
    as_json: Json = False,
) -> None:
    """Decisions about logins over HTTP, durable, with 20 counters and 100 rules: latency at steady open-loop rates, and the highest rate."""
    from wardline.commands import load, workload
    from wardline.commands.connection import Client

    console = err()
    console.print("in process …")
    with tempfile.TemporaryDirectory(prefix="wardline-bench-", dir=data) as folder:
        figures: dict[str, Any] = workload.in_process(Path(folder) / "data", max(2000, int(2000 * seconds)), rules)
    with served(data, workload.CONFIG) as server:
        client = Client(server.data / "data" / SOCKET_NAME)
        console.print(f"{rules} rules go live, 20,000 events fill the counters …")
        workload.install(client, rules)
        client.lines("/v1/decide/batch", workload.history(20_000))
        sent = failed = 0
        for number, each in enumerate(rate or (RATE, 2000)):
            console.print(f"open loop, {each} decisions a second for {seconds:.0f} s …")
            steady = load.open_loop(
                server.http_port, rate=each, seconds=seconds, prepared=workload.requests(int(each * seconds), f"r{number}-", number)
            )
            for percent, name in ((50, "p50"), (99, "p99"), (100, "max")):
                figures[f"{name}_ms_at_{each}"] = round(steady.percentile_ms(percent), 2)
            figures[f"answered_per_second_at_{each}"] = round(steady.per_second, 1)
            sent, failed = sent + steady.sent, failed + steady.failed
        console.print("closed loop, as fast as it goes …")
        highest = load.closed_loop(
            server.http_port, connections=32, seconds=seconds, prepared=workload.requests(int(6000 * seconds), "c-", 99)
        )
    figures["http_per_second"] = round(highest.per_second, 1)
    figures["sent"], figures["failed"] = sent + highest.sent, failed + highest.failed
    _end(figures, as_json)


def bench_rules(
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="how long the events are judged")] = 5.0,
    rules: Annotated[int, typer.Option("--rules", min=1, max=1000, help="rules of the set")] = 100,
    as_json: Json = False,
) -> None:
    """A set of rules on one core, in process: rules a second and the time of one event, with rendered reasons and isolation, a fifth of the values missing."""
    from wardline.commands import rule_load

    err().print(f"{rules} rules, 20000 events, {seconds:.0f} s …")
    _end(rule_load.figures(events=20_000, rules=rules, seconds=seconds), as_json)


def conformance(
    ctx: typer.Context, folder: Annotated[Path, typer.Argument(help="the folder with the test vectors")], as_json: Json = False
) -> None:
    """Run the MIME, SPF, DKIM, ARC and DMARC test vectors found under a folder."""
    if not folder.is_dir():
        raise Failure(f"{folder}: there is no such folder; give one with test vectors", status=2)
    from wardline.domains.mail.conformance.vectors import as_text
    from wardline.domains.mail.conformance.vectors import run as run_conformance

    console = err()

    def progress(suite: str, done: int, total: int) -> None:
        if console.is_terminal:
            console.print(f"{suite}: {done}/{total}", end="\r")

    try:
        report = run_conformance(folder, progress=progress)
    except ValueError as error:
        raise Failure(str(error), status=2) from None
    if as_json:
        print_json(report)
        return
    out().print(as_text(report))


def _limited(found: Iterator[Source], limit: int) -> Iterator[Source]:
    for number, source in enumerate(found):
        if number >= limit:
            return
        yield source


def _end(figures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(figures)
    else:
        for name, value in figures.items():
            out().print(f"{name:<28} {value}")


def _cpu_seconds() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _appears(path: Path, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not path.exists():
        if time.monotonic() > until:
            return False
        time.sleep(0.02)
    return True


class Served:
    """A server of our own in another process."""

    def __init__(self, process: "subprocess.Popen[bytes]", http_port: int, data: Path) -> None:
        self.process = process
        self.http_port = http_port
        self.data = data


@contextmanager
def served(on: Path | None = None, more: str = "") -> Iterator[Served]:
    """`wardline serve` in its shipped configuration on free ports and a fresh folder, ended afterwards."""
    from wardline.commands import load

    if on is not None and not on.is_dir():
        raise Failure(f"{on}: there is no such folder; give one on the disk to measure", status=2)
    with tempfile.TemporaryDirectory(prefix="wardline-bench-", dir=on) as folder:
        data = Path(folder)
        ports = load.free_ports(4)
        names = ("http", "milter", "rspamd", "rspamd")
        keys = ("port", "port", "scan_port", "learn_port")
        text: dict[str, list[str]] = {}
        for name, key, port in zip(names, keys, ports, strict=True):
            text.setdefault(name, []).append(f"{key} = {port}")
        config = data / "bench.toml"
        config.write_text(
            "\n".join(f"[{name}]\n" + "\n".join(lines) for name, lines in text.items()) + '\n[logs]\nlevel = "error"\n' + more
        )
        command = [sys.executable, "-m", "wardline.cli", "--data", str(data / "data"), "--config", str(config), "serve"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        try:
            # The control socket is the last door to open.
            if not (load.wait_for(ports[0], 60) and _appears(data / "data" / SOCKET_NAME, 60)):
                process.terminate()
                raise Failure(
                    f"the server did not start: {(process.stderr.read() if process.stderr else b'').decode(errors='replace')[-400:]}"
                )
            yield Served(process, ports[0], data)
        finally:
            process.terminate()
            process.wait(60)
