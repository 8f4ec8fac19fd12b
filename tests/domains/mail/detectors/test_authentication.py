"""The detector of the sender's proof: each opinion, what wins over what, and silence with its reason."""

import pytest

from wardline.domains.mail.detectors.authentication import Authentication
from wardline.domains.mail.sender.authentication import nothing
from wardline.engine.feature import Value
from wardline.engine.signal import Signal

CLEAN: dict[str, Value] = {
    "auth.source": "own",
    "auth.spf": "none",
    "auth.dkim": "none",
    "auth.dkim_domains": [],
    "auth.dkim_added": [],
    "auth.dkim_length_limited": False,
    "auth.dkim_reason": "",
    "auth.dmarc": "none",
    "auth.dmarc_policy": None,
    "auth.dmarc_percent": None,
    "auth.arc_vouches": False,
    "auth.aligned": False,
    "auth.from_problem": "",
    "auth.unknown": [],
}


def judge(**changes: Value) -> Signal:
    return Authentication().judge({**CLEAN, **{"auth." + name: value for name, value in changes.items()}})


def score(**changes: Value) -> float:
    found = judge(**changes).score
    assert found is not None
    return found


def test_a_failed_policy_weighs_by_what_the_domain_asks_for() -> None:
    reject, quarantine, none = (score(dmarc="fail", dmarc_policy=policy, dmarc_percent=100) for policy in ("reject", "quarantine", "none"))
    assert reject > quarantine > none > 0.5
    assert score(dmarc="fail", dmarc_policy=None) == none
    assert judge(dmarc="fail", dmarc_policy="reject", dmarc_percent=100).evidence == {"auth.dmarc": "fail", "auth.dmarc_policy": "reject"}


def test_a_policy_that_is_tried_out_weighs_less() -> None:
    assert (
        score(dmarc="fail", dmarc_policy="none")
        <= score(dmarc="fail", dmarc_policy="reject", dmarc_percent=0)
        < score(dmarc="fail", dmarc_policy="reject")
    )


def test_only_a_forwarder_that_is_trusted_takes_the_failure_away() -> None:
    assert score(dmarc="fail", dmarc_policy="reject", arc_vouches=True) == 0.5
    assert score(dmarc="fail", dmarc_policy="reject", arc="pass") == score(dmarc="fail", dmarc_policy="reject")


@pytest.mark.parametrize("problem", ["many_from_fields", "many_from_domains", "no_from", "no_domain"])
def test_a_from_that_cannot_be_held_to_anyone(problem: str) -> None:
    assert score(from_problem=problem, dmarc="permerror", spf="pass") >= 0.7


def test_spf_counts_where_nothing_else_proves_the_sender() -> None:
    assert score(spf="fail") > score(spf="softfail") > score(spf="permerror") > 0.5
    assert score(spf="fail", dmarc="pass", aligned=True) < 0.5
    assert score(spf="fail", aligned=True) < 0.5
    assert judge(spf="fail", arc_vouches=True).score is None


def test_a_signed_message_that_was_added_to() -> None:
    assert score(dkim="pass", dkim_added=["from", "subject"], dmarc="pass", aligned=True) > 0.8
    assert "from, subject" in judge(dkim="pass", dkim_added=["from", "subject"]).reason
    assert score(dkim="pass", dkim_length_limited=True, dmarc="pass") > 0.5


def test_a_pass_proves_who_and_not_what() -> None:
    assert 0.3 < score(dmarc="pass", aligned=True, spf="pass", dkim="pass") < score(aligned=True, spf="pass") < 0.5


def test_a_broken_signature_is_worth_little_more_than_none() -> None:
    assert 0.5 < score(dkim="permerror", dkim_reason="expired") < score(dkim="fail", dkim_reason="body_hash") < 0.6


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (nothing("off"), "no resolver"),
        (nothing("submission"), "own users"),
        ({**CLEAN, "auth.spf": None, "auth.dmarc": None, "auth.unknown": ["spf", "dmarc"]}, "in time for spf, dmarc"),
        ({}, "not checked"),
        (CLEAN, "publishes nothing"),
        ({**CLEAN, "auth.spf": "pass"}, "publishes nothing"),
    ],
)
def test_silence_and_why(values: dict[str, Value], word: str) -> None:
    found = Authentication().judge(values)
    assert found.score is None
    assert word in found.reason


def test_a_time_out_is_never_held_against_anyone() -> None:
    unknown = dict.fromkeys(CLEAN)
    assert Authentication().judge(unknown).score is None
    assert judge(dkim=None, dmarc=None, spf="pass", unknown=["dkim", "dmarc"]).score is None


def test_values_of_the_wrong_kind_are_unknown() -> None:
    assert Authentication().judge(dict.fromkeys(CLEAN, 7)).score is None
    assert Authentication().judge({name: ["x"] for name in CLEAN} | {"auth.dkim_added": []}).score is None
