"""What ships: the event domains, and what their decision points offer to rules. For the program, and for commands that need no program.

for domain in event_domains(): …          # login, signup
known, verdicts = rule_names()            # {"login": {"ip.asn": "number", …}, …}, {"login": ["allow", …], …}
"""

from collections.abc import Mapping, Sequence

from wardline.domains.login.recipe import login
from wardline.domains.signup.recipe import signup
from wardline.engine.point import EventDomain
from wardline.engine.policy import parse_policy


def event_domains() -> tuple[EventDomain, ...]:
    """Every domain whose events are decided at the decision door."""
    return (login(), signup())


def rule_names() -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, Sequence[str]]]:
    """Per decision point: the names that a rule may read with their types, and the verdicts, mildest first."""
    domains = event_domains()
    names = {domain.point: domain.names() for domain in domains}
    return names, {d.point: parse_policy(d.policy, names[d.point], f"shipped {d.point} policy").document.verdicts for d in domains}
