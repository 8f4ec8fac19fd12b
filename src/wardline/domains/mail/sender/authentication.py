"""Who really sent this message: SPF, DKIM, DMARC and ARC over one message, to the values "auth.*" that detectors read.

    outcome = await verify(mail.raw, mail.envelope, resolver, now=1763722800)
    outcome.values  ->  {"auth.spf": "pass", "auth.dkim": "pass", "auth.dkim_domains": ["example.com"], "auth.dmarc": "pass", "auth.aligned": True, …}

Either we check ourselves (source "own"), or, where no resolver is given, we take the word of a configured host that did (source
"trusted_header", RFC 8601 §7.1).
What the DNS did not answer in time is not known: its value is None, its name stands in "auth.unknown", and no detector may hold it against anyone.
The answers are handed back for the record: `verify_recorded` rebuilds the same values from them without a network.
"""

import asyncio
from collections.abc import Generator, Mapping
from typing import TypeVar

from wardline.domains.mail.events import Envelope
from wardline.domains.mail.sender.proof import NAMES, OFF, Authentication, Plan, Settings, aligned, nothing, plan_of
from wardline.domains.mail.sender.trusted_host import from_trusted_host
from wardline.engine.feature import Value, bounded
from wardline.protocols import arc, authres, dkim, dmarc
from wardline.protocols.arc import ArcResult
from wardline.protocols.dkim import DkimResult
from wardline.protocols.dmarc import Discovery, DmarcResult
from wardline.protocols.dns import Answer, Question, drive
from wardline.protocols.spf import SpfResult, check_host
from wardline.sources.resolver import Off, Recorded, Resolver, Session, run

__all__ = [
    "NAMES",
    "OFF",
    "Authentication",
    "Settings",
    "from_record",
    "header",
    "nothing",
    "record",
    "relevant",
    "verify",
    "verify_recorded",
]

Result = TypeVar("Result")

# Above this size hashing takes longer than a turn of the loop should: the checks are stepped in a thread.
THREAD_BYTES = 256 * 1024
TEXT_RECORD_LIMIT = 8192


def _checks(
    plan: Plan, settings: Settings, now: int | None
) -> tuple[
    Generator[Question, Answer, SpfResult | None],
    Generator[Question, Answer, list[DkimResult]],
    Generator[Question, Answer, ArcResult],
    Generator[Question, Answer, Discovery],
]:
    return (
        _check_spf(plan.spf_identity),
        dkim.verify(plan.message, now=now, max_signatures=settings.max_signatures),
        arc.verify(plan.message),
        dmarc.discover(plan.from_domain),
    )


def _check_spf(identity: tuple[str, str, str, str] | None) -> Generator[Question, Answer, SpfResult | None]:
    if identity is None:
        return None
    return (yield from check_host(*identity))


async def verify(
    raw: bytes, envelope: Envelope, resolver: Resolver, *, settings: Settings = Settings(), now: int | None, whole: bool = True
) -> Authentication:
    """Checks one message within the deadline; the four checks run side by side. Never raises on any message.

    now: seconds since 1970 when the message came, for expired signatures; None ignores expiry. whole: False when `raw` is only head and
    tail of the message: then no signature can be held against it. Mail that our own users hand in is not checked.
    """
    if envelope.direction == "out" or envelope.authenticated_user:
        return Authentication(values=nothing("submission"))
    if isinstance(resolver, Off):
        return from_trusted_host(raw, settings) or Authentication(values=nothing(OFF))
    large = len(raw) > THREAD_BYTES
    plan = (
        await asyncio.to_thread(plan_of, raw, envelope, settings, whole=whole) if large else plan_of(raw, envelope, settings, whole=whole)
    )
    session = Session(resolver, budget=settings.questions, keep=relevant)

    async def result(check: Generator[Question, Answer, Result]) -> Result:
        return (await run(check, session, deadline_seconds=settings.deadline_seconds, threaded=large))[0]

    spf_check, dkim_check, arc_check, discovery = _checks(plan, settings, now)
    found = await asyncio.gather(result(spf_check), result(dkim_check), result(arc_check), result(discovery))
    return _conclude(plan, *found, session.answers)


def verify_recorded(
    raw: bytes,
    envelope: Envelope,
    answers: Mapping[str, Answer],
    *,
    settings: Settings = Settings(),
    now: int | None,
    whole: bool = True,
) -> Authentication:
    """The same from recorded answers, without a network: for feature replay. What was not recorded times out."""
    if envelope.direction == "out" or envelope.authenticated_user:
        return Authentication(values=nothing("submission"))
    recorded = Recorded(answers)
    plan = plan_of(raw, envelope, settings, whole=whole)
    spf_check, dkim_check, arc_check, discovery = _checks(plan, settings, now)
    found = (
        drive(spf_check, recorded.lookup),
        drive(dkim_check, recorded.lookup),
        drive(arc_check, recorded.lookup),
        drive(discovery, recorded.lookup),
    )
    return _conclude(plan, *found, dict(answers))


def _conclude(
    plan: Plan,
    spf_result: SpfResult | None,
    dkim_results: list[DkimResult],
    arc_result: ArcResult,
    discovery: Discovery,
    answers: dict[str, Answer],
) -> Authentication:
    """Pure: the four results to the values."""
    # An SPF that could not be asked might have aligned: for DMARC it is as open as one that timed out.
    spf_domain = plan.from_domain if spf_result is None else spf_result.domain
    spf_pair = ("temperror" if spf_result is None else spf_result.result, spf_domain)
    dkim_pairs = [(one.result, one.domain) for one in dkim_results]
    if plan.from_problem:
        dmarc_result = DmarcResult(result="permerror", from_domain=plan.from_domain, reason=plan.from_problem)
    else:
        dmarc_result = dmarc.judge(plan.from_domain, discovery, [spf_pair], dkim_pairs)
    passed = [one for one in dkim_results if one.result == "pass"]
    # A signature that leaves a part of the body open, or fields that were added, holds; but what it holds is not this message.
    whole = [one for one in passed if not one.length_limited and not one.added]
    whole_pairs = [(one.result, one.domain) for one in dkim_results if one.result == "temperror" or one in whole]
    summary = _dkim_summary(dkim_results)
    unknown = [
        name
        for name, result in (("spf", spf_pair[0]), ("dkim", summary), ("dmarc", dmarc_result.result), ("arc", arc_result.result))
        if result == "temperror"
    ]
    reasons = [one.reason for one in dkim_results if one.reason]
    values: dict[str, Value] = {
        "auth.source": "own",
        "auth.spf": _known(spf_pair[0]),
        "auth.spf_domain": None if spf_result is None else spf_result.domain,
        "auth.dkim": _known(summary),
        "auth.dkim_domains": list(dict.fromkeys(one.domain for one in whole)),
        "auth.dkim_reason": reasons[0] if reasons and not passed else "",
        "auth.dkim_length_limited": any(one.length_limited for one in passed),
        "auth.dkim_added": list(dict.fromkeys(name for one in passed for name in one.added)),
        "auth.dmarc": _known(dmarc_result.result),
        "auth.dmarc_policy": ("none" if dmarc_result.testing else dmarc_result.policy) if dmarc_result.policy else None,
        "auth.dmarc_percent": dmarc_result.percent if dmarc_result.policy else None,
        "auth.arc": _known(arc_result.result),
        "auth.arc_domains": list(arc_result.domains),
        "auth.arc_vouches": _vouches(arc_result, plan.trusted_sealers),
        "auth.aligned": aligned(plan, [spf_pair], whole_pairs),
        "auth.from_domain": plan.from_domain,
        "auth.from_problem": plan.from_problem,
        "auth.unknown": list(unknown),
    }
    return Authentication(
        values={name: bounded(value) for name, value in values.items()},
        answers=answers,
        spf=spf_result,
        dkim=tuple(dkim_results),
        arc=arc_result,
        dmarc=dmarc_result,
    )


def _known(result: str) -> str | None:
    return None if result == "temperror" else result


def _dkim_summary(results: list[DkimResult]) -> str:
    """One word for all signatures: the best; a signature that could not be checked may yet be good, so it comes before those that are not."""
    # A domain that says it is testing (t=y) wants its broken signatures taken for none (RFC 6376 §3.6.1).
    found = {one.result for one in results if one.result == "pass" or not one.testing}
    return next((word for word in ("pass", "temperror", "fail", "permerror") if word in found), "none")


def _vouches(found: ArcResult, trusted: tuple[str, ...]) -> bool | None:
    """Whether a forwarder that we trust saw this message pass DMARC before it was changed (RFC 8617 §7.2.1); None when the chain could not be checked."""
    if found.result != "pass":
        return None if found.result == "temperror" else False
    if found.domain not in {sealer.lower().rstrip(".") for sealer in trusted}:
        return False
    seen = authres.parse(found.results)
    return seen is not None and any(one.result == "pass" for one in seen.of("dmarc"))


def relevant(question: Question, answer: Answer) -> Answer:
    """Drops the TXT records that no check reads (site verifications and such) and those over 8 KB: answers are stored with the decision."""
    if question.type != "TXT" or answer.status != "ok":
        return answer
    everything = "._domainkey." in question.name
    kept = tuple(
        text
        for text in answer.texts()
        if len(text) <= TEXT_RECORD_LIMIT and (everything or text[:8].lower().startswith((b"v=spf1", b"v=dmarc1", b"v ")))
    )
    return Answer("ok", kept) if kept else Answer("empty")


def record(answers: Mapping[str, Answer]) -> dict[str, list[str]]:
    """Answers as JSON holds them: {"TXT example.com": ["ok", "v=spf1 -all"]}; TXT bytes become the characters of the same numbers."""
    return {
        key: [answer.status, *(text.decode("latin-1") if isinstance(text, bytes) else text for text in answer.records)]
        for key, answer in answers.items()
    }


def from_record(recorded: Mapping[str, list[str]]) -> dict[str, Answer]:
    """The inverse of `record`."""
    answers: dict[str, Answer] = {}
    for key, (status, *texts) in recorded.items():
        answers[key] = Answer(status, tuple(text.encode("latin-1") if key.startswith("TXT ") else text for text in texts))
    return answers


def header(values: Mapping[str, Value], our_name: str) -> str:
    """The value of the Authentication-Results field that we write (RFC 8601), from stored values; "" when we checked nothing ourselves."""
    if values.get("auth.source") != "own" or not our_name:
        return ""

    def text(name: str) -> str:
        value = values.get("auth." + name)
        return value if isinstance(value, str) else ""

    unknown = values.get("auth.unknown")
    open_checks = unknown if isinstance(unknown, list) else []

    def result(method: str, properties: dict[str, str], reason: str = "", comment: str = "") -> list[authres.MethodResult]:
        word = text(method) or ("temperror" if method in open_checks else "")
        return (
            [authres.MethodResult(method, word, {name: stated for name, stated in properties.items() if stated}, reason, comment)]
            if word
            else []
        )

    domains = values.get("auth.dkim_domains")
    signed = [str(domain) for domain in domains] if isinstance(domains, list) else []
    results = result("spf", {"smtp.mailfrom": text("spf_domain")})
    results += [authres.MethodResult("dkim", "pass", {"header.d": domain}) for domain in signed] or result("dkim", {}, text("dkim_reason"))
    results += result("dmarc", {"header.from": text("from_domain")}, comment=f"p={text('dmarc_policy')}" if text("dmarc_policy") else "")
    results += result("arc", {}) if text("arc") != "none" else []
    return authres.format_results(our_name, results)
