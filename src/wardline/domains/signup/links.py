"""By what sign-ups are linked: the kinds of key that accounts share, and how much each may say.

graph = Graph(LINKS, CREATES)

Kinds that imply each other stand in one group, of which the rarest counts: an address lies in its network, a device has one browser. A place
is the network or the mail domain of an organisation: an office shares both, and that must not count twice. No kind needs a source.
"""

from wardline.domains.signup.events import OUTCOME, POINT
from wardline.engine.graph import Graph, Link

CREATES = frozenset({POINT})
LINKS: tuple[Link, ...] = (
    Link("device", ("device",), "client", 14.0, 1 << 14),
    Link("browser", ("user_agent", "screen", "language", "timezone"), "client", 8.0, 16, local=True),
    Link("user_agent", ("user_agent",), "client", 6.0, 16, local=True),
    Link("ip", ("ip",), "place", 6.0, 1 << 8, place=True),
    Link("network", ("ip.prefix24",), "place", 5.0, 1 << 6, place=True),
    Link("address_form", ("email.domain", "email.shape"), "place", 7.0, 16),
    Link("mail_domain", ("email.domain",), "place", 7.0, 16),
    Link("email", ("email",), "address", 14.0, 1 << 14),
    Link("phone", ("phone",), "phone", 14.0, 1 << 14),
    Link("name_stem", ("name.stem",), "name", 8.0, 1 << 8),
    Link("display_name", ("display_name",), "name", 6.0, 1 << 6),
    Link("name_form", ("name.shape", "name.length"), "name", 7.0, 16, local=True),
    Link("invite", ("invite",), "invite", 7.0, 1 << 8, local=True),
)


def graph() -> Graph:
    """The graph of this domain, empty."""
    return Graph(LINKS, CREATES, extends=frozenset({OUTCOME}))
