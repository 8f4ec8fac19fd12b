"""What ships: the event domains, and what their decision points offer to rules. For the program, and for commands that need no program.

for domain in event_domains(): …          # login, session, signup
known, verdicts, canary_by = rule_names()            # {"login": {"ip.asn": "number", …}, …}, {"login": ["allow", …], …}
"""

from collections.abc import Mapping, Sequence
from importlib import resources

from wardline.domains.login.recipe import login, session
from wardline.domains.mail.examine import make_detectors
from wardline.domains.mail.states import POINT as MAIL
from wardline.domains.mail.values import RECIPIENT
from wardline.domains.mail.values import rule_names as mail_names
from wardline.domains.signup.recipe import signup
from wardline.engine.policy import parse_policy
from wardline.engine.walk.point import EventDomain


def event_domains() -> tuple[EventDomain, ...]:
    """Every domain whose events are decided at the decision door."""
    return (login(), session(), signup())


def rule_names() -> tuple[Mapping[str, Mapping[str, str]], Mapping[str, Sequence[str]], Mapping[str, str]]:
    """Per decision point: the names that a rule may read with their types; the verdicts, mildest first; what a canary takes its share of."""
    domains = event_domains()
    names: dict[str, dict[str, str]] = {domain.point: domain.names() for domain in domains}
    verdicts = {d.point: parse_policy(d.policy, names[d.point], f"shipped {d.point} policy").document.verdicts for d in domains}
    names[MAIL] = mail_names(make_detectors())
    mail_policy = resources.files("wardline.domains.mail").joinpath("policy.yaml").read_bytes()
    verdicts[MAIL] = parse_policy(mail_policy, names[MAIL], "shipped policy.yaml").document.verdicts
    return names, verdicts, {MAIL: RECIPIENT}
