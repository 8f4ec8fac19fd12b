"""What mail authentication costs: usual messages per signature, and the messages and records made to make it dear.

    .venv/bin/python benchmarks/authentication.py            a table in Markdown; the keys are made on the spot, the DNS is a dictionary

CPU time of one process (the best of several runs for usual messages, one run for hostile ones), so that other work on the machine disturbs it little.
"""

import argparse
import base64
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.mailkeys import MESSAGE, Signer, ed25519_key, keys_zone, rsa_key
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.sender.authentication import verify_recorded
from wardline.protocols import arc, authres, dkim, dmarc
from wardline.protocols.dkim_message import split
from wardline.protocols.dns import Answer, Question, drive
from wardline.protocols.spf import check_host

MEGABYTES_10 = 10 << 20


def cost_us(work: Callable[[], object], *, runs: int = 1) -> float:
    """CPU microseconds of the quickest run."""
    best = float("inf")
    for _ in range(runs):
        started = time.process_time_ns()
        work()
        best = min(best, (time.process_time_ns() - started) / 1000)
    return best


def usual() -> list[tuple[str, float]]:
    """Small messages, 200 runs each."""
    rows: list[tuple[str, float]] = []
    body = b"A line of text as people write it.\r\n"
    for size in (2_000, 50_000):
        raw = MESSAGE + body * (size // len(body))
        for name, key in (
            ("RSA 1024", rsa_key(1024)),
            ("RSA 2048", rsa_key(2048)),
            ("RSA 4096", rsa_key(4096)),
            ("Ed25519", ed25519_key()),
        ):
            signer = Signer(key)
            signed, zone = signer.sign(raw), keys_zone(signer)
            rows.append(
                (
                    f"DKIM, {name}, {size // 1000} KB",
                    cost_us(lambda signed=signed, zone=zone: drive(dkim.verify(signed, now=None), zone), runs=200),
                )
            )
    signer = Signer(rsa_key(2048))
    chain = signer.seal(signer.seal(MESSAGE, 1), 2)
    zone = keys_zone(
        signer,
        more={"TXT example.com": [b"v=spf1 include:_spf.example.com -all"], "TXT _spf.example.com": [b"v=spf1 ip4:192.0.2.0/24 -all"]},
    )
    rows.append(("ARC, two sets, RSA 2048", cost_us(lambda: drive(arc.verify(chain), zone), runs=200)))
    rows.append(("SPF, one include", cost_us(lambda: drive(check_host("192.0.2.1", "example.com", "a@example.com", "mx"), zone), runs=200)))
    dmarc.organisational_domain("example.com")
    zone.records["TXT _dmarc.example.com"] = [b"v=DMARC1; p=reject"]
    rows.append(("DMARC", cost_us(lambda: drive(dmarc.evaluate("a.example.com", [("pass", "example.com")], []), zone), runs=200)))
    signed = signer.sign(MESSAGE)
    answers = {key: Answer("ok", tuple(records)) for key, records in zone.records.items() if isinstance(records, list)}
    envelope = Envelope(client_ip="192.0.2.1", helo="mx.example.com", mail_from="a@example.com")
    rows.append(("all four, RSA 2048, without the DNS", cost_us(lambda: verify_recorded(signed, envelope, answers, now=None), runs=200)))
    return rows


def hostile() -> list[tuple[str, float]]:
    """What was made to be dear, once each."""
    signer = Signer(rsa_key(2048))
    zone = keys_zone(signer)
    rows: list[tuple[str, float]] = []

    def message(name: str, raw: bytes) -> None:
        rows.append(
            (name, cost_us(lambda: verify_recorded(raw, Envelope(client_ip="192.0.2.1", mail_from="a@example.com"), answers, now=None)))
        )

    answers = {key: Answer("ok", tuple(records)) for key, records in zone.records.items() if isinstance(records, list)}
    head = b"From: a@example.com\r\n"
    bodies = {
        "10 MB of text": b"A line of text.\r\n",
        "10 MB of spaces": b" ",
        "10 MB of blanks and tabs": b" \t",
        "10 MB of empty lines": b"\r\n",
        "10 MB of CR": b"\r",
        "10 MB of LF": b"\n",
        "10 MB of blank lines": b" \r\n",
        "10 MB of double spaces": b"a  ",
    }
    for name, unit in bodies.items():
        raw = head + b"\r\n" + unit * (MEGABYTES_10 // len(unit))
        # Five signatures that each want another form or length of the body.
        fields = b"".join(
            b"DKIM-Signature: v=1; a=rsa-sha256; c=%b; d=example.com; s=sel; h=from; %bbh=AA==; b=AA==\r\n" % (form, limit)
            for form, limit in (
                (b"relaxed/relaxed", b""),
                (b"simple/simple", b""),
                (b"relaxed/relaxed", b"l=1000;"),
                (b"simple", b"l=9;"),
                (b"relaxed/simple", b"l=5000000;"),
            )
        )
        message(name + ", five signatures", fields + raw)
    signed = signer.sign(MESSAGE)
    message("1,000 DKIM-Signature fields", signed[: -len(MESSAGE)] * 1000 + MESSAGE)
    message("a tag list of 1 MB", b"DKIM-Signature: " + b"a=1;" * 262_144 + b"\r\n" + MESSAGE)
    message(
        "h= with 30,000 names",
        b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=sel; bh=AA==; b=AA==; h=from" + b":x" * 30_000 + b"\r\n" + MESSAGE,
    )
    message("10 MB of header fields", b"X: y\r\n" * (MEGABYTES_10 // 6) + MESSAGE)
    message("one header field of 10 MB", b"From: " + b"<a@b>," * (MEGABYTES_10 // 6) + b"\r\n\r\n")
    message("5,000 ARC fields", b"ARC-Seal: i=1; a=b\r\n" * 5000 + MESSAGE)
    chain = MESSAGE
    for instance in range(1, 51):
        chain = signer.seal(chain, instance)
    message("an ARC chain of 50 sets that holds", chain)
    key = Signer(rsa_key(4096), "example.com", "sel")
    dear = {**answers, "TXT sel._domainkey.example.com": Answer("ok", (b"p=" + base64.b64encode(b"\x30" * 2000),))}
    rows.append(("a key of garbage", cost_us(lambda: verify_recorded(signed, Envelope(), dear, now=None))))
    rows.append(
        (
            "five RSA 4096 signatures",
            cost_us(lambda raw=key.sign(MESSAGE): drive(dkim.verify(raw[: -len(MESSAGE)] * 5 + MESSAGE, now=None), keys_zone(key))),
        )
    )

    def record(name: str, text: bytes, sender: str = "a@example.com") -> None:
        def lookup(question: Question) -> Answer:
            return Answer("ok", (text,)) if question.type == "TXT" else Answer("ok", ("192.0.2.200",) * 100)

        rows.append((name, cost_us(lambda: drive(check_host("198.51.100.1", "example.com", sender, "mx"), lookup))))

    record("SPF: 64 KB of ip4", b"v=spf1" + b" ip4:192.0.2.1" * 4000)
    record("SPF: 64 KB that includes itself", b"v=spf1" + b" ip4:192.0.2.1" * 4000 + b" include:example.com")
    record("SPF: 64 KB of macros", b"v=spf1 exists:" + b"%{s}" * 16_000 + b".example.com", "a" * 5000 + "@example.com")
    record("SPF: 64 KB of open macros", b"v=spf1 exists:" + b"%{" * 32_000)
    record("SPF: ten a with 100 addresses each", b"v=spf1" + b" a" * 10 + b" -all")
    record("DMARC: a record of 64 KB", b"v=DMARC1;" + b"p=none;" * 9000)
    rows.append(("DMARC: a record of 64 KB, parsed", cost_us(lambda: dmarc.parse(b"v=DMARC1;" + b"p=none;" * 9000, "example.com"))))
    rows.append(("Authentication-Results of 1 MB of (", cost_us(lambda: authres.parse("(" * 1_000_000))))
    rows.append(("From of 1 MB of ,", cost_us(lambda: dmarc.from_domains("a@b," * 250_000))))
    rows.append(("taking 10 MB apart", cost_us(lambda: split(b"A: b\r\n\r\n" + b"line\n" * (MEGABYTES_10 // 5)))))
    return rows


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    dmarc.organisational_domain("example.com")  # the list of suffixes is read once per process
    print("| usual | us |\n|---|---|")
    for name, cost in usual():
        print(f"| {name} | {cost:,.0f} |")
    print("\n| hostile | ms |\n|---|---|")
    for name, cost in hostile():
        print(f"| {name} | {cost / 1000:,.1f} |")
