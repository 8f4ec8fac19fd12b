"""When reversals stop a campaign: a test that stays valid however often it is looked at.

    evidence(acted=200, reversed=3)     1.9     log of the evidence that more than WRONG_SHARE of the members were wrong
    stops(acted=200, reversed=9)        True

Each member acted on is one trial; it is a failure when the action is reversed (an appeal, a label, an undo of that one action). With r reversals among n
members the evidence is the mean, over shares p in SHARES, of the likelihood ratio p^r (1-p)^(n-r) / (p0^r (1-p0)^(n-r)), p0 = WRONG_SHARE. If at most
p0 of the members are wrong, independently, this is a test martingale in n, and it passes 1/FALSE_STOP with a probability of at most FALSE_STOP
over the whole life of the campaign (Ville's inequality; Robbins 1970, "Statistical methods related to the law of the iterated logarithm";
Wald's sequential test with a mixture as alternative). Reversals come late and in any order: until one comes its member counts as right, which
makes the evidence only smaller, so the bound holds at every look.
"""

import math

WRONG_SHARE = 0.01
FALSE_STOP = 0.01
SHARES = (0.02, 0.05, 0.1, 0.2, 0.5)


def evidence(acted: int, reversed: int) -> float:
    """Natural logarithm of the evidence. Raises ValueError for counts that cannot be."""
    if not 0 <= reversed <= acted:
        raise ValueError(f"{reversed} reversals among {acted} members cannot be")
    logs = [reversed * math.log(share / WRONG_SHARE) + (acted - reversed) * math.log((1 - share) / (1 - WRONG_SHARE)) for share in SHARES]
    most = max(logs)
    return most + math.log(math.fsum(math.exp(log - most) for log in logs) / len(SHARES))


def stops(acted: int, reversed: int) -> bool:
    """Whether a campaign must stop."""
    return reversed > 0 and evidence(acted, reversed) >= -math.log(FALSE_STOP)


def least(acted: int) -> int:
    """The fewest reversals that stop a campaign of so many members acted on; acted + 1 where none would."""
    return next((count for count in range(1, acted + 1) if stops(acted, count)), acted + 1)
