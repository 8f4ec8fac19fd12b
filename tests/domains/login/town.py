"""For tests of login states: events of a small town, straight into a state, without a door."""

from collections.abc import Sequence

from wardline.domains.login.recipe import login
from wardline.engine.decision import judge
from wardline.engine.feature import Value
from wardline.engine.kept import KeptDecision, KeptEvent
from wardline.engine.policy import parse_policy
from wardline.engine.walk.point import DomainState

MINUTE_US, DAY_US = 60_000_000, 86_400_000_000
DOMAIN = login()
POLICY = parse_policy(DOMAIN.policy, DOMAIN.names(), "shipped")


def network(a: int, b: int, c: int) -> dict[str, Value]:
    """The facts of the address a.b.c.7."""
    return {"ip": f"ip:{a}.{b}.{c}.7", "ip.prefix24": f"network:{a}.{b}.{c}", "ip.prefix16": f"network:{a}.{b}"}


def client(name: str, device: str | None = None) -> dict[str, Value]:
    """The facts of a client."""
    facts: dict[str, Value] = {"user_agent": f"template:{name}", "user_agent.family": name, "user_agent.major": 1, "user_agent.os": "Linux"}
    return {**facts, "user_agent.device": "desktop", "language": "de", **({"device": f"device:{device}"} if device else {})}


class Town:
    """The states together with a clock; every login is decided by the shipped policy."""

    def __init__(self, *states: DomainState) -> None:
        self.states: Sequence[DomainState] = states or tuple(make() for make in DOMAIN.states)
        self.now_us = 1_790_000_000_000_000
        self.seq = 0

    def decide(self, account: str, facts: dict[str, Value], flow: str = "") -> KeptDecision:
        """One login."""
        self.seq += 1
        facts = {"account": f"account:{account}", "hour": self.now_us // 3_600_000_000 % 24, **facts, **({"flow": flow} if flow else {})}
        read: dict[str, Value] = {}
        for state in self.states:
            read.update(state.read("login", self.now_us, facts, self.now_us))
        found = judge({**facts, **read}, DOMAIN.detectors, POLICY)
        kept = KeptDecision(
            id=f"l{self.seq}",
            type="login",
            occurred_us=self.now_us,
            facts=facts,
            read=read,
            verdict=found.verdict,
            score=found.score,
            log_odds=found.log_odds,
            reasons=found.reasons,
            line=found.line,
        )
        for state in self.states:
            state.absorb(self.seq, kept, self.now_us)
        return kept

    def note(self, account: str, facts: dict[str, Value], type: str = "login.outcome", **more: Value) -> None:
        """An outcome, or another event."""
        self.seq += 1
        kept = KeptEvent(id=f"e{self.seq}", type=type, occurred_us=self.now_us, facts={"account": f"account:{account}", **facts, **more})
        for state in self.states:
            state.absorb(self.seq, kept, self.now_us)

    def login(self, account: str, facts: dict[str, Value], result: str = "success") -> KeptDecision:
        """A login and how it ended."""
        kept = self.decide(account, facts)
        self.note(account, {"ip": facts.get("ip")}, result=result)
        return kept

    def lives(self, people: int, days: int) -> None:
        """Everybody logs in once a day from home."""
        for _ in range(days):
            for person in range(people):
                self.login(f"p{person}", {**network(10, person % 5, person), **client(f"b{person % 3}", f"d{person}")})
                self.now_us += MINUTE_US
            self.now_us += DAY_US - people * MINUTE_US
