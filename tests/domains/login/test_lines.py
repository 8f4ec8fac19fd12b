"""The lines of the shipped policy about addresses and networks that fail: who is asked, and who is spared."""

import pytest

from wardline.domains.login.recipe import login
from wardline.engine.feature import Value
from wardline.engine.policy import parse_policy

DOMAIN = login()
POLICY = parse_policy(DOMAIN.policy, DOMAIN.names(), "shipped")
# An address that fails for most, in a network where the account is at home: a carrier's, say.
FAILING: dict[str, Value] = {
    "account": "account:1",
    "accounts_failed_ip_1h": 12,
    "failure_share_ip_1h": 0.9,
    "successes_account_ip_30d": 0,
    "ip_known_seconds": 600.0,
    "login.strange": False,
    "login.known_logins": 40,
    "login.network_level": "prefix24",
}


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "most_logins_fail_here"),
        ({"login.strange": True, "failure_share_prefix24_1h": 0.9}, "many_accounts_fail_here"),
        ({"accounts_failed_ip_1h": 9}, None),
        ({"failure_share_ip_1h": 0.4}, None),  # a shared address, where a tenth of the people mistype
        ({"failure_share_ip_1h": None}, None),
        # Who entered on the address's first day proves nothing; who is at home there is spared.
        ({"successes_account_ip_30d": 1}, "most_logins_fail_here"),
        ({"successes_account_ip_30d": 1, "ip_known_seconds": 90_000.0}, None),
    ],
)
def test_an_address_that_fails_for_most(values: dict[str, Value], line: str | None) -> None:
    found = POLICY.deciding_line({**FAILING, **values})
    assert (found.name if found else None) == line


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({}, "network_of_failures"),
        ({"account": "account:1"}, None),  # nothing is known of how the account is used: forgotten, not new
        ({"account": "account:1", "login.known_logins": 0}, "network_of_failures"),
        ({"account": "account:1", "login.known_logins": 9, "login.network_level": "new"}, "network_of_failures"),
        ({"account": "account:1", "login.known_logins": 9, "login.network_level": "prefix24"}, None),
        ({"failures_prefix24_1h": 49}, None),
        ({"failure_share_prefix24_1h": 0.7}, None),
    ],
)
def test_a_network_of_failures_and_attempts_without_an_account(values: dict[str, Value], line: str | None) -> None:
    found = POLICY.deciding_line({"failures_prefix24_1h": 60, "failure_share_prefix24_1h": 0.9, **values})
    assert (found.name if found else None) == line
