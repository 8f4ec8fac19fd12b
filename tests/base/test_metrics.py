"""Metrics: counted once, labelled from closed sets, rendered as Prometheus reads them."""

from prometheus_client.core import GaugeMetricFamily

from wardline.base.metrics import Metrics


def test_what_is_counted_is_rendered() -> None:
    metrics = Metrics()
    metrics.decided("mail.in", "junk", 0.003)
    metrics.decided("mail.in", "junk", 0.2)
    metrics.failed("url")
    metrics.labelled("spam")
    metrics.refused("http", "401")
    metrics.versions("0.1.0", "mail.in@1", "text-1")
    metrics.gauge("wardline_test_value", "a value", lambda: 7.0)
    text = metrics.render().decode()
    assert 'wardline_decisions_total{point="mail.in",verdict="junk"} 2.0' in text
    assert 'wardline_decision_seconds_count{point="mail.in"} 2.0' in text
    assert 'wardline_detector_failures_total{detector="url"} 1.0' in text
    assert 'wardline_refused_total{cause="401",door="http"} 1.0' in text
    assert 'model="text-1"' in text
    assert "wardline_test_value 7.0" in text


def test_versions_are_those_of_now() -> None:
    metrics = Metrics()
    metrics.versions("0.1.0", "mail.in@1", "text-1")
    metrics.versions("0.1.0", "mail.in@2", "text-1")
    text = metrics.render().decode()
    assert "mail.in@2" in text
    assert "mail.in@1" not in text


def test_metrics_that_are_made_when_someone_asks() -> None:
    metrics, asked = Metrics(), []

    def read() -> list[GaugeMetricFamily]:
        asked.append(1)
        return [GaugeMetricFamily("wardline_test_asked", "a value", value=len(asked))]

    metrics.collect(read)
    assert not asked
    assert "wardline_test_asked 1.0" in metrics.render().decode()
    assert "wardline_test_asked 2.0" in metrics.render().decode()
