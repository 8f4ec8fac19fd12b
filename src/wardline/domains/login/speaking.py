"""How a detector of logins says its nats: as the score whose log-odds they are.

nats(2.2, "…")          Signal(0.9, "…")
number(values, "x")     the value as a float; None where it is unknown
silent("…")             no opinion
"""

from wardline.engine.feature import Values
from wardline.engine.signal import LOG_ODDS_LIMIT, Signal, probability


def silent(reason: str) -> Signal:
    """No opinion, and why; a detector makes it once."""
    return Signal(None, reason)


def nats(amount: float, reason: str) -> Signal:
    """A signal that counts `amount` nats, held within what one detector may say."""
    if amount > LOG_ODDS_LIMIT:
        amount = LOG_ODDS_LIMIT
    elif amount < -LOG_ODDS_LIMIT:
        amount = -LOG_ODDS_LIMIT
    return Signal(probability(amount), reason)


def number(values: Values, name: str) -> float | None:
    """A number that is known."""
    value = values.get(name)
    if type(value) is float:
        return value
    return float(value) if type(value) is int else None


def logins(count: float) -> str:
    """41 logins, 1 login."""
    return f"{count:.0f} login{'' if count == 1 else 's'}"
