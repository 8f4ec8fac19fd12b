"""Fuzz target: MIME and the whole mail intake. Any bytes give a Mail within its bounds.

    .venv/bin/python tests/fuzz/fuzz_mime.py [--rounds 2000] [--seed 1]

Written for atheris (`atheris.Setup(sys.argv, one_input)`), and a plain bounded loop without it: small bombs, spliced and changed.
"""

import argparse
import random

from bombs import bombs

from wardline.domains.mail import intake
from wardline.domains.mail.events import Envelope

LIMITS = intake.Limits()
WORDS = (
    b"\n",
    b"\r\n",
    b"\r",
    b"\0",
    b"--b\n",
    b"--b--\n",
    b"Content-Type: ",
    b"multipart/mixed; boundary=b\n\n",
    b"=?utf-8?b?",
    b"?=",
    b"base64",
    b"PK\x03\x04",
    b"<a href=",
    b'"',
)


def one_input(data: bytes) -> None:
    """One run: no exception but those of a failed assertion."""
    mail = intake._read(data, Envelope(), LIMITS)
    assert len(mail.visible_text) <= LIMITS.body.visible_chars + 1
    assert len(mail.links) <= LIMITS.body.links and len(mail.attachments) <= LIMITS.body.attachments
    assert len(mail.headers) <= LIMITS.mime.fields and len(mail.structure) <= 200


def changed(source: random.Random, seeds: list[bytes]) -> bytes:
    """Two seeds spliced, then a few changes."""
    one, two = source.choice(seeds), source.choice(seeds)
    raw = bytearray(one[: source.randrange(len(one) + 1)] + two[source.randrange(len(two) + 1) :])
    for _ in range(source.randrange(8)):
        at = source.randrange(len(raw) + 1)
        if source.random() < 0.5:
            raw[at : at + source.randrange(4)] = source.choice(WORDS)
        else:
            raw[at : at + 1] = bytes((source.randrange(256),))
    if raw and source.random() < 0.3:  # a short piece many times over: what is not linear shows here
        at = source.randrange(len(raw))
        piece = bytes(raw[at : at + source.choice((1, 2, 3, 5, 13, 40))])
        raw[at:at] = piece * source.randrange(2000 // len(piece) + 1)
    return bytes(raw)


def loop(rounds: int, seed: int, size: int = 3000) -> int:
    """The bounded loop; returns how many inputs were tried."""
    source = random.Random(seed)
    seeds = [raw for _, raw in bombs(size)]
    for raw in seeds:
        one_input(raw)
    for _ in range(rounds):
        one_input(changed(source, seeds))
    return len(seeds) + rounds


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    print(f"{loop(options.rounds, options.seed)} inputs, no fault")
