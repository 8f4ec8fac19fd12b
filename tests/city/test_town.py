"""The city as a whole: the same bytes for a seed, in the order of time, truth apart, every line an event that the door takes."""

import hashlib
import json
from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from wardline.city.founding import found
from wardline.city.plan import KINDS, Plan

PLAN = Plan(users=120, days=21, seed=5)


def lines_of(plan: Plan) -> tuple[list[str], list[str]]:
    events: list[str] = []
    truths: list[str] = []
    for lines, told in found(plan).run():
        events += lines
        truths += told
    return events, truths


def honest_logins(plan: Plan) -> list[tuple[Any, ...]]:
    events, truths = lines_of(plan)
    honest = {truth["id"] for truth in map(json.loads, truths) if truth.get("truth") == "legit"}
    logins = (event for event in map(json.loads, events) if event["type"] == "login" and event["id"] in honest)
    return [(event["occurred_at"], event["entities"], event["fields"]) for event in logins]


@pytest.fixture(scope="module")
def city() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    events, truths = lines_of(PLAN)
    return [json.loads(line) for line in events], [json.loads(line) for line in truths]


def test_the_same_seed_gives_the_same_bytes() -> None:
    plan = Plan(users=30, days=10, seed=9)
    assert lines_of(plan) == lines_of(plan)
    assert lines_of(plan) != lines_of(Plan(users=30, days=10, seed=10))


def test_events_come_in_the_order_of_time_with_ids_of_their_own(city: Any) -> None:
    events, _truths = city
    moments = [datetime.fromisoformat(event["occurred_at"]) for event in events]
    assert moments == sorted(moments)
    assert len({event["id"] for event in events}) == len(events)
    assert (moments[-1] - PLAN.monday).days < PLAN.days


def test_every_sign_up_login_and_session_has_its_truth_and_no_event_tells_it(city: Any) -> None:
    events, truths = city
    told = {truth["id"] for truth in truths if "id" in truth}
    assert told == {event["id"] for event in events if event["type"] in ("signup", "login", "session")}
    for event in events:
        assert not {"truth", "kind", "campaign", "status", "tags", "label"} & (event.keys() | event["fields"].keys())
    assert {truth["kind"] for truth in truths if "id" in truth} - {None} == set(KINDS)


def test_an_account_does_not_show_whose_it_is(city: Any) -> None:
    events, truths = city
    accounts = {event["id"]: event["entities"]["account"] for event in events if event["type"] == "signup"}
    shapes: dict[str, set[int]] = {"legit": set(), "attack": set()}
    for truth in truths:
        if truth.get("id") in accounts:
            shapes[truth["truth"]].add(len(accounts[truth["id"]]))
            assert accounts[truth["id"]][0] == "u"
    assert len(shapes["legit"] | shapes["attack"]) == 1


def test_an_outcome_joins_its_attempt(city: Any) -> None:
    events, truths = city
    passwords = {truth["id"]: truth["password"] for truth in truths if truth.get("type") == "login"}
    results: Counter[str] = Counter()
    for event in events:
        if event["type"] == "login.outcome":
            right = event["fields"]["result"] == "success"
            assert passwords[event["flow_id"]] or not right
            results[event["fields"]["result"]] += 1
    assert set(results) - {"second_factor_failed"} == {"success", "wrong_password", "unknown_account"}


def test_histories_are_of_all_lengths(city: Any) -> None:
    _events, truths = city
    lengths = [
        truth["history"] for truth in truths if truth.get("type") == "login" and truth["truth"] == "attack" and truth["status"] == "owner"
    ]
    assert min(lengths) == 0
    assert max(lengths) > 20


def test_honest_life_does_not_change_with_the_attacks() -> None:
    quiet, loud = honest_logins(Plan(users=40, days=14, seed=3, attacks=())), honest_logins(Plan(users=40, days=14, seed=3))
    assert quiet == loud
    assert len(quiet) > 100


def test_rates_are_those_of_a_mail_provider(city: Any) -> None:
    _events, truths = city
    honest = [
        truth for truth in truths if truth.get("type") == "login" and truth["truth"] == "legit" and "mail_client" not in truth["tags"]
    ]
    a_day = len(honest) / PLAN.users / PLAN.days
    assert 0.5 < a_day < 2.0
    wrong = sum(not truth["password"] for truth in honest) / len(honest)
    assert 0.02 < wrong < 0.08
    assert {tag for truth in honest for tag in truth["tags"]} >= {
        "mobile",
        "shared_nat",
        "office",
        "family",
        "new_user",
        "traveller",
        "vpn",
    }


def test_the_bytes_of_a_small_city_are_pinned() -> None:
    """On every machine and Python: what changes the city changes this line, knowingly."""
    events, truths = lines_of(Plan(users=12, days=4, seed=1))
    assert hashlib.sha256("".join(events + truths).encode()).hexdigest()[:16] == "214655b2cbab675d"
