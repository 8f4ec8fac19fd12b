"""DKIM and ARC vectors: Mail::DKIM's corpus, Stalwart's and mailauth's signed messages, the ARC test suite.

    test_email("bad_ietf01_1.txt", "fail");         a line of Mail::DKIM's verifier.t, with the message beside it and the keys in FAKE_DNS.dat

Mail::DKIM's messages were signed from 2005 on, with short keys and SHA-1, some before DKIM had a v= tag. RFC 8301 forbids to accept them, and as shipped we do
not; here they are checked by the rules of their time, because what they test, canonical forms and tag lists, has not changed since.
"""

import json
import re
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from wardline.domains.mail.conformance.cases import Case, Skipped, TextZone, differs, named
from wardline.protocols import arc, dkim
from wardline.protocols.dkim_key import RFC_8301, Rules
from wardline.protocols.dns import drive

OLD_RULES = Rules(minimum_rsa_bits=512, allow_sha1=True, allow_drafts=True)
# Mail::DKIM says "invalid" for every signature or key that cannot be used.
INVALID = ("permerror", "temperror")
_TEST_LINE = re.compile(r'^\s*test_email\("([^"\n]{1,100})", "(\w{1,20})"\)', re.MULTILINE)


def suites(directory: Path) -> dict[str, list[Case]]:
    """All DKIM and ARC suites below `directory`."""
    found: dict[str, list[Case]] = {}
    for path in sorted(directory.rglob("*")):
        name = named(directory, path)
        if path.name == "FAKE_DNS.dat" and (path.parent / "verifier.t").is_file():
            found[f"dkim/{named(directory, path.parent)}"] = _mail_dkim_cases(path.parent)
        elif path.name == "arc-draft-validation-tests.yml":
            found[f"arc/{name}"] = _arc_cases(path)
        elif path.name == "arc-draft-sign-tests.yml":
            found[f"arc/{name}"] = _count_of_seals(path)
        elif path.suffix == ".txt" and path.parent.name in ("dkim", "arc") and path.parent.parent.name == "resources":
            found.setdefault(f"{path.parent.name}/{named(directory, path.parent)}", []).append(
                Case(path.name, partial(_with_zone_above, path))
            )
        elif path.name == "dns.json" and (path.parent / "signed.eml").is_file():
            found[f"dkim/{named(directory, path.parent)}"] = [Case("signed.eml", partial(_mailauth_signed, path))]
        elif path.name.startswith("t-test") and path.suffix == ".c" and "opendkim" in name:
            found.setdefault(f"dkim/{named(directory, path.parent)}", []).append(Case(path.name, _needs_a_compiler))
    return found


def _needs_a_compiler() -> str:
    raise Skipped("a C program against libopendkim's own interface: no vectors to read")


def _mail_dkim_cases(folder: Path) -> list[Case]:
    zone: dict[str, list[bytes] | None] = {}
    for line in (folder / "FAKE_DNS.dat").read_text(encoding="utf-8", errors="replace").splitlines():
        name, _, value = line.partition(" ")
        value = value.strip()
        if name and not name.startswith(("#", ";")) and value != "NXDOMAIN":
            zone[name] = None if value.startswith("~~") else [value.encode()]
    lookup = TextZone(zone)
    expectations = _TEST_LINE.findall((folder / "verifier.t").read_text(encoding="utf-8", errors="replace"))
    return [Case(name, partial(_mail_dkim, folder / "corpus" / name, expected, lookup)) for name, expected in expectations]


def _mail_dkim(path: Path, expected: str, zone: TextZone) -> str:
    raw = path.read_bytes()
    if path.name.startswith("good_ietf00"):
        raise Skipped("a draft before DKIM, which its own project skips too")
    if b"DomainKey-Signature:" in raw and b"DKIM-Signature:" not in raw:
        raise Skipped("DomainKeys (RFC 4870), which is historic")
    if path.name in ("badkey_8.txt", "badkey_9.txt", "badkey_12.txt", "badkey_13.txt"):
        raise Skipped("the g= tag of keys, which RFC 6376 dropped")
    # The one expired message was signed in this century's first decade; any later moment will do.
    results = drive(dkim.verify(raw, now=1_763_722_800 if path.name == "ignore_7.txt" else None, rules=OLD_RULES), zone)
    words = {one.result for one in results}
    best = next((word for word in ("pass", "fail", "temperror", "permerror") if word in words), "none")
    return differs(INVALID if expected == "invalid" else expected, best)


def _with_zone_above(path: Path) -> str:
    """Lines "name record", an empty line, the message. Every message must pass."""
    head, _, raw = path.read_bytes().replace(b"\r\n", b"\n").partition(b"\n\n")
    zone: dict[str, list[bytes] | None] = {}
    for line in head.splitlines():
        name, _, value = line.partition(b" ")
        zone[name.decode("ascii", "replace")] = [value]
    lookup = TextZone(zone)
    if path.parent.name == "arc":
        return differs("pass", drive(arc.verify(raw), lookup).result)
    rules = RFC_8301
    results = drive(dkim.verify(raw, now=None, rules=rules), lookup)
    if results and all(one.reason == "version" for one in results):
        results = drive(dkim.verify(raw, now=None, rules=OLD_RULES), lookup)
    return differs("pass", ",".join(sorted({one.result for one in results})))


def _mailauth_signed(path: Path) -> str:
    zone: dict[str, list[bytes] | None] = {}
    for name, kinds in json.loads(path.read_text(encoding="utf-8")).items():
        zone[name] = ["".join(strings).encode() for strings in kinds.get("TXT", [])]
    results = drive(dkim.verify((path.parent / "signed.eml").read_bytes(), now=1_528_637_909), TextZone(zone))
    return differs("pass", ",".join(sorted({one.result for one in results})))


def _arc_cases(path: Path) -> list[Case]:
    cases: list[Case] = []
    for scenario in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if isinstance(scenario, dict):
            zone = TextZone({str(name): [str(text).encode()] for name, text in (scenario.get("txt-records") or {}).items()})
            cases += [Case(str(name), partial(_arc, test, zone)) for name, test in (scenario.get("tests") or {}).items()]
    return cases


def _arc(test: dict[str, Any], zone: TextZone) -> str:
    # Where the newest seal itself says cv=fail the suite expects no new status; RFC 8617 §5.2 step 2 calls that chain failed.
    expected = (test.get("cv") or "").strip().lower() or "fail"
    return differs(expected, drive(arc.verify((test.get("message") or "").encode()), zone).result)


def _count_of_seals(path: Path) -> list[Case]:
    cases: list[Case] = []
    for scenario in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if isinstance(scenario, dict):
            cases += [Case(str(name), _no_sealing) for name in scenario.get("tests") or {}]
    return cases


def _no_sealing() -> str:
    raise Skipped("makes a seal; we only check them")
