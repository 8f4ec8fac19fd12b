"""Mail's policies: those that decide now, and any that ever decided, by the digest that its decisions name.

policies = MailPolicies(folder, detectors)
policy, text, digest = policies.read(None, "envelope.yaml")     # the shipped one; a path names an operator's own
policies.stood(digest)                                          # the same policy, also years later
"""

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from wardline.domains.mail.values import policy_names
from wardline.engine.detector import Detector
from wardline.engine.policy import Policy, PolicyError, parse_policy, read_policy
from wardline.engine.walk.policyfolder import PolicyFolder


class MailPolicies:
    """See the module. detectors: what they declare may be read by a line."""

    def __init__(self, folder: PolicyFolder, detectors: Iterable[Detector[Any]]) -> None:
        self._folder = folder
        self._names = policy_names(detectors)

    def read(self, path: Path | None, shipped: str) -> tuple[Policy, bytes, str]:
        """A policy, its text, and the digest under which the text is kept. Raises PolicyError, OSError on a full disk."""
        if path is None:
            text, source = resources.files("wardline.domains.mail").joinpath(shipped).read_bytes(), f"shipped {shipped}"
        else:
            text, source = read_policy(path), str(path)
        return parse_policy(text, self._names, source), text, self._folder.keep(text)

    def stood(self, digest: str) -> Policy | None:
        """What a digest stands for; None when it is not there, or reads values that this build no longer has."""
        text = self._folder.text(digest)
        try:
            return parse_policy(text, self._names, f"policy {digest}") if text else None
        except PolicyError:
            return None
