"""Fuzz target: DKIM, ARC and their keys. Any message and any key record give results; and no change to what is signed may still pass.

    .venv/bin/python tests/fuzz/fuzz_dkim.py [--rounds 2000] [--seed 1]

A plain bounded loop over a message that is signed and sealed here, with bytes changed, dropped, doubled and moved. `one_input` takes bytes, as atheris hands
them over.
"""

import argparse
import base64
import hashlib
import random
from functools import cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from wardline.protocols import arc, dkim
from wardline.protocols.dkim_key import KeyProblem, parse_key
from wardline.protocols.dns import Answer, Question, drive

# Written in relaxed form already, so that signing needs no canonical form of its own.
SIGNED = b"from:a@example.com\r\nsubject:Hello you\r\n"
BODY = b"One line.\r\nAnother line.\r\n"
WORDS = (
    b"\r\n",
    b"\r\n ",
    b"\n",
    b"\t",
    b"  ",
    b";",
    b"=",
    b"b=",
    b"bh=",
    b"l=3;",
    b"i=1;",
    b"h=from",
    b"c=simple;",
    b"x=1;",
    b"from: b@example.net\r\n",
    b"\0",
    b"\xff",
)


@cache
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 1024)


@cache
def record() -> bytes:
    public = key().public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return b"v=DKIM1; k=rsa; p=" + base64.b64encode(public)


def signature(data: bytes) -> bytes:
    return base64.b64encode(key().sign(data, padding.PKCS1v15(), hashes.SHA256()))


@cache
def message() -> bytes:
    """A message with a DKIM signature and one ARC set, all valid."""
    bh = base64.b64encode(hashlib.sha256(BODY).digest())
    tags = b"a=rsa-sha256; c=relaxed/relaxed; d=example.com; s=s; h=from:subject; bh=" + bh
    own = b"dkim-signature:v=1; " + tags + b"; b="
    own += signature(SIGNED + own)
    results = b"arc-authentication-results:i=1; example.com; dkim=pass"
    sealed = b"arc-message-signature:i=1; " + tags + b"; b="
    sealed += signature(SIGNED + sealed)
    seal = b"arc-seal:i=1; a=rsa-sha256; cv=none; d=example.com; s=s; b="
    seal += signature(results + b"\r\n" + sealed + b"\r\n" + seal)
    return b"\r\n".join((seal, sealed, results, own)) + b"\r\n" + SIGNED + b"\r\n" + BODY


def lookup(question: Question) -> Answer:
    return Answer("ok", (record(),)) if question.name == "s._domainkey.example.com" else Answer("nxdomain")


def one_input(data: bytes) -> None:
    """As a message, as a signature field, as a seal, and as a key record."""
    for raw in (data, b"DKIM-Signature: " + data + b"\r\n\r\n", b"ARC-Seal: " + data + b"\r\n" + message()):
        for found in drive(dkim.verify(raw, now=None), lookup):
            assert found.result in ("pass", "fail", "permerror") and (found.result == "pass") == (not found.reason)
        assert drive(arc.verify(raw), lookup).result in ("none", "pass", "fail")
    try:
        parse_key(data)
    except KeyProblem:
        pass


def forged(source: random.Random) -> None:
    """One byte of the body's or the signed fields' visible text becomes another: nothing may pass."""
    raw = bytearray(message())
    start = len(raw) - len(BODY) - 2 - len(SIGNED)
    at = source.choice([place for place in range(start, len(raw)) if chr(raw[place]).isalpha() and chr(raw[place]) not in "fromsubject"])
    raw[at] = source.choice([byte for byte in b"XYZ0189" if byte != raw[at]])
    assert [found.result for found in drive(dkim.verify(bytes(raw), now=None), lookup)] == ["fail"], bytes(raw)
    assert drive(arc.verify(bytes(raw)), lookup).result == "fail", bytes(raw)


def changed(source: random.Random) -> bytes:
    """The message with a few changes anywhere."""
    raw = bytearray(message())
    for _ in range(source.randrange(1, 5)):
        at = source.randrange(len(raw) + 1)
        match source.randrange(4):
            case 0:
                raw[at : at + 1] = bytes((source.randrange(256),))
            case 1:
                del raw[at : at + source.randrange(1, 30)]
            case 2:
                raw[at:at] = raw[at : at + source.randrange(1, 200)]
            case _:
                raw[at:at] = source.choice(WORDS)
    return bytes(raw)


def loop(rounds: int, seed: int) -> int:
    """The bounded loop; returns how many inputs were tried. The message itself must pass, or nothing is proved."""
    assert [found.result for found in drive(dkim.verify(message(), now=None), lookup)] == ["pass"]
    assert drive(arc.verify(message()), lookup).result == "pass"
    source = random.Random(seed)
    for _ in range(rounds):
        one_input(changed(source))
        forged(source)
    return rounds


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=2000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    print(f"{loop(options.rounds, options.seed)} inputs, no fault")
