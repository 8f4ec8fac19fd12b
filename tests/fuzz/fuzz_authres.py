"""Fuzz target: Authentication-Results. Any text is read within its bounds, what we write is one field, and a claim to our name is always seen.

    .venv/bin/python tests/fuzz/fuzz_authres.py [--rounds 2000] [--seed 1]

A plain bounded loop over sound fields spliced with comments, quotes and separators; the claims are our name dressed up in every way RFC 5322 lets a header be
written. `one_input` takes bytes, as atheris hands them over.
"""

import argparse
import random

from wardline.protocols.authres import RESULTS_LIMIT, MethodResult, claims_authserv_id, format_results, parse

OURS = "mx.example.com"
WORDS = (
    "mx.example.com", "other.example", "; ", ";", "=", " ", "(", ")", "(x)", "((", "\\", '"', '"a b"', "spf=pass", "dkim=fail", " smtp.mailfrom=a@example.com",
    " header.d=example.com", " reason=", " 1", "none", "\r\n\t", "\0", "ｍｘ", "é", "/1", ".", ",", "\u200b",
)  # fmt: skip
BLANKS = ("", " ", "\t", "\r\n ", "(comment)", "(a (nested) one)", " (with \\) an escape) ", "(;)")
ENDS = (";", " ;", " 1;", "(x);", " 1 (x) ; dkim=pass", "", " ", ". ;")


def one_input(data: bytes) -> None:
    """As a field, as a value that we write, and as a name."""
    text = data.decode("utf-8", "replace")
    found = parse(data)
    assert found is None or (len(found.results) <= RESULTS_LIMIT and found.authserv_id)
    claims_authserv_id(data, OURS)
    claims_authserv_id("mx.example.com; none", text)
    written = format_results("mx.example.com", [MethodResult("spf", "pass", {"smtp.mailfrom": text}, text, text)])
    assert "\n" not in written.replace("\r\n\t", "") and "\0" not in written
    again = parse(written)
    assert again is not None and again.authserv_id == OURS and [result.method for result in again.results] == ["spf"]
    assert claims_authserv_id(written, OURS)


def claim(source: random.Random) -> str:
    """Our name as a field might bear it."""
    name = "".join(source.choice((letter, letter.upper())) for letter in OURS)
    match source.randrange(3):
        case 0:
            name = f'"{name}"'
        case 1:
            name = f'"{name[:4]}\\{name[4:]}"'
    return source.choice(BLANKS) + source.choice(BLANKS) + name + source.choice(BLANKS) + source.choice(ENDS) + " spf=pass"


def loop(rounds: int, seed: int) -> int:
    """The bounded loop; returns how many inputs were tried."""
    source = random.Random(seed)
    for _ in range(rounds):
        one_input("".join(source.choice(WORDS) for _ in range(source.randrange(30))).encode())
        one_input(source.randbytes(source.randrange(60)))
        dressed = claim(source)
        assert claims_authserv_id(dressed, OURS), dressed
    return rounds


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    print(f"{loop(options.rounds, options.seed)} inputs, no fault")
