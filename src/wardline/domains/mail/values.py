"""The names of the values that mail's policy may read, beside those that detectors declare.

"auth.spf" in NAMES
"auth.spf" in MEASURED     no: it is asked of others, not measured on the message
"""

from collections.abc import Iterable
from typing import Any

from wardline.domains.mail.counted import FACTS
from wardline.domains.mail.sender.proof import NAMES as AUTHENTICATION
from wardline.domains.mail.states import ROLES
from wardline.engine.detector import Detector

# The pseudonym of a message's one recipient: there while rules run at the point, so that a canary can take its share of people.
RECIPIENT = "mail.recipient"

# What examining finds on the message itself; the others are what states, lists, authentication and rules say.
MEASURED = frozenset({"mail.size_bytes", "mail.limits", "mail.defects", "mail.direction", "engine.broken"})

NAMES = frozenset(
    {
        *MEASURED,
        RECIPIENT,
        "text.log_odds",
        "text.trained",
        "text.user_offset",
        "shape.log_odds",
        "near_duplicate.count",
        "near_duplicate.spam",
        "near_duplicate.ham",
        "sender.first_contact",
        "sender.proven",
        "list.allow",
        "list.block",
        *(f"sender.{role}" for role in ROLES),
        *AUTHENTICATION,
    }
)


def policy_names(detectors: Iterable[Detector[Any]]) -> frozenset[str]:
    """What a policy's line may read of a message."""
    return NAMES.union(*(detector.reads for detector in detectors))


def rule_names(detectors: Iterable[Detector[Any]]) -> dict[str, str]:
    """What a rule may read of a message, with types; most values say their kind themselves."""
    return {
        **dict.fromkeys(policy_names(detectors), "any"),
        **FACTS,
        RECIPIENT: "text",
        "mail.size_bytes": "number",
        "score": "number",
        "log_odds": "number",
        "failed": "list",
    }
