"""Logins as events: which types this domain takes, and the facts of each.

    {"type": "login", "entities": {"account": "…", "ip": "192.0.2.7", "device": "…"}, "fields": {"user_agent": "…", "client": "web"}}
    {"type": "login.outcome", "flow_id": "…", "entities": {…}, "fields": {"result": "wrong_password"}}
    {"type": "session", "entities": {"account": "…"}, "fields": {"action": "forward_rule", "count": 1}}

A login is decided when it is attempted, before anybody knows whether the password is right; how it ended comes as an outcome, and what the
session then does as further events: told when it is done, or asked about before. All of them count for the account, the address and the device.
"""

from wardline.engine.walk.intake import SHARED, Knowledge

POINT = "login"
OUTCOME = "login.outcome"
SESSION = "session"
RECOVERY = "recovery"
CREDENTIAL = "credential"
DECIDES = frozenset({POINT})
NOTES = frozenset({OUTCOME, RECOVERY, CREDENTIAL})
ASKED = frozenset({SESSION})
CHALLENGE_PASSED = "challenge_passed"

PASSED = frozenset({"success", CHALLENGE_PASSED})
FAILURES = frozenset({"wrong_password", "unknown_account", "second_factor_failed", "challenge_failed"})
RESULTS = PASSED | FAILURES

# The facts that a rule or a counter may name, besides those that every domain shares.
KNOWN: dict[str, Knowledge] = {
    **SHARED,
    "client": Knowledge("text", "web, mobile, imap, smtp or bridge"),
    "username_exists": Knowledge("bool", "whether an account of that name exists"),
    "second_factor": Knowledge("text", "none, totp or key"),
    "language": Knowledge("text", "first language that the client accepts, two or three letters"),
    "timezone": Knowledge("text", "the client's time zone, as Europe/Vienna"),
    "screen": Knowledge("text", "the client's screen, as 1920x1080"),
    "result": Knowledge("text", f"how an attempt ended: {', '.join(sorted(RESULTS))}"),
    "password.leaks": Knowledge("number", "how often the password stands in published leaks, where the caller says so"),
    "action": Knowledge("text", "what a session did: export, forward_rule, recovery_change, password_change, mass_send, delete_all …"),
    "count": Knowledge("number", "how many things a session's action touched"),
}
