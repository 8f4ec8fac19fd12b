"""SPF vectors: the SPF project's YAML (RFC 7208, 4408 and 4406 suites, pyspf's own) and Stalwart's.

description: Initial processing
tests: {toolonglabel: {helo: …, host: 192.0.2.5, mailfrom: …, result: none}}
zonedata: {example.com: [{SPF: "v=spf1 -all"}]}
"""

import ipaddress
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from wardline.domains.mail.conformance.cases import Case, Skipped, differs, named
from wardline.domains.mail.conformance.zone import Zone
from wardline.protocols.dns import drive
from wardline.protocols.spf import RESULTS, check_host

DEFAULT_EXPLANATION = "DEFAULT"


def suites(directory: Path) -> dict[str, list[Case]]:
    """All SPF suites below `directory`, by file."""
    found: dict[str, list[Case]] = {}
    for path in sorted(directory.rglob("*.yml")):
        text = path.read_text(encoding="utf-8", errors="replace")
        cases: list[Case] = []
        if "zonedata:" in text:
            cases = _project_cases(text)
        elif "\nrecords:" in text and "\ntests:" in text and "expect:" in text:
            cases = _stalwart_cases(text)
        if cases:
            found[f"spf/{named(directory, path)}"] = cases
    return found


def _project_cases(text: str) -> list[Case]:
    cases: list[Case] = []
    for scenario in yaml.safe_load_all(text):
        if not isinstance(scenario, dict) or not scenario.get("tests"):
            continue
        zone = Zone(scenario.get("zonedata"))
        cases += [Case(str(name), partial(_check, test, zone)) for name, test in scenario["tests"].items()]
    return cases


def _check(test: dict[str, Any], zone: Zone) -> str:
    expected = test["result"]
    if not set([expected] if isinstance(expected, str) else expected) & set(RESULTS):
        raise Skipped("expects a result that RFC 7208 does not have")
    sender, helo = test.get("mailfrom") or "", test["helo"]
    domain = sender.rpartition("@")[2] or helo
    found = drive(check_host(str(test["host"]), domain, sender or f"postmaster@{helo}", helo, explain=True), zone)
    explanation = test.get("explanation")
    if explanation is not None and (found.explanation or DEFAULT_EXPLANATION) != explanation:
        return "another explanation"
    return differs(expected, found.result)


def _stalwart_cases(text: str) -> list[Case]:
    """Blocks divided by "---", with repeated keys, which YAML does not have: read line by line. Each "expect:" ends one test; what it does not say stays."""
    cases: list[Case] = []
    for block in text.split("\n---"):
        name, part = "", ""
        records: list[tuple[str, str]] = []
        test: dict[str, str] = {}
        own: list[tuple[str, str]] = []
        for line in block.splitlines():
            key, _, value = line.strip().removeprefix("- ").partition(":")
            value = value.strip()
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            if not line.startswith(" "):
                part, name = key, value if key == "name" else name
            elif part == "records":
                records.append((key, value))
            elif part == "tests" and key in ("spf", "exp", "mx", "ptr", "a", "aaaa"):
                own.append((key, value))
            elif part == "tests" and key != "expect":
                own = [] if line.lstrip().startswith("- ") else own
                test[key] = value
            elif part == "tests":
                zone = _stalwart_zone([*records, *own])
                cases.append(Case(f"{name} {len(cases) + 1}", partial(_stalwart_check, {**test, "expect": value}, zone)))
    return cases


def _stalwart_zone(records: list[tuple[str, str]]) -> Zone:
    zone: dict[str, list[Any]] = {}
    for kind, value in records:
        name, _, rest = value.partition(" ")
        members = [member.strip() for member in rest.split(",")]
        entries = zone.setdefault(name, [])
        if kind in ("spf", "exp"):
            entries.append({"TXT": rest})
        elif kind == "ptr":
            # The name is the address; the hosts that stand for it have addresses of their own.
            zone.setdefault(ipaddress.ip_address(name).reverse_pointer, []).extend({"PTR": member.removesuffix(".")} for member in members)
        elif kind == "mx":
            # One host per address, made up: the vectors name only the addresses.
            for number, member in enumerate(members):
                host = f"mx{number}.{name}"
                entries.append({"MX": [number, host]})
                zone.setdefault(host, []).append({"AAAA" if ":" in member else "A": str(ipaddress.ip_address(member))})
        else:
            entries.extend({kind.upper(): str(ipaddress.ip_address(member))} for member in members)
    return Zone(zone)


def _stalwart_check(test: dict[str, str], zone: Zone) -> str:
    """`domain` is the HELO name; these vectors take its fail for the answer, and ask for the sender's domain otherwise."""
    expected, _, explanation = test["expect"].partition(" ")
    helo, sender = test["domain"], test.get("sender", "")
    domain = sender.rpartition("@")[2] or helo
    if domain != helo and drive(check_host(test["ip"], helo, f"postmaster@{helo}", helo), zone).result == "fail":
        return differs(expected, "fail")
    found = drive(check_host(test["ip"], domain, sender or f"postmaster@{helo}", helo, explain=True), zone)
    if explanation and found.explanation != explanation.strip():
        return "another explanation"
    return differs(expected, found.result)
