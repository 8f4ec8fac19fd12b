"""Fuzz target: URLs. Nothing may fail, and what is read must be in canonical form and stay the same when it is read again.

    .venv/bin/python tests/fuzz/fuzz_url.py [--rounds 20000] [--seed 1]

A plain bounded loop; `one_input` takes bytes, as atheris hands them over. Exits 1 and prints the input that broke the promise.
"""

import argparse
import random
import sys

from wardline.protocols import url

PIECES = (
    "http://", "https:", "HTTP:\\\\", "//", "/", "\\", ":", "@", "#", "?", "%", "%41", "%2e", "%00", "[", "]", "[::1]", "[fe80::1%25eth0]", ".", "..", "example", ".com",
    "co.uk", "xn--", "xn--mnchen-3ya", "xn--a", "ü", "ａ", "。", "\u200d", "\u0660", "\ud800", "😀", "0x7f", "017", "1", "4294967295", "999999999999", ":80", ":x", " ", "\t",
    "\n", "mailto:", "javascript:", "data:", "hxxp://", "[.]", "a@b.com", "<", ">", '"', "'", "(", ")", ",", "-", "_", "~", "a" * 70, "a." * 200, "www.",
)  # fmt: skip


def check(text: str) -> None:
    """Raises AssertionError when a promise is broken."""
    parsed = url.parse(text)
    if parsed is not None:
        assert parsed.host == parsed.host.lower(), "the host is in lower case"
        assert parsed.host.isascii(), "the host is in A-label form"
        assert len(parsed.host) <= url.HOST_CHARS + 8, "the host is bounded"
        assert parsed.port is None or 0 <= parsed.port <= 65_535, "the port is one"
        assert parsed.registrable == url.registrable(parsed.host), "the organisation belongs to the host"
        assert len(parsed.url) <= url.URL_CHARS, "the address is bounded"
        if parsed.host and parsed.scheme in ("http", "https"):
            host = f"[{parsed.host}]" if ":" in parsed.host else parsed.host
            again = url.parse(f"{parsed.scheme}://{host}/")
            assert again is not None and again.host == parsed.host, "a canonical host stays as it is"
        url.u_label(parsed.host)
    found = url.find(text, 5)
    assert len(found) <= 5, "the limit holds"
    for one in found:
        assert not any(char.isspace() for char in one), "an address has no white space"
    url.join("http://example.com/a/b", text)
    url.join(text, "c")


def one_input(data: bytes) -> None:
    """The atheris entry point."""
    check(data.decode("utf-8", "replace"))


def main() -> int:
    """The bounded loop."""
    arguments = argparse.ArgumentParser(description="Fuzz the URL reader")
    arguments.add_argument("--rounds", type=int, default=20_000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    rng = random.Random(options.seed)
    for number in range(options.rounds):
        text = "".join(rng.choices(PIECES, k=rng.choice((1, 3, 6, 12))))
        try:
            check(text)
        except Exception as error:
            print(f"round {number}: {type(error).__name__} {error}\n{text!r}", file=sys.stderr)
            return 1
    print(f"{options.rounds} addresses: every promise held")
    return 0


if __name__ == "__main__":
    sys.exit(main())
