"""gtube: the exact string, and nothing near it."""

import pytest

from tests.domains.mail.builders import ask, mail
from wardline.domains.mail.detectors.gtube import STRING, Gtube


def test_the_string_has_68_bytes() -> None:
    assert len(STRING.encode()) == 68


@pytest.mark.parametrize("message", [mail(text=f"Hello\n{STRING}\nBye"), mail(subject=STRING)])
def test_found_in_text_and_subject(message: object) -> None:
    signal = ask(Gtube(), message)  # type: ignore[arg-type]
    assert signal.score is not None and signal.score > 0.999
    assert "test" in signal.reason
    assert signal.evidence == {"test": True}


@pytest.mark.parametrize("text", ["", STRING[:-1], STRING.lower(), STRING.replace("GTUBE", "XTUBE"), " ".join(STRING)])
def test_near_it_is_nothing(text: str) -> None:
    assert ask(Gtube(), mail(text=text)).score is None
