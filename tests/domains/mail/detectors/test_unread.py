"""unread: what could not be read is a modest signal, and usual caps are none."""

import pytest

from wardline.domains.mail.detectors.unread import CUES, Unread


@pytest.mark.parametrize("limit", ["parts", "depth", "headers"])
def test_caps_that_hide_things_speak_modestly(limit: str) -> None:
    signal = Unread().judge({"mail.limits": [limit], "mail.defects": []})
    assert signal.score is not None and 0.6 < signal.score < 0.9
    assert CUES[limit].words in signal.reason


@pytest.mark.parametrize("limits", [["size"], ["text"], ["links"], ["something new"]])
def test_usual_caps_are_silent(limits: list[str]) -> None:
    assert Unread().judge({"mail.limits": [*limits], "mail.defects": []}).score is None


def test_defects_add_up_with_less_and_less() -> None:
    few = Unread().judge({"mail.defects": ["bad_base64"]}).score
    many = Unread().judge({"mail.defects": ["bad_base64", "nul_bytes", "bare_cr"], "mail.limits": ["parts"]}).score
    assert few is not None and many is not None and few < many < 0.93


def test_read_completely_is_silent_and_earns_nothing() -> None:
    assert Unread().judge({"mail.limits": [], "mail.defects": []}).score is None
