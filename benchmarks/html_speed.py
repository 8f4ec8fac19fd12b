"""How long `wardline.protocols.html.see` takes on the HTML of real mail and on bombs.

    .venv/bin/python benchmarks/html_speed.py DIR [--limit 2000] [--pure]

DIR is walked for files; every text/html part that the standard library's parser finds is one document. Prints a table per size class (median and
99th percentile in microseconds, and megabytes per second), then each bomb with its time in milliseconds. `--pure` leaves the C twin out.
"""

import argparse
import email
import statistics
import sys
import time
from pathlib import Path

from wardline.protocols import html

MEGABYTE = 1_000_000


def documents(folder: Path, limit: int) -> list[str]:
    """The HTML parts of the first `limit` files that have any, as text."""
    found: list[str] = []
    for path in sorted(folder.rglob("*")):
        if len(found) >= limit:
            break
        if not path.is_file() or path.name == "index.tsv":
            continue
        raw = path.read_bytes()
        if b"html" not in raw.lower():
            continue
        try:
            for part in email.message_from_bytes(raw).walk():
                if part.get_content_type() == "text/html":
                    payload = part.get_payload(decode=True)
                    if isinstance(payload, bytes) and payload:
                        found.append(payload.decode("utf-8", "replace"))
        except (LookupError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
            continue
    return found


def bombs(size: int) -> dict[str, str]:
    """Documents of about `size` characters that are made to be slow."""

    def fill(unit: str) -> str:
        return unit * (size // len(unit) + 1)

    return {
        "<a <a": fill("<a "),
        "<b>": fill("<b>"),
        "nested formatting": fill("<b><i><font color=red>"),
        "nested div": fill("<div>"),
        "div p": fill("<div><p>"),
        "unclosed comment": "<!--" + fill("- "),
        "comments": fill("<!---->"),
        "comment starts": fill("<!--"),
        "unclosed attribute": '<a href="' + fill("x"),
        "attributes": "<a " + fill("b=c "),
        "quotes": fill("<a b='"),
        "ampersands": fill("&"),
        "references": fill("&amp;"),
        "long references": fill("&abcdefghijklmnopqrstuvwxyz"),
        "numbers": "&#" + fill("1"),
        "less than": fill("<"),
        "less than slash": fill("</"),
        "end tags": "<x>" + fill("<b></x>"),
        "unmatched": fill("<i>" * 60 + "</b>" * 300),
        "style sheet": "<style>" + fill(".a{display:none}"),
        "style comment": "<style>" + fill("/*"),
        "style selectors": "<style>" + fill("a,") + "{color:red}",
        "styles": fill("<p style='color:red;font-size:1px'>x</p>"),
        "late styles": "text" + fill("<style>.a{color:red}</style><p class=a>"),
        "media": "<style>" + fill("@media{"),
        "script": fill("<script>"),
        "cells": fill("<table><tr><td>x"),
        "text": fill("word "),
        "spaces": fill(" "),
        "zero width": fill("a\u200b"),
        "anchors": fill("<a href=//x>y"),
        "images": fill("<img src=//x.example/a>"),
        "urls": "<p style='" + fill("url(x)") + "'>",
        "classes": "<style>.a{color:red}</style>" + fill("<p class='a b c d e f g h'>"),
    }


def quantile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def main() -> int:
    """Runs both parts and prints the tables."""
    arguments = argparse.ArgumentParser(description="Time of HTML reading")
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--limit", type=int, default=2000)
    arguments.add_argument("--pure", action="store_true", help="measure the pure-Python twin")
    arguments.add_argument("--bomb-bytes", type=int, default=10 * MEGABYTE)
    options = arguments.parse_args()
    see = html.see_pure if options.pure else html.see
    print(f"engine: {'pure Python' if options.pure or not html.compiled() else 'C'}")
    pages = documents(options.folder, options.limit)
    if not pages:
        print("no HTML parts found", file=sys.stderr)
        return 1
    classes: dict[str, list[tuple[int, float]]] = {}
    for page in pages:
        best = min(_timed(see, page) for _ in range(3))
        name = next(
            name
            for name, top in (("< 2 KB", 2e3), ("2-10 KB", 1e4), ("10-30 KB", 3e4), ("30-100 KB", 1e5), ("> 100 KB", 1e12))
            if len(page) < top
        )
        classes.setdefault(name, []).append((len(page), best))
    for name, rows in sorted(classes.items(), key=lambda item: item[1][0][0]):
        times = [seconds * 1e6 for _, seconds in rows]
        rate = sum(size for size, _ in rows) / sum(seconds for _, seconds in rows) / MEGABYTE
        print(
            f"{name:>10}  n {len(rows):5}  median {statistics.median(times):8.0f} us  p99 {quantile(times, 0.99):8.0f} us  {rate:7.1f} MB/s"
        )
    worst = 0.0
    for name, bomb in bombs(options.bomb_bytes).items():
        seconds = _timed(see, bomb)
        worst = max(worst, seconds)
        print(f"{name:>20}  {seconds * 1e3:8.1f} ms")
    print(f"worst bomb {worst * 1e3:.1f} ms")
    return 0


def _timed(see: object, page: str) -> float:
    started = time.perf_counter()
    see(page)  # type: ignore[operator]
    return time.perf_counter() - started


if __name__ == "__main__":
    sys.exit(main())
