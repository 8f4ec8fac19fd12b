"""What sign-ups are counted by when a burst is looked for: keys that strangers share, alone and in pairs. None needs a source.

state = bursts()
"""

from wardline.domains.signup.events import POINT
from wardline.engine.groups.bursts import Block, Bursts

BLOCKS: tuple[Block, ...] = (
    Block("network", ("ip.prefix24",)),
    Block("region_agent", ("ip.prefix16", "user_agent")),
    Block("browser", ("user_agent", "screen", "language", "timezone")),
    Block("place_browser", ("ip.prefix24", "user_agent", "screen")),
    Block("name_form", ("name.shape", "name.length")),
    Block("address_form", ("email.domain", "email.shape", "name.digits")),
    Block("name_browser", ("name.shape", "user_agent", "screen")),
    Block("address_browser", ("email.domain", "email.shape", "user_agent", "screen")),
    Block("invitation", ("invite",)),
)


def bursts() -> Bursts:
    """The state of this domain, empty."""
    return Bursts("signup.bursts", BLOCKS, frozenset({POINT}))
