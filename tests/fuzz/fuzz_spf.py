"""Fuzz target: SPF, DMARC and the DNS answers behind them. Any record, any sender, any answers give a result within the limits of look-ups.

    .venv/bin/python tests/fuzz/fuzz_spf.py [--rounds 2000] [--seed 1]

A plain bounded loop: sound terms, macros and names spliced, doubled and broken; the zone answers with whatever the input holds. `one_input` takes bytes, as
atheris hands them over.
"""

import argparse
import random

from wardline.protocols.dmarc import discover, from_domains
from wardline.protocols.dns import Answer, Question, drive
from wardline.protocols.spf import RESULTS, check_host

WORDS = (
    b"v=spf1 ", b" -all", b" ~all", b" ?all", b" all", b" a", b" mx", b" ptr", b" a:", b" mx:", b" ptr:", b" include:", b" exists:", b" redirect=", b" exp=",
    b" ip4:192.0.2.0/24", b" ip6:2001:db8::/32", b"/24", b"//64", b"example.com", b"%{i}", b"%{ir}", b"%{l1r-}", b"%{d2}", b"%{p}", b"%{S}", b"%{h}", b"%%", b"%_",
    b"%{", b"}", b".", b":", b"/", b"=", b" ", b"\0", b"\xff", b"a" * 70, b"v=DMARC1; p=", b"reject", b";", b"sp=", b"pct=", b"rua=mailto:a@b", b"a.b.c.d.e.f.g.h",
)  # fmt: skip
KINDS = {"TXT": "ok", "A": "192.0.2.1", "AAAA": "2001:db8::1", "MX": "10 mx.example.com", "PTR": "host.example.com"}
# 11 records, each with 10 MX hosts or 10 PTR names and their addresses, is the most that the limits of RFC 7208 §4.6.4 allow.
QUESTIONS_LIMIT = 11 * 12 + 12


def one_input(data: bytes) -> None:
    """The pieces between line feeds are the records of the zone, handed out in turn; the first says how the other answers go."""
    pieces = data.split(b"\n")
    asked: list[Question] = []

    def lookup(question: Question) -> Answer:
        asked.append(question)
        turn = data[len(asked) % len(data)] if data else 0
        if turn % 13 == 0:
            return Answer(("nxdomain", "empty", "timeout", "error")[turn % 4])
        if question.type == "TXT":
            return Answer("ok", (pieces[len(asked) % len(pieces)], pieces[turn % len(pieces)])[: 1 + (turn % 5 == 0)])
        return Answer("ok", (KINDS[question.type],) * (1 + turn % 12))

    text = data.decode("latin-1")
    for ip in ("192.0.2.1", "2001:db8::1", text[:20]):
        asked.clear()
        found = drive(check_host(ip, "example.com", text[:80], text[-40:], explain=True), lookup)
        assert found.result in RESULTS and len(asked) <= QUESTIONS_LIMIT, (found, len(asked))
        assert all(question.name and len(question.name) <= 253 and question.name == question.name.lower() for question in asked)
    asked.clear()
    assert drive(discover(text[:100]), lookup).status in ("found", "none", "temperror", "permerror")
    assert drive(discover("a.example.com"), lookup).status and len(asked) <= 4
    assert len(from_domains(text)) <= 16


def made(source: random.Random) -> bytes:
    """A few records of a few words each, some bytes changed."""
    records = [
        b"v=spf1" * (source.random() < 0.9) + b"".join(source.choice(WORDS) for _ in range(source.randrange(12)))
        for _ in range(source.randrange(1, 5))
    ]
    raw = bytearray(b"\n".join(records))
    for _ in range(source.randrange(3)):
        at = source.randrange(len(raw) + 1)
        raw[at : at + 1] = bytes((source.randrange(256),))
    return bytes(raw)


def loop(rounds: int, seed: int) -> int:
    """The bounded loop; returns how many inputs were tried."""
    source = random.Random(seed)
    for _ in range(rounds):
        one_input(made(source))
    return rounds


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    print(f"{loop(options.rounds, options.seed)} inputs, no fault")
