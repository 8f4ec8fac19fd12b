"""The first login of an account of a series: asked or held by how many there are; nobody else is."""

import pytest

from wardline.domains.login.recipe import login
from wardline.engine.feature import Value
from wardline.engine.policy import parse_policy

DOMAIN = login()
POLICY = parse_policy(DOMAIN.policy, DOMAIN.names(), "shipped")


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"graph.cluster_size": 25}, "hold"),
        ({"graph.cluster_size": 8}, "challenge"),
        ({"graph.cluster_size": 4}, None),
        ({"graph.cluster_size": 25, "login.known_logins": 1}, None),
        ({"graph.cluster_size": 25, "graph.rare_shared": 1}, None),
        ({"graph.cluster_size": 25, "graph.rare_shared": 1, "graph.very_rare_shared": 1}, "hold"),
        ({"graph.cluster_size": 25, "graph.link_bits": 12.5}, None),
        ({"graph.cluster_size": None}, None),
    ],
)
def test_a_first_login_by_the_size_of_the_group(values: dict[str, Value], verdict: str | None) -> None:
    line = POLICY.deciding_line(
        {"graph.rare_shared": 2, "graph.very_rare_shared": 0, "graph.link_bits": 14.0, "login.known_logins": 0, **values}
    )
    assert (line.verdict if line else None) == verdict


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"signup.hindsight": 0.4}, "one_of_a_series_in_hindsight"),
        ({"signup.hindsight": -1.0}, "maybe_one_of_a_series_in_hindsight"),
        ({"signup.hindsight": -3.0}, ""),
        ({"signup.hindsight": None}, ""),
        ({"signup.hindsight": 6.0, "login.known_logins": 6}, ""),
        ({"signup.hindsight": 6.0, "login.known_logins": None}, ""),
        ({"signup.hindsight": 6.0, "graph.cluster_size": 25}, "one_of_a_large_series"),
    ],
)
def test_the_signup_seen_with_what_is_known_now_leads_to_a_challenge_and_never_to_a_hold(values: dict[str, Value], line: str) -> None:
    found = POLICY.deciding_line(
        {"graph.rare_shared": 2, "graph.very_rare_shared": 0, "graph.link_bits": 14.0, "login.known_logins": 0, **values}
    )
    assert (found.name if found else "") == line
    assert found is None or "hindsight" not in found.name or found.verdict == "challenge"
