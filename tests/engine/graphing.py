"""For tests of the graph: events of sign-ups, made plain."""

from typing import Any

from wardline.engine.feature import Value
from wardline.engine.kept import KeptEvent

START_US = 1_795_000_000_000_000
MINUTE_US = 60_000_000


def signup(number: int, minute: float = 0.0, *, type: str = "signup", **facts: Any) -> KeptEvent:
    """An account of its own in everything that is not given."""
    given: dict[str, Value] = {"account": f"account:{number:024x}"}
    given.update({name.replace("__", "."): value for name, value in facts.items()})
    return KeptEvent(id=f"e{number}", type=type, occurred_us=START_US + int(minute * MINUTE_US), facts=given)


def stranger(number: int, minute: float = 0.0, **facts: Any) -> KeptEvent:
    """Somebody who shares nothing rare with anybody."""
    own = {
        "ip": f"ip:{number}",
        "ip__prefix24": f"network:{number // 3}",
        "device": f"device:{number}",
        "email": f"email:{number}",
        "user_agent": f"template:{number % 7}",
        "screen": f"{number % 5}x1",
        "language": "de",
        "timezone": "Europe/Vienna",
        "name__stem": f"account:stem{number}",
        "name__shape": "a" if number % 2 else "a0",
        "name__length": 5 + number % 9,
        "email__domain": ("example.com", "example.net", "example.org")[number % 3],
        "email__shape": ("a", "a.a", "a0")[number * 7 % 3],
        "form_ms": 9000 + number,
    }
    return signup(number, minute, **{**own, **facts})
