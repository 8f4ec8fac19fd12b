"""Who really sent this message: SPF, DKIM, DMARC and ARC over one message, to the values "auth.*" that detectors read.

    outcome = await verify(mail.raw, mail.envelope, resolver, now=1763722800)
    outcome.values  ->  {"auth.spf": "pass", "auth.dkim": "pass", "auth.dkim_domains": ["example.com"], "auth.dmarc": "pass", "auth.aligned": True, …}

Either we check ourselves (source "own"), or, where no resolver is given, we take the word of a configured host that did (source
"trusted_header", RFC 8601 §7.1).
What the DNS did not answer in time is not known: its value is None, its name stands in "auth.unknown", and no detector may hold it against anyone.
The answers are handed back for the record: `verify_recorded` rebuilds the same values from them without a network.
"""

import asyncio
import ipaddress
from collections.abc import Callable, Generator, Mapping
from typing import TypeVar

import msgspec

from wardline.domains.mail.events import Envelope
from wardline.engine.feature import Value, bounded
from wardline.protocols import arc, authres, dkim, dmarc
from wardline.protocols.arc import ArcResult
from wardline.protocols.dkim import DkimResult
from wardline.protocols.dkim_message import SplitMessage, split
from wardline.protocols.dmarc import Discovery, DmarcResult
from wardline.protocols.dns import Answer, Question, a_label, address, drive
from wardline.protocols.spf import SpfResult, check_host
from wardline.sources.resolver import Off, Recorded, Resolver, Session, run

Result = TypeVar("Result")

# Above this size hashing takes longer than a turn of the loop should: the checks are stepped in a thread.
THREAD_BYTES = 256 * 1024
TEXT_RECORD_LIMIT = 8192
_LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(text)
    for text in (
        "127.0.0.0/8",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "::1/128",
        "fc00::/7",
        "fe80::/10",
    )
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a site checks.

    deadline_seconds: for all look-ups of one message together. questions: look-ups per message. max_signatures: DKIM signatures looked at.
    trusted_hosts: authserv-ids whose Authentication-Results are believed where no resolver is given; such a host must take out forged fields
    that bear its name.
    trusted_hops: how many Received fields may stand above a trusted field: what lies deeper came with the message.
    trusted_sealers: domains of forwarders and lists whose ARC seals are believed; anyone can seal, so without this a chain that holds proves nothing.
    """

    deadline_seconds: float = 3.0
    questions: int = 60
    max_signatures: int = 5
    trusted_hosts: tuple[str, ...] = ()
    trusted_hops: int = 1
    trusted_sealers: tuple[str, ...] = ()


class Authentication(msgspec.Struct, frozen=True, kw_only=True):
    """What was found. values: "auth.*", bounded as a decision stores them. answers: by Question.key(), for `record`. The rest is for headers and people."""

    values: dict[str, Value]
    answers: dict[str, Answer] = {}
    spf: SpfResult | None = None
    dkim: tuple[DkimResult, ...] = ()
    arc: ArcResult | None = None
    dmarc: DmarcResult | None = None


class _Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be checked of one message, found before the first question."""

    message: SplitMessage
    spf_identity: tuple[str, str, str, str] | None  # address, domain, sender, HELO
    from_domain: str
    from_problem: str
    trusted_sealers: tuple[str, ...] = ()


NAMES = (
    "auth.source",
    "auth.spf",
    "auth.spf_domain",
    "auth.dkim",
    "auth.dkim_domains",
    "auth.dkim_reason",
    "auth.dkim_length_limited",
    "auth.dkim_added",
    "auth.dmarc",
    "auth.dmarc_policy",
    "auth.dmarc_percent",
    "auth.arc",
    "auth.arc_domains",
    "auth.arc_vouches",
    "auth.aligned",
    "auth.from_domain",
    "auth.from_problem",
    "auth.unknown",
)


def nothing(why: str) -> dict[str, Value]:
    """All values unknown, and why in one word: "off", "submission"."""
    return {**dict.fromkeys(NAMES), "auth.unknown": [why]}


def _plan(raw: bytes, envelope: Envelope, settings: Settings) -> _Plan:
    message = split(raw)
    fields = [field.raw.partition(b":")[2] for field in message.fields if field.name == b"from"]
    domains = dmarc.from_domains(fields[0].decode("utf-8", "replace")) if fields else []
    return _Plan(
        message=message,
        spf_identity=_spf_identity(envelope),
        from_domain=domains[0] if domains else "",
        from_problem=dmarc.from_domain_problem(domains, len(fields)),
        trusted_sealers=settings.trusted_sealers,
    )


def _spf_identity(envelope: Envelope) -> tuple[str, str, str, str] | None:
    """What SPF is asked about; None where it has no meaning: no client address, or one of our own network (RFC 7208 §2.4)."""
    client = address(envelope.client_ip)
    if client is None or any(client.version == network.version and client in network for network in _LOCAL_NETWORKS):
        return None
    helo = a_label(envelope.helo)
    mail_from = envelope.mail_from.strip().strip("<>")
    local, at, domain = mail_from.rpartition("@")
    if not at:
        return str(client), helo, f"postmaster@{helo}", helo
    domain = a_label(domain)
    return str(client), domain, f"{local}@{domain}", helo


def _checks(
    plan: _Plan, settings: Settings, now: int | None
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


async def verify(raw: bytes, envelope: Envelope, resolver: Resolver, *, settings: Settings = Settings(), now: int | None) -> Authentication:
    """Checks one message within the deadline; the four checks run side by side. Never raises on any message.

    now: seconds since 1970 when the message came, for expired signatures; None ignores expiry. Mail that our own users hand in is not checked.
    """
    if envelope.direction == "out" or envelope.authenticated_user:
        return Authentication(values=nothing("submission"))
    if isinstance(resolver, Off):
        return from_trusted_host(raw, settings) or Authentication(values=nothing("off"))
    large = len(raw) > THREAD_BYTES
    plan = await asyncio.to_thread(_plan, raw, envelope, settings) if large else _plan(raw, envelope, settings)
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
) -> Authentication:
    """The same from recorded answers, without a network: for feature replay. What was not recorded times out."""
    if envelope.direction == "out" or envelope.authenticated_user:
        return Authentication(values=nothing("submission"))
    recorded = Recorded(answers)
    plan = _plan(raw, envelope, settings)
    spf_check, dkim_check, arc_check, discovery = _checks(plan, settings, now)
    found = (
        drive(spf_check, recorded.lookup),
        drive(dkim_check, recorded.lookup),
        drive(arc_check, recorded.lookup),
        drive(discovery, recorded.lookup),
    )
    return _conclude(plan, *found, dict(answers))


def _conclude(
    plan: _Plan,
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
        "auth.aligned": _aligned(plan, [spf_pair], whole_pairs),
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


def _aligned(plan: _Plan, spf_pairs: list[tuple[str, str]], dkim_pairs: list[tuple[str, str]]) -> bool | None:
    """Whether an identity that passed belongs to the organisation in From, policy or not; None when an open one might."""
    if plan.from_problem:
        return False
    fitting = [result for result, domain in (*spf_pairs, *dkim_pairs) if dmarc.aligned(domain, plan.from_domain, strict=False)]
    if "pass" in fitting:
        return True
    return None if "temperror" in fitting else False


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
    return _from_results(_plan(raw, Envelope(), settings), results) if found else None


_RESULTS = ("pass", "fail", "softfail", "neutral", "none", "permerror")


def _from_results(plan: _Plan, results: list[authres.MethodResult]) -> Authentication:
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
        "auth.aligned": True if proven else _aligned(plan, spf_pairs, dkim_pairs) if spf_pairs or dkim_pairs else None,
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


class Authenticator:
    """What the walk of a message holds: a resolver, the settings, and our name.

    now: the time in whole seconds since 1970, for expired signatures; None ignores expiry.
    """

    def __init__(
        self, resolver: Resolver, *, settings: Settings = Settings(), host_name: str = "", now: Callable[[], int] | None = None
    ) -> None:
        self.resolver = resolver
        self.settings = settings
        self.host_name = host_name
        self._now = now

    async def verify(self, raw: bytes, envelope: Envelope) -> Authentication:
        """Everything that was found, with the answers for the record."""
        return await verify(raw, envelope, self.resolver, settings=self.settings, now=self._now() if self._now else None)

    async def gather(self, raw: bytes, envelope: Envelope) -> dict[str, Value]:
        """The values alone."""
        return (await self.verify(raw, envelope)).values

    def header(self, values: Mapping[str, Value]) -> str:
        """The value of our Authentication-Results field for stored values, or ""."""
        return header(values, self.host_name)
