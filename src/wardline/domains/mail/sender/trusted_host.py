"""Authentication taken from a host that is trusted: its Authentication-Results instead of checks of our own.

    Authentication-Results: border.example.net; spf=pass smtp.mailfrom=example.com; dmarc=pass (p=REJECT) header.from=example.com
    from_trusted_host(raw, Settings(trusted_hosts=("border.example.net",))).values["auth.dmarc"]  ->  "pass"

Standard: RFC 8601 §7.1: a field is believed by its name and by where it stands; the trusted host must take out forged ones that bear its name (§5).
"""

from wardline.domains.mail.events import Envelope
from wardline.domains.mail.sender.proof import Authentication, Plan, Settings, aligned, nothing, plan_of
from wardline.engine.feature import Value, bounded
from wardline.protocols import authres, dmarc
from wardline.protocols.dkim_message import split
from wardline.protocols.dns import a_label


def from_trusted_host(raw: bytes, settings: Settings) -> Authentication | None:
    """What a trusted host says it found; None when none is configured or none of its fields stands high enough in the message."""
    if not settings.trusted_hosts:
        return None
    wanted = {host.lower().rstrip(".") for host in settings.trusted_hosts}
    message = split(raw)
    results: list[authres.MethodResult] = []
    hops = 0
    found = False
    for field in message.fields:
        if field.name == b"received":
            hops += 1
            if hops > settings.trusted_hops:
                break
        elif field.name == b"authentication-results":
            parsed = authres.parse(field.raw.partition(b":")[2])
            if parsed is not None and parsed.authserv_id in wanted:
                found = True
                results.extend(parsed.results)
    return _from_results(plan_of(raw, Envelope(), settings), results) if found else None


_RESULTS = ("pass", "fail", "softfail", "neutral", "none", "permerror")


def _from_results(plan: Plan, results: list[authres.MethodResult]) -> Authentication:
    def of(method: str) -> list[authres.MethodResult]:
        return [one for one in results if one.method == method]

    def first(method: str) -> str | None:
        for one in of(method):
            word = {"hardfail": "fail", "policy": "permerror"}.get(one.result, one.result)
            return word if word in _RESULTS else None
        return None

    dkim_pairs = [(one.result, _domain(one, "header.d", "header.i")) for one in of("dkim")]
    spf_pairs = [(one.result, _domain(one, "smtp.mailfrom", "smtp.mfrom", "smtp.helo")) for one in of("spf")]
    words = {word for word, _ in dkim_pairs}
    dkim_word = next((word for word in ("pass", "fail", "neutral", "permerror", "none") if word in words), None)
    verdict = next(iter(of("dmarc")), None)
    dmarc_word = first("dmarc")
    # A host that read another sender in From than we do has proven nothing about ours.
    same_sender = verdict is None or _domain(verdict, "header.from") in ("", plan.from_domain)
    proven = dmarc_word == "pass" and same_sender and not plan.from_problem
    values: dict[str, Value] = {
        **nothing(""),
        "auth.source": "trusted_header",
        "auth.spf": first("spf"),
        "auth.spf_domain": spf_pairs[0][1] if spf_pairs else None,
        "auth.dkim": dkim_word,
        "auth.dkim_domains": list(dict.fromkeys(domain for word, domain in dkim_pairs if word == "pass" and domain)),
        "auth.dmarc": dmarc_word,
        "auth.dmarc_policy": _stated_policy(verdict) if verdict else None,
        "auth.arc": first("arc"),
        "auth.aligned": True if proven else aligned(plan, spf_pairs, dkim_pairs) if spf_pairs or dkim_pairs else None,
        "auth.from_domain": plan.from_domain,
        "auth.from_problem": plan.from_problem,
        "auth.unknown": [str(name) for name, word in (("spf", first("spf")), ("dkim", dkim_word), ("dmarc", dmarc_word)) if word is None],
    }
    return Authentication(values={name: bounded(value) for name, value in values.items()})


def _domain(result: authres.MethodResult, *names: str) -> str:
    text = next((result.properties[name] for name in names if name in result.properties), "")
    return a_label(text.rpartition("@")[2])


def _stated_policy(result: authres.MethodResult) -> str | None:
    """The policy a host states beside its result: policy.dmarc=reject, or p=REJECT in a comment as large hosts write it."""
    stated = result.properties.get("policy.dmarc", "").lower()
    if stated in dmarc.POLICIES:
        return stated
    for word in result.comment.lower().replace(",", " ").replace(";", " ").split():
        if word.startswith("p=") and word[2:] in dmarc.POLICIES:
            return word[2:]
    return None
