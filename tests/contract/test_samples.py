"""What every sample keeps: reserved names only, readable in full, and no detector finds fault with a good one."""

import re
from pathlib import Path

import pytest

from tests.domains.mail.builders import ask
from wardline.domains.mail.detectors import ALL
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.intake import read

SAMPLES = Path(__file__).resolve().parents[2] / "samples"
GOOD = sorted((SAMPLES / "good").glob("*.eml"))
BAD = sorted((SAMPLES / "bad").glob("*.eml"))
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
