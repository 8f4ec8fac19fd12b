"""Mail's policies: read, kept, and found again by what decisions name."""

from pathlib import Path

import pytest

from wardline.base.clock import FixedClock
from wardline.domains.mail.examine import make_detectors
from wardline.domains.mail.policies import MailPolicies
from wardline.engine.policy import PolicyError
from wardline.engine.store.journal import Journal
from wardline.engine.walk.policyfolder import PolicyFolder

OWN = b"""
point: mail.in
version: 7
verdicts: [allow, junk]
lines:
  - {name: spam, when: "score >= 0.5", verdict: junk}
"""


def test_a_policy_is_found_again_by_its_digest(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "data", clock=FixedClock(0))
    folder = PolicyFolder(journal.folder)
    policies = MailPolicies(folder, make_detectors())
    (tmp_path / "own.yaml").write_bytes(OWN)
    own, text, digest = policies.read(tmp_path / "own.yaml", "policy.yaml")
    shipped, _, other = policies.read(None, "envelope.yaml")
    assert (own.label, text) == ("mail.in@7", OWN) and shipped.label != own.label and digest != other
    stood = policies.stood(digest)
    assert stood is not None and stood.document == own.document
    assert policies.stood("0" * 32) is None
    journal.close()


def test_a_policy_that_reads_what_is_gone_stands_for_nothing_and_is_refused_anew(tmp_path: Path) -> None:
    journal = Journal.open(tmp_path / "data", clock=FixedClock(0))
    folder = PolicyFolder(journal.folder)
    policies = MailPolicies(folder, make_detectors())
    gone = OWN.replace(b"score >= 0.5", b"mail.removed_long_ago > 1")
    assert policies.stood(folder.keep(gone)) is None
    (tmp_path / "own.yaml").write_bytes(gone)
    with pytest.raises(PolicyError, match=r"mail\.removed_long_ago"):
        policies.read(tmp_path / "own.yaml", "policy.yaml")
    journal.close()
