"""What every mail detector keeps, whoever wrote it: the conformance suite.

A new detector is found by itself (domains.mail.detectors.ALL) and must pass unchanged.
"""

import importlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.domains.mail.builders import GOOD, address, ask, link, mail
from wardline.domains.mail.detectors import ALL
from wardline.domains.mail.events import Attachment, Envelope, HtmlFacts, Link, Mail
from wardline.engine.detector import Detector
from wardline.engine.feature import LIST_LIMIT, STRING_LIMIT, Value, bounded
from wardline.engine.signal import Signal

DETECTORS = {kind.name: kind for kind in ALL}
# Values that others supply: any detector may read them.
SUPPLIED = ("mail.", "text.", "shape.log_odds", "near_duplicate.", "sender.", "list.", "auth.")
HOSTILE_VALUES: tuple[Value, ...] = (None, True, -1, 10**30, 1e308, "", "x" * 5_000, [], [None, 1, "x", True], ["lookalike"] * 50)

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Recording(Mapping[str, Value]):
    """Values that remember which names were asked for."""

    def __init__(self, values: Mapping[str, Value]) -> None:
        self.values_held = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> Value:
        self.asked.add(name)
        return self.values_held[name]

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a detector must not walk over all values")

    def __len__(self) -> int:
        raise AssertionError("a detector must not count the values")


def hostile() -> dict[str, Mail]:
    """Messages made to break a reader."""
    long = "A" * 200_000
    strange = "\x00\ud800\u202e\ufeff" * 50
    links = [
        Link(url="http://" + "a." * 2_000, scheme="http", host="a." * 120, path="/" * 3_000, text="." * 3_000, origin="anchor")
        for _ in range(300)
    ]
    odd = Link(
        url="http://[::1]:99999999/%zz?url=http%3a%2f%2f#" + "A=" * 400,
        scheme="http",
        host="::1",
        port=-1,
        path="%",
        text="http://%",
        origin="anchor",
    )
    punycode = Link(url="http://xn--/", scheme="https", host="xn--.xn--a-.xn--99999999", registrable="", origin="form")
    file = Attachment(
        name="." * 3_000 + "\u202egpj.exe", flags=("html", "encrypted_archive") * 30, members=("../" * 500 + "a.lnk",) * 300, size_bytes=-1
    )
    return {
        "empty": Mail(envelope=Envelope(), raw=b"", size_bytes=0, fingerprint=""),
        "long": mail(subject=long, text=long, sender=address("a" * 5_000 + "@" + "b." * 3_000, long), headers=(("Received", long),) * 50),
        "strange": mail(subject=strange, text=strange, sender=address("@", strange), message_id=strange, language=strange),
        "links": mail(links=[*links, odd, punycode]),
        "files": mail(text=strange, attachments=(file,) * 300),
        "addresses": mail(
            to=(address("@@"),) * 5_000,
            reply_to=(address("a@b@c"),) * 500,
            senders=10**9,
            envelope=Envelope(recipients=("<@>", "", "x") * 2_000, helo="9" * 500),
        ),
        "html": mail(html=HtmlFacts(tags=10**9, hidden_chars=-1, hidden_by=("colour",) * 500, broken_tags=10**9), hidden_text=long),
        "spaces": mail(text=(" \u200b" * 30_000) + "next of kin" * 3_000, subject="\n" * 3_000),
        "limits": mail(limits=("parts",) * 500, defects=("bad_base64", strange) * 200),
        "raw": mail(raw=b"Message-ID:" * 20_000 + b"From: @" * 20_000, structure="report(" * 300),
    }


HOSTILE = hostile()


@pytest.fixture(params=sorted(DETECTORS))
def detector(request: pytest.FixtureRequest) -> Detector[Mail]:
    return DETECTORS[request.param]()


def check(signal: Signal) -> None:
    """A signal that may be shown and stored."""
    assert signal.score is None or (0.0 <= signal.score <= 1.0 and math.isfinite(signal.score))
    assert len(signal.reason) < 1_000
    if signal.score is not None:
        assert signal.reason, "an opinion needs a reason"
        assert signal.reason.endswith("."), "a reason is a sentence"
    assert len(json.dumps(signal.evidence)) < 4_000


def test_the_name_is_the_file(detector: Detector[Mail]) -> None:
    assert type(detector).__module__.rpartition(".")[2] == detector.name
    assert importlib.import_module(type(detector).__module__).__doc__


def test_cheap_comes_before_dear() -> None:
    costs = [kind.cost_us for kind in ALL]
    assert costs == sorted(costs)
    assert len(DETECTORS) == len(ALL)


def test_the_whole_budget_holds_as_declared() -> None:
    assert sum(kind.cost_us for kind in ALL) <= 250.0


def test_what_it_reads_is_its_own_or_supplied(detector: Detector[Mail]) -> None:
    for name in detector.reads:
        assert name.startswith((f"{detector.name}.", *SUPPLIED)), name


@pytest.mark.parametrize("kind", sorted(GOOD))
def test_good_mail_is_left_alone(detector: Detector[Mail], kind: str) -> None:
    signal = ask(detector, GOOD[kind])
    assert signal.score is None or signal.score <= 0.5, signal


def test_it_reads_nothing_undeclared(detector: Detector[Mail]) -> None:
    for message in (*GOOD.values(), *HOSTILE.values()):
        values = Recording({**detector.measure(message, {}), "mail.limits": [*message.limits], "mail.defects": []})
        detector.judge(values)
        assert values.asked <= set(detector.reads), values.asked - set(detector.reads)


def test_it_is_silent_when_nothing_is_known(detector: Detector[Mail]) -> None:
    assert detector.judge({}).score is None
    assert detector.judge(dict.fromkeys(detector.reads)).score is None


@pytest.mark.parametrize("value", HOSTILE_VALUES, ids=lambda value: repr(value)[:20])
def test_each_value_may_be_unknown_or_odd(detector: Detector[Mail], value: Value) -> None:
    usual = {"mail.limits": [], "mail.defects": [], "auth.aligned": True, "text.trained": 10, **detector.measure(GOOD["newsletter"], {})}
    for name in detector.reads:
        check(detector.judge({**usual, name: value}))


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_mail_neither_breaks_nor_floods(detector: Detector[Mail], kind: str) -> None:
    values = detector.measure(HOSTILE[kind], {"config.protected_brands": ["\t", "a\tb", "x.example"], "config.local_domains": [1, ""]})
    stored = {name: bounded(value) for name, value in values.items()}
    assert all(name.startswith(f"{detector.name}.") for name in values)
    assert len(values) <= 12
    assert len(msgspec.json.encode(stored)) < 3_000
    json.dumps(stored)
    for value in stored.values():
        assert not isinstance(value, str) or len(value) <= STRING_LIMIT
        assert not isinstance(value, list) or len(value) <= LIST_LIMIT
    check(detector.judge({**stored, "mail.limits": [*HOSTILE[kind].limits[:16]], "mail.defects": []}))


def test_the_same_again(detector: Detector[Mail]) -> None:
    """Deterministic, also in a second instance; nothing that was given is changed."""
    for message in (*GOOD.values(), *HOSTILE.values()):
        known: dict[str, Value] = {"mail.limits": [*message.limits], "config.protected_brands": ["example.com"]}
        before = dict(known)
        values = dict(detector.measure(message, known))
        again = type(detector)().measure(message, known)
        assert values == again
        assert known == before
        frozen = json.dumps(values, sort_keys=True, default=str)
        assert detector.judge(values) == type(detector)().judge(values)
        assert json.dumps(values, sort_keys=True, default=str) == frozen


def test_values_hold_no_content(detector: Detector[Mail]) -> None:
    secret = "Quetzalcoatlus flew over Przemyśl at 04:17"
    message = mail(
        subject=secret,
        text=f"{secret}. Verify your account. I am the next of kin, western union, bitcoin. I recorded you, 48 hours.",
        sender=address("quetzalcoatlus@przemysl.example", secret),
        reply_to=(address("quetzalcoatlus2@gmail.com", secret),),
        hidden_text=secret,
        attachments=(Attachment(name=f"{secret}.pdf.exe", flags=("executable",)),),
    )
    text = json.dumps([dict(detector.measure(message, {})), msgspec.to_builtins(ask(detector, message))], ensure_ascii=False).lower()
    assert "quetzalcoatlus" not in text
    assert "przemy" not in text


WORDS = st.text(max_size=60)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(subject=WORDS, text=st.text(max_size=400), display=WORDS, box=WORDS, url=WORDS, name=WORDS, field=WORDS)
def test_any_text_gives_an_opinion_or_none(
    detector: Detector[Mail], subject: str, text: str, display: str, box: str, url: str, name: str, field: str
) -> None:
    more: dict[str, Any] = {"attachments": (Attachment(name=name, members=(name,)),), "reply_to": (address(field),)}
    message = mail(
        subject=subject,
        text=text,
        sender=address(box, display),
        links=[link(f"https://{url}", text=text), link(url)],
        headers=((field, field),),
        **more,
    )
    check(ask(detector, message))
