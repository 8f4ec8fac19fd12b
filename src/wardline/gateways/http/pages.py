"""Pages for people: the front page of a running Wardline, and the page for somebody whose mail was stopped.

    GET /            what runs here and where to go
    GET /stopped     what the person who was stopped can do; takes ?id=, which it shows and does not look up

No script, no outside resource; the Content-Security-Policy says so. Text for the person who was stopped comes from a fixed catalogue and tells
no reason that an abuser could learn from.
"""

import html
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from wardline.gateways.http.exchange import Exchange
from wardline.gateways.http.routes import Parameter, Route

HTML = b"text/html; charset=utf-8"
HEADERS = [
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_MODES = {
    "observe": " (decides and records, changes nothing)",
    "tag": " (marks, delivers everything)",
    "enforce": " (also holds and refuses)",
}
_ID = re.compile(r"[0-9A-Za-z]{1,64}")

_STYLE = """
:root { color-scheme: light dark; --ink: #1c2530; --soft: #5a6675; --paper: #fbfaf7; --line: #dcd9d0; --mark: #0f6b5c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8e6e0; --soft: #a3abb5; --paper: #15191e; --line: #2e353d; --mark: #57c7b3; } }
body { margin: 0; background: var(--paper); color: var(--ink); font: 17px/1.55 Georgia, 'DejaVu Serif', serif; }
main { max-width: 44rem; margin: 0 auto; padding: 3.5rem 1.5rem; }
h1 { font-size: 2.1rem; line-height: 1.15; margin: 0 0 .5rem; letter-spacing: -.01em; }
p.lead { color: var(--soft); margin: 0 0 2rem; font-size: 1.1rem; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .4rem; border-bottom: 1px solid var(--line); padding-bottom: .3rem; }
dl { display: grid; grid-template-columns: minmax(7rem, 12rem) 1fr; gap: .3rem 1rem; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; font-variant-numeric: tabular-nums; }
code, pre { font: .86em/1.5 'DejaVu Sans Mono', monospace; }
pre { background: color-mix(in srgb, var(--ink) 6%, transparent); padding: .8rem 1rem; overflow-wrap: anywhere; white-space: pre-wrap; border-radius: 4px; }
a { color: var(--mark); } .mode { color: var(--mark); font-weight: bold; }
"""


class PageRoutes:
    """The pages. `status` is the program's own account of itself."""

    def __init__(self, status: Callable[[], dict[str, Any]]) -> None:
        self.status = status

    def routes(self) -> list[Route]:
        """The pages' routes."""
        return [
            Route("GET", "/", "read", "The front page", self.front, answer="text/html"),
            Route(
                "GET",
                "/stopped",
                "",
                "For the person who was stopped",
                self.stopped,
                (Parameter("id", "the id in the refusal"),),
                answer="text/html",
            ),
        ]

    async def front(self, exchange: Exchange) -> None:
        """GET /."""
        status = self.status()
        counts = status["counts"]
        rows = [
            (
                "Mode",
                f'<span class="mode">{html.escape(status["mode"])}</span>'
                + (" (paused: nothing is changed)" if status["paused"] else _MODES.get(status["mode"], "")),
            ),
            ("Messages judged", str(counts.get("scanned", 0))),
            ("Labels learned", f"{counts.get('learned_spam', 0)} spam, {counts.get('learned_ham', 0)} ham since the start"),
            ("On hold", str(status["held"])),
            ("Policy", html.escape(status["policy"])),
            ("Model", html.escape(status["model"])),
            ("Version", html.escape(status["version"])),
        ]
        facts = "".join(f"<dt>{name}</dt><dd>{value}</dd>" for name, value in rows)
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = f"""<h1>Wardline is running</h1><p class="lead">It decides about mail, sign-ups and logins, explains every verdict, and learns from each correction.</p>
<dl>{facts}</dl>
<h2>Judge a message</h2><pre>curl --data-binary @message.eml -H 'Content-Type: message/rfc822' \\
  http://{html.escape(_host(exchange))}/v1/mail/check</pre>
<h2>Ask about a login</h2><pre>curl http://{html.escape(_host(exchange))}/v1/decide -d '{{"id": "login-1", "type": "login", "occurred_at": "{now}",
  "entities": {{"account": "alice", "ip": "192.0.2.7"}}}}'</pre>
<h2>Understand a verdict</h2><pre>wardline explain ID</pre>
<h2>More</h2><p><a href="/openapi.json">API description</a> · <a href="/metrics">Metrics</a> · <a href="/readyz">Readiness</a> · <a href="/stopped">The page for a sender who was stopped</a></p>"""
        await exchange.answer(200, HTML, _page("Wardline", body), HEADERS)

    async def stopped(self, exchange: Exchange) -> None:
        """GET /stopped."""
        given = exchange.parameter("id")
        shown = f"<p>Your message has the id <code>{given}</code>. Please have it at hand.</p>" if _ID.fullmatch(given) else ""
        body = f"""<h1>Your message was not delivered</h1><p class="lead">A filter took it for abuse. Filters err, and there is a way back.</p>{shown}
<h2>If you know the person you wrote to</h2><p>Tell them by another way that your message was stopped, and give them the id. They or their postmaster can find it and release it.</p>
<h2>If you run the sending server</h2><p>Check that the domain in the From address passes SPF or DKIM, and that nobody else is sending through your server.</p>
<h2>If you think this is a mistake</h2><p>Write to the postmaster of the receiving domain from another address, with the id. A person will look at it. You do not need to
say what the message was about.</p>
<h2>What we keep</h2><p>The decision and what it was measured on, under a pseudonym and for a limited time. Not the text of your message.</p>"""
        await exchange.answer(200, HTML, _page("Your message was not delivered", body), HEADERS)


def _host(exchange: Exchange) -> str:
    host = exchange.headers.get(b"host", b"127.0.0.1:8080").decode("latin-1")
    return host if re.fullmatch(r"[A-Za-z0-9.:\[\]-]{1,80}", host) else "127.0.0.1:8080"


def _page(title: str, body: str) -> bytes:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style></head><body><main>{body}</main></body></html>"
    ).encode()
