"""examine: whatever breaks, there is an answer."""

import pytest

from wardline.domains.mail import examine as module
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Settings, examine, make_detectors


def test_a_message_that_breaks_the_intake_is_named_and_not_waved_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_arguments: object, **_named: object) -> None:
        raise RuntimeError("made to break it")

    monkeypatch.setattr(module, "read", breaks)
    examined = examine(b"Subject: x\r\n\r\ny\r\n", Envelope(client_ip="192.0.2.7"), Settings(), make_detectors())
    broken = examined.values["engine.broken"]
    assert isinstance(broken, list) and broken[0] == "intake"
    assert examined.values["mail.defects"] == ["unreadable"]


def test_reading_that_works_names_nothing() -> None:
    examined = examine(b"Subject: x\r\n\r\ny\r\n", Envelope(), Settings(), make_detectors())
    assert "engine.broken" not in examined.values
