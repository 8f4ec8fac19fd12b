"""The fuzz target of MIME, for a few rounds with a fixed seed, and every bomb at 200 KB."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import bombs
import fuzz_mime

from wardline.domains.mail import intake
from wardline.domains.mail.events import Envelope


def test_the_fuzz_loop():
    assert fuzz_mime.loop(150, seed=1, size=1500) > 150


@pytest.mark.parametrize("name", bombs.NAMES)
def test_spam_at_the_end_of_a_bomb_is_seen(name):
    raw = getattr(bombs, name)(200_000)
    mail = intake._read(raw, Envelope(), intake.Limits())
    if bombs.SPAM in raw[-400:].replace(b"\r", b""):
        assert "Cheap pills" in mail.visible_text


def test_the_innermost_of_very_many_containers_is_seen():
    mail = intake._read(bombs.nested_multiparts(3_000_000), Envelope(), intake.Limits())
    assert "depth" in mail.limits and "Cheap pills" in mail.visible_text
