"""A feature: a named value as of one event.

    "header.date_skew_hours": 3.5    "link.count": 4    "text.log_odds": -2.25    "auth.spf": None (not known)

None means unknown, never zero. Values are stored with the decision, so that it can be judged again: they are small, JSON-like, and hold no
content from which a message could be rebuilt.

    FEATURES = [Feature("ip.country", "text", "country of the client's address", source="list")]      a domain's features.py
    feature_types(FEATURES, features_of_counters(COUNTERS))     -> {"ip.country": "text", "failures_prefix_10m": "number"}

Declared once: rules take the names and their types from here, a page and the desk take the lines.
"""

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Literal, get_args

import msgspec

if TYPE_CHECKING:
    from wardline.engine.counting.counter import Counter

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


Type = Literal["number", "text", "bool", "list", "any"]
Source = Literal["field", "counter", "list", "graph", "model", "signal"]
name_pattern = r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$"
_NAME = re.compile(name_pattern)


class FeatureError(ValueError):
    """A declaration that cannot be accepted: which feature, what is wrong, what to do."""


class Feature(msgspec.Struct, frozen=True):
    """One declared feature. line: what it says, in one line; source: where it comes from."""

    name: str
    type: Type
    line: str
    source: Source = "field"


def feature_types(*groups: Iterable[Feature]) -> Mapping[str, str]:
    """Name -> type of all features, as the rule language wants them. Raises FeatureError for a name that is declared twice."""
    types: dict[str, str] = {}
    for group in groups:
        for feature in group:
            if not _NAME.match(feature.name) or len(feature.name) > 64:
                raise FeatureError(f"feature {feature.name[:64]!r}: a name has lower-case letters, digits, '_' and '.', at most 64")
            if feature.type not in get_args(Type):
                raise FeatureError(f"feature {feature.name!r}: there is no type {feature.type!r}; use one of {', '.join(get_args(Type))}")
            if feature.source not in get_args(Source):
                raise FeatureError(f"feature {feature.name!r}: its source is none of {', '.join(get_args(Source))}")
            if not feature.line.strip() or "\n" in feature.line:
                raise FeatureError(f"feature {feature.name!r}: say in one line what it is")
            if feature.name in types:
                raise FeatureError(f"feature {feature.name!r} is declared twice; choose another name for one of them")
            types[feature.name] = feature.type
    return types


def features_of_counters(counters: "Iterable[Counter]") -> list[Feature]:
    """Counters as features: all are numbers."""
    return [Feature(counter.name, "number", counter.line, "counter") for counter in counters]
