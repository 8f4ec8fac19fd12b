"""Sign-ups as the engine takes a domain: types, intake, facts, counters, policy, and what models of sign-ups are made of.

EventPoint(domain=signup(), …)
"""

from collections.abc import Mapping
from importlib import resources

from wardline.domains.signup.blocks import bursts
from wardline.domains.signup.detectors import ALL
from wardline.domains.signup.detectors.tree import Tree
from wardline.domains.signup.events import DECIDES, KNOWN, NOTES, POINT
from wardline.domains.signup.features import COUNTERS
from wardline.domains.signup.hindsight import SignupHindsight
from wardline.domains.signup.intake import facts
from wardline.domains.signup.links import graph
from wardline.domains.signup.returns import returns
from wardline.domains.signup.traits import SignupTraits
from wardline.engine.graph import Graph
from wardline.engine.groups.graph_values import GIVES as GRAPH_GIVES
from wardline.engine.groups.recurrence import EVENTS, Recurrence
from wardline.engine.model import Recipe
from wardline.engine.walk.point import DomainState, EventDomain

# Values of every decision that say how people behave. Left out is what names a network, a domain or a person, of which a model would learn the names
# of yesterday's attackers; what moves with the calendar; what costs an attacker nothing to choose; and what labels caused, which would teach it how labels are handed out.
# `graph.near_…` are averages over an account's neighbours (J. Tang and others, "GADBench", NeurIPS 2023).
LEFT_OUT = frozenset({"ip.asn", "ip.version", "hour", "weekday", "user_agent.major", "graph.cluster_bad", "graph.cluster_good", EVENTS})
RECIPE = Recipe(
    numbers=(
        *(name for name, known in KNOWN.items() if known.type in ("number", "bool") and name not in LEFT_OUT),
        *(counter.name for counter in COUNTERS),
        *(name for name, kind in GRAPH_GIVES.items() if kind == "number" and name not in LEFT_OUT),
        *bursts().gives,
        *(name for name in returns().gives if name not in LEFT_OUT),
    ),
    texts=(
        "name.shape",
        "email.shape",
        "phone.country",
        "language",
        "payment",
        "ip.country",
        "user_agent.family",
        "user_agent.os",
        "user_agent.device",
    ),
    groups=("device", "ip.prefix24", "name.stem", "invite", "phone", "email"),
    labels=("event", "account"),
    least=Tree.least,
    most=Tree.most,
    prior=0.02,  # as the policy's bias says
)


def hindsight(beside: Mapping[str, DomainState]) -> SignupHindsight:
    """The second look of this domain, over its own states. Raises TypeError where they are others."""
    found, back, made = beside.get("graph"), beside.get("signup.returns"), beside.get(SignupTraits.name)
    if not isinstance(found, Graph) or not isinstance(back, Recurrence) or not isinstance(made, SignupTraits):
        raise TypeError("a second look at sign-ups needs their graph, what comes back, and their traits")
    return SignupHindsight(found, back, made)


def signup() -> EventDomain:
    """The domain as it ships."""
    policy = resources.files("wardline.domains.signup").joinpath("policy.yaml").read_bytes()
    return EventDomain(
        point=POINT,
        decides=DECIDES,
        notes=NOTES,
        facts=facts,
        known=KNOWN,
        counters=COUNTERS,
        policy=policy,
        states=(graph, bursts, SignupTraits, returns),
        looks_back=(hindsight,),
        detectors=tuple(kind() for kind in ALL),
        recipe=RECIPE,
    )
