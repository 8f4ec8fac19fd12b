"""What sign-ups are watched for coming back too often in too short a stretch of the site's history (engine/groups/recurrence.py), and what must differ each time.

    state = returns()
    state.read("signup", at_us, facts, now_us)      {"recurs.name": 9.2, "recurs.phone_count": 3, …}

Names and mail domains count once an address, a browser once a network: one company is one witness. What comes back at a place counts once in two hours: a class
or a company that opens its accounts within 90 minutes is two at most. A telephone number counts each time.
"""

from wardline.domains.signup.events import POINT
from wardline.engine.groups.recurrence import Kind, Recurrence

SLOT_US = 2 * 3_600_000_000
KINDS: tuple[Kind, ...] = (
    Kind("name", ("name.stem",), "ip"),
    Kind("mail_domain", ("email.domain",), "ip"),
    Kind("phone", ("phone",), counted=True),
    Kind("browser", ("user_agent", "screen", "language", "timezone"), "ip.prefix24"),
    Kind("address", ("ip",), slot_us=SLOT_US),
    Kind("network", ("ip.prefix24",), slot_us=SLOT_US),
    Kind("network_browser", ("ip.prefix24", "user_agent"), slot_us=SLOT_US),
    Kind("network_domain", ("ip.prefix24", "email.domain"), slot_us=SLOT_US),
    Kind("network_form", ("ip.prefix24", "email.shape", "email.number"), slot_us=SLOT_US),
)


def returns() -> Recurrence:
    """The state of this domain, empty."""
    return Recurrence("signup.returns", KINDS, frozenset({POINT}))
