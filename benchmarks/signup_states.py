"""What the graph, the bursts and what comes back cost per sign-up as history grows: CPU time of read and absorb, by tens of thousands. And the second look: to keep
a sign-up for it, and to look at a login of an account that is kept.

    python benchmarks/signup_states.py 300000

Half of the events are strangers, a tenth are one farm, the rest share addresses and browsers as people do; every account has its own keys.
"""

import argparse
import random
import time

from wardline.domains.login.recipe import login
from wardline.domains.signup.hindsight import SignupHindsight
from wardline.domains.signup.recipe import signup
from wardline.engine.feature import Value
from wardline.engine.kept import KeptDecision, KeptEvent
from wardline.engine.walk.points import make_states

START_US = 1_790_000_000_000_000


def event(number: int, draw: random.Random) -> KeptEvent:
    """The number-th sign-up."""
    farm = draw.random() < 0.1
    network = draw.randrange(20_000)
    facts: dict[str, Value] = {
        "account": f"account:{number:024x}",
        "ip": f"ip:{network * 64 + draw.randrange(64):024x}",
        "ip.prefix24": f"network:{network:024x}",
        "ip.prefix16": f"network:{network >> 8:024x}",
        "device": "device:farm" if farm else f"device:{number:024x}",
        "email": f"email:{number:024x}",
        "user_agent": f"template:{int(draw.paretovariate(1.1)) % 4000:024x}",
        "screen": f"{draw.randrange(40)}x900",
        "language": ("de", "en", "fr", "pl")[draw.randrange(4)],
        "timezone": ("Europe/Vienna", "Europe/Paris", "Europe/Warsaw")[draw.randrange(3)],
        "name.stem": f"account:{int(draw.paretovariate(0.9)) % 500_000:024x}",
        "name.shape": ("a", "a0", "a.a", "a.a0")[draw.randrange(4)],
        "name.length": 4 + draw.randrange(14),
        "name.digits": draw.randrange(5),
        "email.domain": f"mail{int(draw.paretovariate(1.0)) % 300}.example.com",
        "email.number": ("none", "year", "2", "4")[draw.randrange(4)],
        "phone": f"phone:{number:024x}",
        "email.shape": ("a", "a0", "a.a", "a.a0")[draw.randrange(4)],
        "form_ms": 5000 + draw.randrange(60_000),
    }
    return KeptEvent(id=str(number), type="signup", occurred_us=START_US + number * 60_000_000, facts=facts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("signups", nargs="?", type=int, default=100_000)
    count = parser.parse_args().signups
    domain, arrivals = signup(), login()
    made = make_states((domain, arrivals))
    states = made[domain.point]
    look = next(state for state in made[arrivals.point] if isinstance(state, SignupHindsight))
    draw, spent, names = random.Random(7), dict.fromkeys((*(state.name for state in states), "kept", "look"), 0.0), []
    for number in range(1, count + 1):
        one = event(number, draw)
        read: dict[str, Value] = {}
        for state in states:
            begun = time.process_time()
            read.update(state.read(one.type, one.occurred_us, one.facts, one.occurred_us))
            spent[state.name] += time.process_time() - begun
        kept = KeptDecision(
            id=one.id, type=one.type, occurred_us=one.occurred_us, facts=one.facts, read=read, verdict="allow", score=0.02, log_odds=-4.0
        )
        for state in states:
            begun = time.process_time()
            state.absorb(number, kept, one.occurred_us)
            spent[state.name] += time.process_time() - begun
        begun = time.process_time()
        look.absorb(number, kept, one.occurred_us)
        spent["kept"] += time.process_time() - begun
        names.append(str(one.facts["account"]))
        facts: dict[str, Value] = {"account": names[-1 - draw.randrange(min(len(names), 20_000))]}
        begun = time.process_time()
        look.read("login", one.occurred_us, facts, one.occurred_us)
        spent["look"] += time.process_time() - begun
        if number % max(count // 10, 1) == 0:
            print(f"{number:9d}: " + ", ".join(f"{name} {1e6 * part / max(count // 10, 1):.1f} us" for name, part in spent.items()))
            spent = dict.fromkeys(spent, 0.0)


if __name__ == "__main__":
    main()
