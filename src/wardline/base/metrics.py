"""Metrics in the Prometheus text format (exposition format 0.0.4), on a registry of the program's own.

    wardline_decisions_total{point="mail.in",verdict="junk"} 12

Labels are closed sets (points, verdicts, detectors, doors): never an identifier. Children are made once and kept, since looking one up
costs more than counting.
"""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

_BUCKETS_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class _Asked(Collector):
    def __init__(self, read: Callable[[], Iterable[Metric]]) -> None:
        self._read = read

    def describe(self) -> Iterable[Metric]:
        return ()  # else they would be read while the program is being built

    def collect(self) -> Iterable[Metric]:
        return self._read()


class Metrics:
    """All metrics of one program."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._decisions = Counter("wardline_decisions", "Decisions by point and verdict", ["point", "verdict"], registry=self.registry)
        self._latency = Histogram(
            "wardline_decision_seconds",
            "From the whole input to the durable decision",
            ["point"],
            registry=self.registry,
            buckets=_BUCKETS_SECONDS,
        )
        self._failures = Counter("wardline_detector_failures", "Detectors that broke on an input", ["detector"], registry=self.registry)
        self._labels = Counter("wardline_labels", "Labels by kind", ["kind"], registry=self.registry)
        self._refused = Counter("wardline_refused", "Requests refused, by door and cause", ["door", "cause"], registry=self.registry)
        self._told = Counter(
            "wardline_outbox_tries", "Messages to the receiver of actions, by what came of the try", ["result"], registry=self.registry
        )
        self._build = Gauge(
            "wardline_version_info", "Versions of program, policy and model", ["program", "policy", "model"], registry=self.registry
        )
        self._decided: dict[tuple[str, str], Counter] = {}
        self._timed: dict[str, Histogram] = {}

    def decided(self, point: str, verdict: str, seconds: float) -> None:
        """Count one decision and its latency."""
        counter = self._decided.get((point, verdict))
        if counter is None:
            counter = self._decided[point, verdict] = self._decisions.labels(point, verdict)
        counter.inc()
        histogram = self._timed.get(point)
        if histogram is None:
            histogram = self._timed[point] = self._latency.labels(point)
        histogram.observe(seconds)

    def failed(self, detector: str) -> None:
        """Count a detector that broke."""
        self._failures.labels(detector).inc()

    def labelled(self, kind: str) -> None:
        """Count a label: spam or ham of mail, abusive or benign of the rest, withdrawn."""
        self._labels.labels(kind).inc()

    def told(self, result: str) -> None:
        """Count one try to tell the receiver: delivered, retried or dead."""
        self._told.labels(result).inc()

    def refused(self, door: str, cause: str) -> None:
        """Count a refused request: cause is an HTTP status or a short word."""
        self._refused.labels(door, cause).inc()

    def versions(self, program: str, policy: str, model: str) -> None:
        """State what is running."""
        self._build.clear()
        self._build.labels(program, policy, model).set(1)

    def gauge(self, name: str, text: str, read: Callable[[], float]) -> None:
        """A value that is read when someone asks, such as the journal's lag."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def collect(self, read: Callable[[], Iterable[Metric]]) -> None:
        """Metrics that are made when someone asks, such as those of sources that come and go while the program runs."""
        self.registry.register(_Asked(read))

    def render(self) -> bytes:
        """The text that /metrics answers."""
        return generate_latest(self.registry)
