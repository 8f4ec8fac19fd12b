"""What every sample keeps: reserved names only, readable in full, and no detector finds fault with a good one; events that the door takes, sound rules."""

import ipaddress
import re
from pathlib import Path

import msgspec
import pytest

from tests.domains.mail.builders import ask
from wardline.base.privacy import Pseudonyms
from wardline.domains.mail.detectors import ALL
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.intake import read
from wardline.engine.event import Event
from wardline.engine.rules.rulefile import check_rule
from wardline.engine.walk.intake import Edge
from wardline.shipped import event_domains, rule_names

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
GOOD = sorted((SAMPLES / "good").glob("*.eml"))
BAD = sorted((SAMPLES / "bad").glob("*.eml"))
EVENTS = sorted((SAMPLES / "events").glob("*.ndjson"))
RULES = sorted((SAMPLES / "rules").glob("*.yaml"))
RESERVED = re.compile(r"(^|\.)(example|test|invalid|localhost)$|(^|\.)example\.(com|net|org)$")
NETWORKS = ("192.0.2.", "198.51.100.", "203.0.113.", "10.", "127.")
ADDRESS = re.compile(rb"[A-Za-z0-9._%+-]+@([A-Za-z0-9.-]+\.[A-Za-z]{2,})")
ENVELOPE = Envelope(recipients=("bela@example.net",))


def test_there_are_enough_of_each() -> None:
    assert len(GOOD) >= 40
    assert len(BAD) >= 40


@pytest.mark.parametrize("path", [*GOOD, *BAD], ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_names_are_reserved(path: Path) -> None:
    raw = path.read_bytes()
    hosts = {found.decode().lower() for found in ADDRESS.findall(raw.replace(b"=\n", b""))}
    for link in read(raw, ENVELOPE).links:
        if link.scheme in ("http", "https", "mailto"):
            hosts.add(link.host)
    foreign = sorted(host for host in hosts if host and not RESERVED.search(host) and not host.startswith(NETWORKS))
    assert not foreign, f"{path}: use reserved names instead of {foreign}"


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_good_ones_are_read_in_full_and_left_alone(path: Path) -> None:
    message = read(path.read_bytes(), ENVELOPE)
    assert message.sender.address and message.visible_text.strip()
    assert message.limits == () and message.defects == ()
    for kind in ALL:
        signal = ask(kind(), message)
        assert signal.score is None or signal.score <= 0.5, f"{kind.name}: {signal.reason}"


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_ones_are_messages(path: Path) -> None:
    message = read(path.read_bytes(), ENVELOPE)
    assert message.headers and (message.visible_text or message.attachments or message.html.images)


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_events_are_taken_by_the_door(path: Path) -> None:
    domains = {type: domain for domain in event_domains() for type in domain.decides | domain.notes}
    edge = Edge(Pseudonyms(b"k" * 32))
    events = [msgspec.json.decode(line, type=Event) for line in path.read_bytes().splitlines()]
    assert len(events) >= 80 and len({event.id for event in events}) == len(events)
    assert [event.occurred_at for event in events] == sorted(event.occurred_at for event in events)
    for event in events:
        assert domains[event.type].facts(event, edge)["account"]
        assert event.entities["ip"].startswith(NETWORKS) and ipaddress.ip_address(event.entities["ip"])


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_rules_are_sound_and_their_cases_come_out_as_expected(path: Path) -> None:
    file = check_rule(path.read_bytes(), path.name, *rule_names())
    assert file.name == path.stem
    assert {case.expect for case in file.written.cases} == {"hit", "miss", "unknown"}


def test_there_are_events_and_rules() -> None:
    assert EVENTS and RULES
