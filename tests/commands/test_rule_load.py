"""The workload of rules is what its page says: shares of missing values and of matches, reasons, nothing raised."""

from wardline.commands.rule_load import MATCHED_SHARE, MISSING_SHARE, NAMES, figures, workload


def test_the_workload_is_as_published() -> None:
    found = figures(events=4_000, rules=100, seconds=0.01)
    assert found["names"] == 40
    assert abs(found["missing_share"] - MISSING_SHARE) < 0.01
    assert abs(found["events_matched_share"] - MATCHED_SHARE) < 0.025
    assert found["errors"] == 0
    assert list(found)[-1] == "rules_per_second"


def test_every_hit_has_a_rendered_reason() -> None:
    events, rules = workload(events=2_000, rules=50)
    hits = [hit for event in events for hit in rules.judge(event).hits]
    assert hits
    assert all("{" not in hit.reason and "the risk is 0." in hit.reason for hit in hits)
    assert all(rule.reason.count("{") >= 2 for rule in rules.rules)
    assert set(rules.reads) <= set(NAMES)
