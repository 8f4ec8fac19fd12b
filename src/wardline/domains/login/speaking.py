"""How a detector of logins says its nats: as the score whose log-odds they are.

nats(2.2, "…")          Signal(0.9, "…")
number(values, "x")     the value as a float; None where it is unknown
"""

from wardline.engine.feature import Values
from wardline.engine.signal import LOG_ODDS_LIMIT, Signal, probability


def nats(amount: float, reason: str) -> Signal:
    """A signal that counts `amount` nats, held within what one detector may say."""
    return Signal(probability(min(max(amount, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)), reason)


def number(values: Values, name: str) -> float | None:
    """A number that is known."""
    value = values.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def logins(count: float) -> str:
    """41 logins, 1 login."""
    return f"{count:.0f} login{'' if count == 1 else 's'}"
