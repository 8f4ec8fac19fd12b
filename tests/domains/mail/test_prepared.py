"""What is said of a message before the states are asked is what would be said then: to the bit."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from wardline.domains.mail import prepared
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Settings, examine, make_detectors
from wardline.domains.mail.prepared import prepare
from wardline.domains.mail.records import MailEvent
from wardline.domains.mail.sender.proof import OFF, nothing
from wardline.domains.mail.states import MailStates
from wardline.domains.mail.text.starter import chosen_starter
from wardline.domains.mail.values import NAMES, RECIPIENT, policy_names
from wardline.engine.decision import consult, judge
from wardline.engine.feature import Value
from wardline.engine.policy import parse_policy

SAMPLES = sorted(path for path in (Path(__file__).parents[3] / "samples").rglob("*") if path.suffix == ".eml")
DETECTORS = make_detectors()
POLICY = Path(prepared.__file__).with_name("policy.yaml")


class Watched(Mapping[str, Value]):
    """Values, and which of them were asked for."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values_, self.asked = values, set[str]()

    def __getitem__(self, name: str) -> Value:
        self.asked.add(name)
        return self.values_[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a detector reads values by name")

    def __len__(self) -> int:
        return len(self.values_)


def test_what_the_states_say_is_never_taken_for_measured() -> None:
    measured = {"mail.size_bytes", "mail.limits", "mail.defects", "mail.direction", "engine.broken", RECIPIENT}
    assert NAMES - measured <= prepared._STATES
    event_values = MailStates().read(prepared_event())
    assert set(event_values) <= prepared._STATES


def prepared_event() -> MailEvent:
    return MailEvent(id="1", time_s=1)


@pytest.mark.parametrize("path", SAMPLES[:12], ids=lambda path: path.stem)
def test_first_signals_are_those_that_judging_gives(path: Path) -> None:
    raw = path.read_bytes()
    found = prepare(raw, Envelope(), Settings(), DETECTORS, chosen_starter(""))
    values: dict[str, Value] = {**found.examined.values, **nothing(OFF), "text.log_odds": 1.5, "text.trained": 3, "near_duplicate.count": 4}
    signals, failed = consult(values, DETECTORS)
    known = {**found.signals, **found.unproven}
    assert not failed
    assert len(found.signals) >= 10
    for name, signal in known.items():
        assert (signal.score, signal.reason) == (signals[name].score, signals[name].reason) if signal else signals[name].score is None
    told, told_failed = consult(values, DETECTORS, known)
    assert list(told) == list(signals)
    assert told_failed == failed
    assert {name: signal.score for name, signal in told.items()} == {name: signal.score for name, signal in signals.items()}
    policy = parse_policy(POLICY.read_bytes(), policy_names(DETECTORS), "shipped")
    assert judge(values, DETECTORS, policy, known=known) == judge(values, DETECTORS, policy)


@pytest.mark.parametrize("path", SAMPLES[:12], ids=lambda path: path.stem)
def test_detectors_read_what_they_declare(path: Path) -> None:
    values = {**examine(path.read_bytes(), Envelope(), Settings(), DETECTORS).values, **nothing(OFF)}
    for detector in DETECTORS:
        watched = Watched(values)
        detector.judge(watched)
        assert watched.asked <= set(detector.reads), detector.name


def test_a_detector_that_fails_is_left_to_the_judging() -> None:
    class Broken(type(DETECTORS[0])):  # type: ignore[misc]
        name = "url"
        reads = ("url.count",)

        def judge(self, values):  # type: ignore[no-untyped-def]
            raise RuntimeError

    broken = Broken()
    found = prepare(b"Subject: a\r\n\r\nb\r\n", Envelope(), Settings(), (broken,))
    assert not found.signals
    assert consult(found.examined.values, (broken,), found.signals)[1] == ("url",)
