"""What is counted about logins: declared once, used by the policy's lines, by rules, by backtests and by the desk alike.

failures_account_10m      wrong passwords on this account within ten minutes, before this event
"""

from wardline.engine.counting.counter import Counter, parse_counter

FAILED = 'result in ["wrong_password", "unknown_account", "second_factor_failed"]'
SUCCEEDED = 'result == "success"'

DECLARED: dict[str, dict[str, object]] = {
    "attempts_ip_10m": {"count": "login", "by": "ip", "window": "10m"},
    "attempts_account_1h": {"count": "login", "by": "account", "window": "1h"},
    "failures_account_10m": {"count": "login.outcome", "by": "account", "where": FAILED, "window": "10m"},
    "failures_account_24h": {"count": "login.outcome", "by": "account", "where": FAILED, "window": "24h"},
    "failures_ip_1h": {"count": "login.outcome", "by": "ip", "where": FAILED, "window": "1h"},
    "failure_share_ip_1h": {"ratio": FAILED, "on": "login.outcome", "by": "ip", "window": "1h"},
    "failures_prefix24_1h": {"count": "login.outcome", "by": "ip.prefix24", "where": FAILED, "window": "1h"},
    "failure_share_prefix24_1h": {"ratio": FAILED, "on": "login.outcome", "by": "ip.prefix24", "window": "1h"},
    "accounts_failed_ip_1h": {"distinct": "account", "on": "login.outcome", "by": "ip", "where": FAILED, "window": "1h"},
    "accounts_failed_prefix24_24h": {"distinct": "account", "on": "login.outcome", "by": "ip.prefix24", "where": FAILED, "window": "24h"},
    "successes_account_30d": {"count": "login.outcome", "by": "account", "where": SUCCEEDED, "window": "30d"},
    "successes_account_ip_30d": {"count": "login.outcome", "by": ["account", "ip"], "where": SUCCEEDED, "window": "30d"},
    "successes_account_prefix24_30d": {"count": "login.outcome", "by": ["account", "ip.prefix24"], "where": SUCCEEDED, "window": "30d"},
    "successes_account_agent_30d": {"count": "login.outcome", "by": ["account", "user_agent"], "where": SUCCEEDED, "window": "30d"},
    "account_known_seconds": {"first_seen": ["login", "login.outcome"], "by": "account"},
    "ip_known_seconds": {"first_seen": "login", "by": "ip"},
    "exports_account_24h": {"count": "session", "by": "account", "where": 'action in ["export", "mass_send"]', "window": "24h"},
}

COUNTERS: tuple[Counter, ...] = tuple(parse_counter(name, fields) for name, fields in DECLARED.items())
