"""What is counted about sign-ups: declared once, used by the policy's lines, by rules, by backtests and by the desk alike.

signups_prefix24_1h      accounts opened from this network within an hour, before this event
"""

from wardline.engine.counting.counter import Counter, parse_counter

DECLARED: dict[str, dict[str, object]] = {
    "signups_ip_1h": {"count": "signup", "by": "ip", "window": "1h"},
    "signups_ip_24h": {"count": "signup", "by": "ip", "window": "24h"},
    "signups_prefix24_1h": {"count": "signup", "by": "ip.prefix24", "window": "1h"},
    "signups_prefix24_24h": {"count": "signup", "by": "ip.prefix24", "window": "24h"},
    "signups_device_7d": {"count": "signup", "by": "device", "window": "7d"},
    "signups_email_7d": {"count": "signup", "by": "email", "window": "7d"},
    "signups_phone_7d": {"count": "signup", "by": "phone", "window": "7d"},
    "signups_stem_24h": {"count": "signup", "by": "name.stem", "window": "24h"},
    "signups_domain_24h": {"count": "signup", "by": "email.domain", "window": "24h"},
    "signups_domain_30d": {"count": "signup", "by": "email.domain", "window": "30d"},
    "signups_agent_prefix24_1h": {"count": "signup", "by": ["user_agent", "ip.prefix24"], "window": "1h"},
    "abandoned_share_prefix24_24h": {
        "ratio": 'result in ["abandoned", "challenge_failed"]',
        "on": "signup.outcome",
        "by": "ip.prefix24",
        "window": "24h",
    },
}

COUNTERS: tuple[Counter, ...] = tuple(parse_counter(name, fields) for name, fields in DECLARED.items())
