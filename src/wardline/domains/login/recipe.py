"""Logins as the engine takes a domain: types, intake, facts, counters, states, detectors, policy, and what models of logins are made of.

EventPoint(domain=login(), …)
EventPoint(domain=session(), …)       what a session wants to do, asked before it is done
"""

from collections.abc import Mapping
from importlib import resources

from wardline.domains.login.aftermath import LoginAftermath
from wardline.domains.login.campaigns import LoginCampaigns
from wardline.domains.login.detectors import ALL
from wardline.domains.login.detectors.session_surprise import SessionSurprise
from wardline.domains.login.detectors.tree import Tree
from wardline.domains.login.events import ASKED, DECIDES, KNOWN, NOTES, POINT, SESSION
from wardline.domains.login.features import COUNTERS
from wardline.domains.login.intake import facts
from wardline.domains.login.places import LoginPlaces
from wardline.domains.login.profile import LoginProfile
from wardline.engine.groups.graph_values import GIVES
from wardline.engine.model import Recipe
from wardline.engine.walk.point import EventDomain

# What the second look at an account's sign-up gives.
HINDSIGHT: Mapping[str, str] = {"signup.hindsight": "number", "signup.hindsight_of": "list"}
STATES = (LoginProfile, LoginCampaigns, LoginAftermath, LoginPlaces)
_GIVEN = {name: kind for state in STATES for name, kind in state.gives.items()}
# Values of every decision that say how a login fits its account. Left out is what names a network or a person, what moves with the calendar, what costs an attacker
# nothing to choose, and what labels caused. A label counts for the very login that it is about: that an account was taken over says nothing of its owner's logins.
LEFT_OUT = frozenset({"ip.asn", "ip.version", "hour", "weekday", "user_agent.major", "count", "graph.cluster_bad", "graph.cluster_good"})
RECIPE = Recipe(
    numbers=(
        *(name for name, known in KNOWN.items() if known.type in ("number", "bool") and name not in LEFT_OUT),
        *(counter.name for counter in COUNTERS),
        *(name for name, kind in {**_GIVEN, **GIVES}.items() if kind in ("number", "bool") and name not in LEFT_OUT),
    ),
    texts=(
        *(name for name, kind in _GIVEN.items() if kind == "text"),
        "client",
        "second_factor",
        "language",
        "ip.country",
        "user_agent.family",
        "user_agent.os",
        "user_agent.device",
    ),
    groups=("account", "device", "ip.prefix24"),
    labels=("event",),
    least=Tree.least,
    most=Tree.most,
)


def login() -> EventDomain:
    """The domain as it ships. The graph of sign-ups is read too: an account that a farm made is often recognised only when its siblings have come."""
    return EventDomain(
        point=POINT,
        decides=DECIDES,
        notes=NOTES,
        facts=facts,
        known=KNOWN,
        counters=COUNTERS,
        policy=resources.files("wardline.domains.login").joinpath("policy.yaml").read_bytes(),
        detectors=tuple(kind() for kind in ALL),
        states=STATES,
        borrows={"graph": GIVES, "signup_hindsight": HINDSIGHT},
        recipe=RECIPE,
    )


def session() -> EventDomain:
    """What a session wants to do, where the caller asks before it is done (POST /v1/decide); told in a batch or afterwards it is recorded. It reads the
    state of logins: whether the account cools off from an unusual one; and the second look at sign-ups."""
    return EventDomain(
        point=SESSION,
        decides=ASKED,
        alone=True,
        notes=frozenset(),
        facts=facts,
        known=KNOWN,
        counters=(),
        policy=resources.files("wardline.domains.login").joinpath("session.yaml").read_bytes(),
        detectors=(SessionSurprise(),),
        borrows={LoginAftermath.name: LoginAftermath.gives, "signup_hindsight": HINDSIGHT},
    )
