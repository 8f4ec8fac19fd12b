"""From a verdict to what the gateway does: the mode stands between them.

    action_for("reject", "observe") == "accept"      observe changes nothing
    action_for("reject", "tag")     == "junk"        tag marks, but delivers everything
    action_for("reject", "enforce") == "reject"

Text for strangers is opaque: it names an id that the operator can explain, and no reason that an abuser could learn from.
"""

from wardline.domains.mail.door import Action, Mode

_ENFORCED: dict[str, Action] = {
    "allow": "accept",
    "tag": "tag",
    "junk": "junk",
    "quarantine": "quarantine",
    "defer": "tempfail",
    "reject": "reject",
}
_TAGGED: dict[str, Action] = {"allow": "accept", "tag": "tag"}


def action_for(verdict: str, mode: Mode) -> Action:
    """What to do with a verdict in a mode."""
    if mode == "observe":
        return "accept"
    if mode == "tag":
        return _TAGGED.get(verdict, "junk")
    return _ENFORCED.get(verdict, "accept")


def reply_for(action: Action, decision_id: str) -> str:
    """The SMTP text of a refusal, without code (RFC 5321 §4.2); "" where nothing is refused."""
    match action:
        case "reject":
            return f"Message refused by policy. If this is a mistake, tell the postmaster this id: {decision_id}"
        case "tempfail":
            return f"Message deferred, please try again later ({decision_id})"
        case _:
            return ""
