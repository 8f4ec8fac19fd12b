"""The names of the values that mail's policy may read, beside those that detectors declare.

"auth.spf" in NAMES
"""

from wardline.domains.mail import authentication
from wardline.domains.mail.states import ROLES

NAMES = frozenset(
    {
        "mail.size_bytes",
        "mail.limits",
        "mail.defects",
        "mail.direction",
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
        "engine.broken",
        *(f"sender.{role}" for role in ROLES),
        *authentication.NAMES,
    }
)
