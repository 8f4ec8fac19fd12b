"""DMARC: does an identity that passed belong to the domain in From, and what does that domain ask for? No I/O: yields DNS questions.

    _dmarc.example.com TXT "v=DMARC1; p=reject; sp=none; adkim=s"
    evaluate("news.example.com", [("pass", "example.com")], [])  ->  DmarcResult("fail", policy="none", record_domain="example.com")

Standard: RFC 7489 (discovery §6.6.3, alignment §3.1, evaluation §6.6.2); t=y of the later revision is read as test mode.
The organisational domain comes from the public suffix list that is installed with us (RFC 7489 §3.2); nothing is fetched.
"""

from collections.abc import Generator, Iterable

import msgspec

from wardline.protocols import suffixes, taglist
from wardline.protocols.dns import Answer, Question, a_label, ask, is_hostname

POLICIES = ("none", "quarantine", "reject")


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A published policy. domain: where the record was found. subdomain_policy: sp=, or p= where there is none. percent: pct=. testing: t=y."""

    domain: str
    policy: str
    subdomain_policy: str
    strict_dkim: bool = False
    strict_spf: bool = False
    percent: int = 100
    testing: bool = False
    reports_to: tuple[str, ...] = ()


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """What the DNS said: "found" with the record, "none", "temperror" or "permerror"; the reason is one word."""

    status: str
    record: Record | None = None
    reason: str = ""


class DmarcResult(msgspec.Struct, frozen=True, kw_only=True):
    """result: pass, fail, none (no policy), temperror, permerror. policy: what the record asks for this From domain ("" without a record).

    aligned_by: "dkim", "spf", "dkim,spf" or "". reason: one word for none and the errors. percent: to how many in a hundred it wants the policy applied.
    """

    result: str
    from_domain: str = ""
    policy: str = ""
    record_domain: str = ""
    aligned_by: str = ""
    reason: str = ""
    percent: int = 100
    testing: bool = False


def organisational_domain(domain: str) -> str:
    """The domain one label below the public suffix: "a.b.example.co.uk" -> "example.co.uk". A public suffix itself stays as it is."""
    plain = domain.lower().strip(".")
    if not is_hostname(plain):
        return plain
    return suffixes.organisation(plain) or plain


def aligned(domain: str, from_domain: str, *, strict: bool) -> bool:
    """Whether an authenticated domain stands for the From domain (RFC 7489 §3.1): the same, or relaxed: of the same organisation."""
    one, other = domain.lower().strip("."), from_domain.lower().strip(".")
    if not one or not other:
        return False
    return one == other or (not strict and organisational_domain(one) == organisational_domain(other))


def is_record(text: bytes) -> bool:
    """Whether a TXT record is a DMARC record: "v=DMARC1" as the first tag, in this case (RFC 7489 §6.6.3 step 2)."""
    name, equals, value = text[:256].partition(b";")[0].partition(b"=")
    return bool(equals) and name.strip(b" \t") == b"v" and value.strip(b" \t") == b"DMARC1"


def parse(text: bytes, domain: str) -> Record | None:
    """Reads a record; None when it states no policy that can be used (RFC 7489 §6.6.3 step 6). Errors in other tags mean their defaults (§6.3)."""
    try:
        tags = taglist.parse(text, lenient=True)
    except taglist.TagListProblem:
        return None
    policy = tags.get("p", "").lower()
    wanted_sub = tags.get("sp", policy).lower()
    reports = tuple(uri.strip() for uri in tags.get("rua", "").split(",") if uri.strip().lower().startswith("mailto:"))[:16]
    if policy not in POLICIES or wanted_sub not in POLICIES:
        if not reports:
            return None
        policy = wanted_sub = "none"
    percent = tags.get("pct", "100")
    valid_percent = percent.isascii() and percent.isdigit() and len(percent) <= 3 and int(percent) <= 100
    return Record(
        domain=domain,
        policy=policy,
        subdomain_policy=wanted_sub,
        strict_dkim=tags.get("adkim", "r").lower() == "s",
        strict_spf=tags.get("aspf", "r").lower() == "s",
        percent=int(percent) if valid_percent else 100,
        testing=tags.get("t", "n").lower() == "y",
        reports_to=reports,
    )


def discover(from_domain: str) -> Generator[Question, Answer, Discovery]:
    """Finds the policy of a From domain: its own record, else that of its organisation. Two questions at most."""
    plain = a_label(from_domain)
    if not is_hostname(plain):
        return Discovery(status="none", reason="no_domain")
    organisation = organisational_domain(plain)
    for domain in dict.fromkeys((plain, organisation)):
        answer = yield from ask("_dmarc." + domain, "TXT")
        if answer.failed:
            return Discovery(status="temperror", reason="dns")
        found = [text for text in answer.texts() if is_record(text)]
        if len(found) > 1:
            # Several records are as good as none: "DMARC processing is not applied" (RFC 7489 §6.6.3 step 5).
            return Discovery(status="none", reason="many_records")
        if found:
            record = parse(found[0], domain)
            return Discovery(status="found", record=record) if record else Discovery(status="permerror", reason="record_syntax")
    return Discovery(status="none", reason="no_record")


def judge(from_domain: str, discovery: Discovery, spf: Iterable[tuple[str, str]], dkim: Iterable[tuple[str, str]]) -> DmarcResult:
    """Pure: the policy and the identities to the result. `spf` and `dkim` hold (result, domain) pairs; a temperror that could have aligned
    turns a fail into temperror, because nothing is known then (RFC 7489 §6.6.2)."""
    plain = a_label(from_domain)
    record = discovery.record
    if record is None:
        return DmarcResult(result=discovery.status, from_domain=plain, reason=discovery.reason)
    spf, dkim = list(spf), list(dkim)
    by: list[str] = []
    open_question = False
    for name, identities, strict in (("dkim", dkim, record.strict_dkim), ("spf", spf, record.strict_spf)):
        fitting = [result for result, domain in identities if result in ("pass", "temperror") and aligned(domain, plain, strict=strict)]
        if "pass" in fitting:
            by.append(name)
        open_question = open_question or "temperror" in fitting
    result = "pass" if by else "temperror" if open_question else "fail"
    return DmarcResult(
        result=result,
        from_domain=plain,
        policy=record.policy if record.domain == plain else record.subdomain_policy,
        record_domain=record.domain,
        aligned_by=",".join(by),
        reason="dns" if result == "temperror" else "",
        percent=record.percent,
        testing=record.testing,
    )


def evaluate(from_domain: str, spf: Iterable[tuple[str, str]], dkim: Iterable[tuple[str, str]]) -> Generator[Question, Answer, DmarcResult]:
    """Discovery and judgement in one. `from_domain`: that of the one From mailbox; see `from_domain_problem` for messages with more."""
    discovery = yield from discover(from_domain)
    return judge(from_domain, discovery, spf, dkim)


MAILBOXES_LIMIT = 16


def from_domains(value: str) -> list[str]:
    """The domain of each mailbox in a From field, as A-labels, at most 16: '"a@bank.example" <b@example.com>' -> ["example.com"].

    Quoted strings and comments hold no mailbox. Where brackets stand, what they hold counts, all of them: a piece with two pairs names two senders.
    """
    domains: list[str] = []
    for piece in _outside_strings(value[:65536]).split(",")[:256]:
        brackets = [part.partition(">")[0] for part in piece.split("<")[1:]]
        for mailbox in brackets or [piece.rpartition(":")[2].rstrip("; \t")]:
            _, at, domain = mailbox.strip().rpartition("@")
            if at and len(domains) < MAILBOXES_LIMIT:
                domains.append(a_label(domain))
    return domains


def _outside_strings(value: str) -> str:
    """The value without quoted strings and (nested) comments, in one pass."""
    out: list[str] = []
    depth, quoted, place = 0, False, 0
    while place < len(value):
        character = value[place]
        if character == "\\" and (quoted or depth):
            place += 2
            continue
        if quoted:
            quoted = character != '"'
        elif character == '"' and not depth:
            quoted = True
        elif character == "(":
            depth += 1
        elif character == ")" and depth:
            depth -= 1
        elif not depth:
            out.append(character)
        place += 1
    return "".join(out)


def from_domain_problem(domains: list[str], fields: int) -> str:
    """Why a message cannot be evaluated (RFC 7489 §6.6.1): "" when it can, else no_from, many_from_fields, many_from_domains or no_domain.

    domains: that of each mailbox in From. fields: how many From fields the message has.
    """
    if fields == 0:
        return "no_from"
    if fields > 1:
        return "many_from_fields"
    if len(set(domains)) > 1:
        return "many_from_domains"
    return "" if domains and domains[0] else "no_domain"
