"""Sign-ups as events: which types this domain takes, and the facts of each.

    {"type": "signup", "entities": {"account": "…", "ip": "192.0.2.7"}, "fields": {"username": "…", "email": "…", "form_ms": 5300}}
    {"type": "signup.outcome", "flow_id": "…", "fields": {"result": "completed"}}

Names and addresses are looked at for their shape and then hidden: what stays is how long a name is, what it is made of, and the domain of
the address.
"""

from wardline.engine.walk.intake import SHARED, Knowledge

POINT = "signup"
OUTCOME = "signup.outcome"
DECIDES = frozenset({POINT})
NOTES = frozenset({OUTCOME})
RESULTS = frozenset({"completed", "abandoned", "challenge_passed", "challenge_failed"})

KNOWN: dict[str, Knowledge] = {
    **SHARED,
    "name.length": Knowledge("number", "characters of the user name"),
    "name.digits": Knowledge("number", "digits at the end of the user name"),
    "name.number": Knowledge("text", "the number at the end of the user name: none, year (1930 to 2019), or how many digits, 1 to 5"),
    "name.shape": Knowledge("text", "what the user name is made of, in runs: a for letters, 0 for digits, and marks as they are"),
    "name.stem": Knowledge("text", "pseudonym of the user name without its digits and marks"),
    "name.entropy": Knowledge("number", "bits per character of the user name, from how often it uses each character"),
    "name.consonants": Knowledge("number", "longest run of Latin consonants in the user name"),
    "display_name": Knowledge("text", "pseudonym of the name that is shown"),
    "email.domain": Knowledge("text", "domain of the address"),
    "email.free_mail": Knowledge("bool", "the address is one of a free mail provider"),
    "email.sources_hit": Knowledge("list", "the sources that said something of the domain"),
    "email.disposable": Knowledge("bool", "the domain gives addresses away for minutes"),
    "email.shape": Knowledge("text", "what the local part is made of, as name.shape"),
    "email.number": Knowledge("text", "the number at the end of the local part of the address, as name.number"),
    "email.is_name": Knowledge("bool", "the local part of the address is the user name"),
    "phone.country": Knowledge("text", "country of the phone number, two capital letters"),
    "language": Knowledge("text", "first language that the client accepts, two or three letters"),
    "timezone": Knowledge("text", "the client's time zone, as Europe/Vienna"),
    "screen": Knowledge("text", "the client's screen, as 1920x1080"),
    "form_ms": Knowledge("number", "milliseconds spent on the form"),
    "referrer.host": Knowledge("text", "host of the page that led here"),
    "invite": Knowledge("text", "pseudonym of the invitation"),
    "payment": Knowledge("text", "none, card or transfer"),
    "result": Knowledge("text", f"how the sign-up ended: {', '.join(sorted(RESULTS))}"),
    "challenge": Knowledge("text", "the kind of challenge that was passed or failed"),
}
