"""DMARC vectors: the tables in OpenDMARC's C tests, and the cases in mailauth's JavaScript tests, read as text.

{"v=DMARC1; p=none; pct=500;", DMARC_PARSE_ERROR_BAD_VALUE},
it('…', async () => { … '_dmarc.example.com' … [['v=DMARC1; p=reject']] … headerFrom: 'user@example.com' … expect(result.status.result).to.equal('fail') … })
"""

import re
from collections.abc import Callable
from functools import partial
from pathlib import Path

from wardline.domains.mail.conformance.cases import Case, Skipped, TextZone, differs, named
from wardline.protocols import dmarc
from wardline.protocols.dns import drive

_ROW = re.compile(r'\{\s*"((?:[^"\\\n]|\\.)*+)"\s*,([^}\n]*+)\}')
_STRING = re.compile(r'"((?:[^"\\\n]|\\.)*+)"')
_BLOCK = re.compile(r"^( *)(it|it\.skip|describe|describe\.skip)\('((?:[^'\\\n]|\\.)*+)'", re.MULTILINE)
_ASKED = re.compile(r"domain === '([^'\n]+)'\)? ?\{?\s*return (\[\[[^\n]*\]\]);")
_ZONE_ROW = re.compile(r"'([^'\n]+)': \{ TXT: (\[\[[^\n]*\]\]) \}")
_QUOTED = re.compile(r"'([^'\n]*)'")
_IDENTITIES = re.compile(r"(dkim|spf)Domains: \[([^\]\n]*)\]")
_DOMAIN = re.compile(r"domain: '([^'\n]*)'")


def suites(directory: Path) -> dict[str, list[Case]]:
    """All DMARC suites below `directory`, by file."""
    readers = {
        "test_dmarc_parse.c": _parse_cases,
        "test_alignment.c": _alignment_cases,
        "test_tld.c": _organisation_cases,
        "test_finddomain.c": _from_cases,
        "dmarc-verify-test.js": _mailauth_cases,
        "rfc9989-compliance-test.js": _mailauth_cases,
    }
    found: dict[str, list[Case]] = {}
    for path in sorted(directory.rglob("*")):
        if path.name in readers and path.is_file():
            found[f"dmarc/{named(directory, path)}"] = readers[path.name](path.read_text(encoding="utf-8", errors="replace"))
    return found


def _plain(text: str) -> str:
    """A C or JavaScript string without its backslashes; raises Skipped for escapes that stand for bytes."""
    if re.search(r"\\[0-9xu]", text):
        raise Skipped("holds bytes that the table garbles itself")
    return text.replace('\\"', '"').replace("\\'", "'").replace("\\\\", "\\")


def _parse_cases(text: str) -> list[Case]:
    def check(record: str, outcome: str) -> str:
        raw = _plain(record).encode()
        parsed = dmarc.parse(raw, "example.com") if dmarc.is_record(raw) else None
        return differs("accepted" if outcome == "DMARC_PARSE_OKAY" else "refused", "accepted" if parsed else "refused")

    rows = _ROW.findall(text)
    return [Case(record or "empty", partial(check, record, outcome.strip())) for record, outcome in rows]


def _alignment_cases(text: str) -> list[Case]:
    def check(one: str, other: str, rest: str) -> str:
        found = dmarc.aligned(one, other, strict="STRICT" in rest)
        return differs("aligned" if rest.rstrip().endswith(" 0") else "not aligned", "aligned" if found else "not aligned")

    cases: list[Case] = []
    for one, rest in _ROW.findall(text):
        other = _STRING.search(rest)
        if other is not None:
            cases.append(Case(f"{one} {other[1]}", partial(check, one, other[1], rest)))
    return cases


def _organisation_cases(text: str) -> list[Case]:
    return _string_pairs(text, lambda one, other: differs(other, dmarc.organisational_domain(one)))


def _from_cases(text: str) -> list[Case]:
    def check(value: str, expected: str) -> str:
        domains = dmarc.from_domains(value.removeprefix("From:"))
        return differs(expected, domains[0] if domains else "none")

    return _string_pairs(text, check)


def _string_pairs(text: str, check: Callable[[str, str], str]) -> list[Case]:
    def plainly(one: str, other: str) -> str:
        return check(_plain(one), _plain(other))

    cases: list[Case] = []
    for one, rest in _ROW.findall(text):
        other = _STRING.search(rest)
        if other is not None:
            cases.append(Case(one, partial(plainly, one, other[1])))
    return cases


def _mailauth_cases(text: str) -> list[Case]:
    """The it(…) blocks; what stands in a describe.skip is a later revision of DMARC that the project itself does not run yet."""
    cases: list[Case] = []
    blocks = list(_BLOCK.finditer(text))
    skipped_at: int | None = None
    for place, block in enumerate(blocks):
        indent, kind, name = len(block[1]), block[2], block[3]
        if skipped_at is not None and indent <= skipped_at:
            skipped_at = None
        if kind.startswith("describe"):
            skipped_at = indent if kind.endswith("skip") and skipped_at is None else skipped_at
            continue
        end = blocks[place + 1].start() if place + 1 < len(blocks) else len(text)
        body = text[block.end() : end]
        if skipped_at is not None or kind == "it.skip":
            cases.append(Case(name, _later_revision))
        else:
            cases.append(Case(name, partial(_mailauth, body)))
    return cases


def _later_revision() -> str:
    raise Skipped("RFC 9989, which its own project skips too")


def _mailauth(body: str) -> str:
    """One block: zone, author, identities and expectations, each picked out by its form."""
    if body.count("verifyDmarc(") != 1:
        raise Skipped("does not check one message")
    author = re.search(r"headerFrom: (\[?)'([^'\n]*)'(?!,? *')", body)
    verdicts = re.findall(r"expect\(result\.status\.result\)\.to\.equal\('(\w+)'\)", body)
    policies = re.findall(r"expect\(result\.policy\)\.to\.equal\('(\w+)'\)", body)
    if author is None or author[1] or not (verdicts or policies):
        raise Skipped("expects something that is not part of a result here")
    zone: dict[str, list[bytes] | None] = {}
    for name, records in (*_ASKED.findall(body), *_ZONE_ROW.findall(body)):
        zone[name] = ["".join(_QUOTED.findall(strings)).encode() for strings in re.findall(r"\[([^\[\]]*)\]", records)]
    domain = author[2].rpartition("@")[2]
    if not zone and ("ETIMEOUT" in body or "ESERVFAIL" in body):
        zone["_dmarc." + domain] = None
    elif not zone and "_dmarc." in body:
        raise Skipped("writes its zone in a form that is not read")
    pairs: dict[str, list[tuple[str, str]]] = {"dkim": [], "spf": []}
    for kind, members in _IDENTITIES.findall(body):
        pairs[kind] = [("pass", found) for found in _DOMAIN.findall(members) or _QUOTED.findall(members)]
    result = drive(dmarc.evaluate(domain, pairs["spf"], pairs["dkim"]), TextZone(zone))
    if verdicts and (difference := differs(verdicts[0], result.result)):
        return difference
    return differs(policies[0], result.policy) if policies else ""
