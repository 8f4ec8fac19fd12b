"""The metrics of the sources, made when somebody asks: names of sources are the operator's own, so that labels stay a closed set.

wardline_source_age_seconds{source="tor-exits"} 34560
wardline_source_failing{source="tor-exits"} 0
"""

from collections.abc import Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from wardline.sources.registry import Registry


def source_metrics(registry: Registry) -> Iterator[Metric]:
    """Age, entries, failing, hits and false hits of every source that is in use."""
    label = ("source",)
    age = GaugeMetricFamily("wardline_source_age_seconds", "Age of what a source says", labels=label)
    entries = GaugeMetricFamily("wardline_source_entries", "Entries of a source", labels=label)
    failing = GaugeMetricFamily("wardline_source_failing", "1 while a source's file is refused or missing", labels=label)
    failures = CounterMetricFamily("wardline_source_failures", "Versions of a source's file that were refused", labels=label)
    hits = CounterMetricFamily("wardline_source_hits", "Look-ups that a source answered with yes", labels=label)
    false_hits = CounterMetricFamily("wardline_source_false_hits", "Hits on events that were labelled not abusive", labels=label)
    for source in registry.status() if registry.ready else ():
        name = [source.name]
        if source.age_days is not None:
            age.add_metric(name, source.age_days * 86_400)
        entries.add_metric(name, source.entries)
        failing.add_metric(name, source.state in ("failing", "missing"))
        failures.add_metric(name, source.failures)
        hits.add_metric(name, source.hits)
        false_hits.add_metric(name, max(0, source.false_hits))
    yield from (age, entries, failing, failures, hits, false_hits)
