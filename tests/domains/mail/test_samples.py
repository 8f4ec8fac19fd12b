"""Every message of samples/good and samples/bad is a test: drop a file there and it is judged by the whole program as it ships.

good: must be allowed. bad: must be junked or worse, or at least carry a speaking signal that names what is wrong with it.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from wardline import Wardline
from wardline.domains.mail.events import Envelope

SAMPLES = Path(__file__).parents[3] / "samples"


@pytest.fixture(scope="module")
def program() -> Iterator[Wardline]:
    with Wardline() as running:
        yield running


def files(folder: str) -> list[Path]:
    return sorted((SAMPLES / folder).glob("*.eml"))


def test_there_are_samples() -> None:
    assert len(files("good")) >= 40
    assert len(files("bad")) >= 40


@pytest.mark.parametrize("path", files("good"), ids=lambda path: path.stem)
def test_good(program: Wardline, path: Path) -> None:
    answer = program.check_mail(path.read_bytes(), Envelope(recipients=("you@example.net",)))
    assert answer.verdict == "allow", [f"{reason.detector} {reason.score:.2f}: {reason.text}" for reason in answer.reasons]


@pytest.mark.parametrize("path", files("bad"), ids=lambda path: path.stem)
def test_bad(program: Wardline, path: Path) -> None:
    answer = program.check_mail(path.read_bytes(), Envelope(recipients=("you@example.net",)))
    speaking = [reason for reason in answer.reasons if reason.score >= 0.5]
    assert answer.verdict != "allow" or speaking, "nothing speaks against this message"
