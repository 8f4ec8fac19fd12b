"""The sender's proof: what SPF, DKIM, DMARC and ARC say about who sent this message.

    auth.dmarc "fail" with auth.dmarc_policy "reject"  ->  0.93 "The message fails DMARC, and example.com asks to reject such mail."

Standards: RFC 7208, RFC 6376, RFC 7489, RFC 8617. A pass proves who sent a message, not that it is wanted: it weighs little. What is not
known (no resolver, a time-out) is no opinion.
"""

from wardline.domains.mail.events import Mail
from wardline.engine.detector import Detector
from wardline.engine.feature import Value, Values
from wardline.engine.signal import Signal

FROM_PROBLEMS = {
    "many_from_fields": (0.9, "The message has more than one From field, so that readers may be shown another sender than was checked."),
    "many_from_domains": (0.8, "From names senders of different domains, so that none of them can be held to it."),
    "no_from": (0.7, "The message has no From field."),
    "no_domain": (0.7, "From names no mail domain."),
}
# A failed DMARC by what the domain asks for. Mailing lists and forwarding break it without bad intent, so only a firm policy is firm evidence.
DMARC_SCORES = {"reject": 0.93, "quarantine": 0.87, "none": 0.62}
# pct= below this means the domain itself is still trying its policy out.
FIRM_PERCENT = 100


class Authentication(Detector[Mail]):
    """Judges the values "auth.*"; measures nothing, because looking things up is not a detector's work."""

    name = "authentication"
    reads = (
        "auth.spf",
        "auth.dkim",
        "auth.dkim_domains",
        "auth.dkim_added",
        "auth.dkim_length_limited",
        "auth.dkim_reason",
        "auth.dmarc",
        "auth.dmarc_policy",
        "auth.dmarc_percent",
        "auth.arc_vouches",
        "auth.aligned",
        "auth.from_problem",
        "auth.unknown",
    )
    cost_us = 3.0

    def judge(self, values: Values) -> Signal:
        """The strongest thing that is known, worst first."""
        for opinion in (
            _from_problem(values),
            _dmarc_failure(values),
            _changed(values),
            _spf_failure(values),
            _good(values),
            _broken(values),
        ):
            if opinion is not None:
                return opinion
        return Signal(None, _why_silent(values))


def _from_problem(values: Values) -> Signal | None:
    problem = values.get("auth.from_problem")
    if not isinstance(problem, str) or problem not in FROM_PROBLEMS:
        return None
    score, reason = FROM_PROBLEMS[problem]
    return Signal(score, reason, {"auth.from_problem": problem})


def _dmarc_failure(values: Values) -> Signal | None:
    if values.get("auth.dmarc") != "fail":
        return None
    policy = values.get("auth.dmarc_policy")
    policy = policy if isinstance(policy, str) and policy in DMARC_SCORES else "none"
    score = DMARC_SCORES[policy]
    evidence: dict[str, Value] = {"auth.dmarc": "fail", "auth.dmarc_policy": policy}
    percent = values.get("auth.dmarc_percent")
    if isinstance(percent, int) and percent < FIRM_PERCENT:
        score = min(score, DMARC_SCORES["none"] + (score - DMARC_SCORES["none"]) * percent / 100)
        evidence["auth.dmarc_percent"] = percent
    if values.get("auth.arc_vouches") is True:
        # Anyone can seal a chain: only one whose newest seal is of a forwarder that the site trusts counts, and it does not make the message good.
        return Signal(0.5, "The message fails DMARC here, but a trusted forwarder saw it pass.", {**evidence, "auth.arc_vouches": True})
    wish = {"reject": "reject such mail", "quarantine": "hold such mail back", "none": "take no action"}[policy]
    return Signal(score, f"The message fails DMARC: nothing proves the domain in From, which asks to {wish}.", evidence)


def _changed(values: Values) -> Signal | None:
    added = values.get("auth.dkim_added")
    if isinstance(added, list) and added:
        names = ", ".join(str(name) for name in added[:3])
        return Signal(
            0.85, f"Header fields were added to a signed message ({names}): readers see what nobody signed.", {"auth.dkim_added": added}
        )
    if values.get("auth.dkim_length_limited") is True:
        return Signal(
            0.65, "The signature covers only the beginning of the body: the rest may come from anyone.", {"auth.dkim_length_limited": True}
        )
    return None


def _spf_failure(values: Values) -> Signal | None:
    """SPF counts only where nothing else proves the sender: forwarding breaks it."""
    if values.get("auth.dmarc") == "pass" or values.get("auth.aligned") is True or values.get("auth.arc_vouches") is True:
        return None
    scores = {"fail": 0.76, "softfail": 0.62, "permerror": 0.53}
    spf = values.get("auth.spf")
    if not isinstance(spf, str) or spf not in scores:
        return None
    reasons = {
        "fail": "The sender's domain says that this address may not send its mail (SPF fail).",
        "softfail": "The sender's domain says that this address probably should not send its mail (SPF softfail).",
        "permerror": "The sender's SPF record cannot be used.",
    }
    return Signal(scores[spf], reasons[spf], {"auth.spf": spf})


def _good(values: Values) -> Signal | None:
    if values.get("auth.dmarc") == "pass":
        return Signal(0.42, "The domain in From is proven (DMARC pass).", {"auth.dmarc": "pass"})
    if values.get("auth.aligned") is True:
        return Signal(0.45, "The domain in From is proven by an aligned SPF or DKIM pass.", {"auth.aligned": True})
    return None


def _broken(values: Values) -> Signal | None:
    """A signature that does not hold is worth as much as none (RFC 6376 §6.1); it leans a little only where the message itself was changed."""
    if values.get("auth.dkim") == "fail":
        reason = values.get("auth.dkim_reason")
        return Signal(0.53, "The message is signed, but was changed since.", {"auth.dkim": "fail", "auth.dkim_reason": reason})
    if values.get("auth.dkim") == "permerror":
        return Signal(
            0.52,
            "The message bears a signature that cannot be used.",
            {"auth.dkim": "permerror", "auth.dkim_reason": values.get("auth.dkim_reason")},
        )
    return None


def _why_silent(values: Values) -> str:
    unknown = values.get("auth.unknown")
    names = [str(name) for name in unknown] if isinstance(unknown, list) else []
    if "off" in names:
        return "Not known: no resolver is configured."
    if "submission" in names:
        return "Not checked: the message comes from one of our own users."
    if names:
        return f"Not known: the DNS did not answer in time for {', '.join(names)}."
    if values.get("auth.spf") is None and values.get("auth.dkim") is None:
        return "Not known: the message was not checked."
    return "The sender's domain publishes nothing that this message could pass or fail."
