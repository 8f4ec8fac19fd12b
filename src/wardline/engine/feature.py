"""A feature: a named value as of one event.

    "header.date_skew_hours": 3.5    "link.count": 4    "text.log_odds": -2.25    "auth.spf": None (not known)

None means unknown, never zero. Values are stored with the decision, so that it can be judged again: they are small, JSON-like, and hold no
content from which a message could be rebuilt.
"""

from collections.abc import Mapping

Scalar = None | bool | int | float | str
Value = Scalar | list[Scalar]
Values = Mapping[str, Value]

# Bounds that keep a stored decision small whatever an attacker sends: characters of one string, members of one list.
STRING_LIMIT = 128
LIST_LIMIT = 16


def bounded(value: Value) -> Value:
    """The value within the limits of what a decision may store: strings cut at 128 characters, lists at 16 members."""
    if isinstance(value, str):
        return value[:STRING_LIMIT]
    if isinstance(value, list):
        return [member[:STRING_LIMIT] if isinstance(member, str) else member for member in value[:LIST_LIMIT]]
    return value


def number(values: Values, name: str) -> float:
    """A number of a decision for what adds up, where the unknown adds nothing: 0 for anything else. A bool is 1 or 0."""
    value = values.get(name)
    return float(value) if isinstance(value, int | float) else 0.0
