"""A policy: what a decision point does with a score. Data, not code: one YAML file per decision point.

    point: mail.in
    version: 1
    verdicts: [allow, tag, junk, quarantine, defer, reject]     # mildest first
    fail_mode: allow                     # what our own outage answers
    on_detector_error: quarantine        # the least verdict when a detector broke on the input; never the severest
    combine: {bias: -0.5, detectors: {text: {weight: 1.0}, url: {weight: 0.8, ceiling: 3.0}}}
    lines:
      - {name: spam, when: "score >= 0.5", verdict: junk, reason: "The message looks like spam."}

The first line whose condition is known to hold decides; when none does, the mildest verdict stands. Thresholds live in the conditions,
so that a reader sees them where they act. Lines read the values of the event and `score`, `log_odds`, `failed` (detectors that broke), and
`cheapest`: the way that costs least by the table `costs` (engine.costs), unknown where there is none.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import yaml

from wardline.engine.costs import Costs
from wardline.engine.feature import Values
from wardline.engine.rule import Condition, RuleError, compile_condition, compile_first
from wardline.engine.signal import LOG_ODDS_LIMIT, Signal, log_odds

# Names that every policy line may read besides the point's own values.
RESULT_TYPES = {"score": "number", "log_odds": "number", "failed": "list", "cheapest": "text"}
SIZE_LIMIT_BYTES = 256 * 1024


class PolicyError(ValueError):
    """A policy that cannot be used: which file, which line or key, what to do."""


class Weight(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one detector's log-odds count: multiplied by `weight`, then clipped to [-floor, +ceiling]."""

    weight: float = 1.0
    ceiling: float = LOG_ODDS_LIMIT
    floor: float = LOG_ODDS_LIMIT

    def contribution(self, score: float) -> float:
        """The detector's share of the sum, in log-odds."""
        weighed = self.weight * log_odds(score)
        if weighed < -self.floor:
            weighed = -self.floor
        return self.ceiling if weighed > self.ceiling else weighed


_EVEN = Weight()


class Combination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Signals to one calibrated score: probability(bias + scale * sum of contributions). A detector that is not named counts with weight 1."""

    bias: float = 0.0
    scale: float = 1.0
    detectors: dict[str, Weight] = {}

    def contributions(self, signals: Mapping[str, Signal]) -> dict[str, float]:
        """Each speaking detector's share of the log-odds, after weight, limits and scale; in the order of the signals."""
        weights, scale = self.detectors, self.scale
        return {
            name: scale * weights.get(name, _EVEN).contribution(score)
            for name, signal in signals.items()
            if (score := signal.score) is not None
        }


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line as written: a condition, and what happens where it holds."""

    name: str
    when: str
    verdict: str
    reason: str = ""
    obligations: list[dict[str, Any]] = []


class Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The policy file as written."""

    point: str
    version: int
    verdicts: list[str]
    lines: list[Line]
    threshold: str = ""  # the name of the line whose `score >= x` splits wanted from unwanted, for protocols that show a required score
    fail_mode: str = "allow"
    on_detector_error: str = "allow"
    durability: Literal["sync", "batched"] = "sync"
    deadline_ms: int = 2000
    reasons_shown: int = 5
    tell_line: bool = False  # the reason of the line that decided is told first
    combine: Combination = Combination()
    costs: Costs = Costs()


class Policy:
    """A checked policy: the document, its conditions compiled, its verdicts ordered."""

    def __init__(self, document: Document, names: Collection[str], source: str = "policy") -> None:
        self.document = document
        self.source = source
        self.label = f"{document.point}@{document.version}"
        self.severity = {verdict: rank for rank, verdict in enumerate(document.verdicts)}
        known = {**(names if isinstance(names, Mapping) else dict.fromkeys(names, "any")), **RESULT_TYPES}
        self.lines: list[tuple[Line, Condition]] = []
        self._check(document)
        for line in document.lines:
            if line.verdict not in self.severity:
                raise PolicyError(f"{source}: line {line.name}: verdict {line.verdict!r} is not one of {', '.join(document.verdicts)}")
            try:
                self.lines.append((line, compile_condition(line.when, known)))
            except RuleError as error:
                raise PolicyError(f"{source}: line {line.name}: {error}") from None
        self._first = compile_first([condition for _, condition in self.lines])

    def _check(self, document: Document) -> None:
        if not document.verdicts or len(set(document.verdicts)) != len(document.verdicts):
            raise PolicyError(f"{self.source}: verdicts must be a list without repetition, mildest first")
        for key in ("fail_mode", "on_detector_error"):
            if getattr(document, key) not in self.severity:
                raise PolicyError(f"{self.source}: {key}: {getattr(document, key)!r} is not one of {', '.join(document.verdicts)}")
        if len(document.verdicts) > 1 and document.on_detector_error == document.verdicts[-1]:
            raise PolicyError(
                f"{self.source}: on_detector_error may hold or defer, not {document.verdicts[-1]}: our own failure condemns nobody"
            )
        names = [line.name for line in document.lines]
        if len(set(names)) != len(names):
            raise PolicyError(f"{self.source}: two lines have the same name; every line needs its own")
        if fault := document.costs.fault():
            raise PolicyError(f"{self.source}: {fault}")
        if document.threshold and document.threshold not in names:
            raise PolicyError(f"{self.source}: threshold: there is no line named {document.threshold}")

    def deciding_line(self, values: Values) -> Line | None:
        """The first line whose condition is known to hold; None when there is none and the mildest verdict stands."""
        found = self._first(values)
        return self.lines[found][0] if found >= 0 else None

    def severer(self, one: str, other: str) -> str:
        """The severer of two verdicts of this point."""
        return one if self.severity[one] >= self.severity[other] else other

    def milder(self, one: str, other: str) -> str:
        """The milder of two verdicts of this point."""
        return one if self.severity[one] <= self.severity[other] else other

    @property
    def threshold_score(self) -> float:
        """The score at which the `threshold` line begins to hold, found by bisection, so that the text stays the only truth."""
        condition = next((condition for line, condition in self.lines if line.name == self.document.threshold), None)
        if condition is None:
            return 0.5
        low, high = 0.0, 1.0
        for _ in range(60):
            middle = (low + high) / 2
            if condition.holds({"score": middle, "log_odds": log_odds(middle)}):
                high = middle
            else:
                low = middle
        return high


def load_policy(path: Path, names: Collection[str]) -> Policy:
    """Read and check a policy file; PolicyError says which file, which line and what to do."""
    return parse_policy(read_policy(path), names, str(path))


def read_policy(path: Path) -> bytes:
    """A policy file's text, not checked yet. Raises PolicyError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise PolicyError(
            f"{path}: cannot be read ({error.strerror}): give an existing file, or leave the key out to use the shipped policy"
        ) from None


def parse_policy(text: bytes, names: Collection[str], source: str) -> Policy:
    """As `load_policy`, from bytes."""
    if len(text) > SIZE_LIMIT_BYTES:
        raise PolicyError(f"{source}: {len(text)} bytes; a policy has at most {SIZE_LIMIT_BYTES}")
    try:
        document = msgspec.convert(yaml.load(text, Loader=NoAliases), Document)  # noqa: S506 - a SafeLoader without aliases
    except yaml.YAMLError as error:
        raise PolicyError(f"{source}: not valid YAML: {' '.join(str(error).split())}") from None
    except (ValueError, RecursionError) as error:  # a value of the wrong kind, or a date that YAML takes for one and cannot read
        raise PolicyError(f"{source}: {error}") from None
    return Policy(document, names, source)


def read_point(text: bytes) -> str:
    """The decision point that a policy says it is for, "" where it says none. Raises PolicyError for what is no YAML."""
    try:
        found = yaml.load(text[:SIZE_LIMIT_BYTES], Loader=NoAliases)  # noqa: S506 - a SafeLoader without aliases
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise PolicyError(f"not valid YAML: {' '.join(str(error).split())[:300]}") from None
    return str(found.get("point", "")) if isinstance(found, dict) else ""


class NoAliases(yaml.SafeLoader):
    """Safe YAML without aliases, since a handful of them can unfold to gigabytes, and without a key given twice, of which only the last would
    count while people read the first."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not allowed in a policy")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """A mapping; YAMLError where a key stands in it twice."""
        seen = set()
        for key, _value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.YAMLError(f"line {key.start_mark.line + 1}: {key.value[:64]!r} is given twice; write it once")
                seen.add(key.value)
        return super().construct_mapping(node, deep)
