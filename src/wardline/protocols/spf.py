"""SPF: may this address send for this domain? No I/O: yields DNS questions, receives answers.

    check_host("192.0.2.7", "example.com", "a@example.com", "mx.example.com")  ->  SpfResult("pass", "example.com", mechanism="ip4:192.0.2.0/24")

Standard: RFC 7208 (check_host §4, limits §4.6.4, mechanisms §5, modifiers §6, macros §7). The record's grammar is in spf_record.py.
Bounds: 10 terms that look up, 2 void look-ups, 10 MX or PTR names each, so at most about 120 questions; a caller's budget can be lower,
and an answer "error" then ends in temperror.
"""

import ipaddress
from collections.abc import Generator

import msgspec

from wardline.protocols import spf_record
from wardline.protocols.dns import Answer, Question, address, ask, is_name
from wardline.protocols.spf_record import MacroString, Record, SyntaxProblem, Term

RESULTS = ("none", "neutral", "pass", "fail", "softfail", "temperror", "permerror")
LOOKUP_LIMIT = 10
VOID_LIMIT = 2
NAMES_LIMIT = 10

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class SpfResult(msgspec.Struct, frozen=True):
    """result: one of RESULTS. domain: what was checked. mechanism: the term that decided. problem: why, for the two errors and none."""

    result: str
    domain: str
    mechanism: str = ""
    problem: str = ""
    explanation: str = ""
    lookups: int = 0
    void_lookups: int = 0


class _Problem(Exception):
    """Ends the check with temperror or permerror."""

    def __init__(self, result: str, problem: str) -> None:
        super().__init__(problem)
        self.result = result
        self.problem = problem


class _Check:
    """The state that one check_host shares with the ones it includes: the limits count over all of them (RFC 7208 §4.6.4)."""

    def __init__(self, ip: Address, sender: str, helo: str, receiver: str, now: int, *, explain: bool) -> None:
        self.ip = ip
        self.number = int(ip)
        self.sender = sender
        self.helo = helo
        self.receiver = receiver
        self.now = now
        self.explain = explain
        self.lookups = 0
        self.voids = 0
        self.validated: list[str] | None = None
        self.records: dict[bytes, Record] = {}
        self.explanation = ""
        self.mechanism = ""

    def count_lookup(self) -> None:
        self.lookups += 1
        if self.lookups > LOOKUP_LIMIT:
            raise _Problem("permerror", f"more than {LOOKUP_LIMIT} terms that look up")

    def query(self, name: str, kind: str) -> Generator[Question, Answer, list[str]]:
        """A look-up of a mechanism: an error is temperror, an empty answer counts as void."""
        answer = yield from ask(name, kind)
        if answer.failed:
            raise _Problem("temperror", f"{kind} look-up: {answer.status}")
        records = answer.names()
        if not records:
            self.voids += 1
            if self.voids > VOID_LIMIT:
                raise _Problem("permerror", f"more than {VOID_LIMIT} look-ups without an answer")
        return records

    @property
    def address_type(self) -> str:
        return "A" if self.ip.version == 4 else "AAAA"

    def record(self, domain: str) -> Generator[Question, Answer, Record | None]:
        """The domain's one record, or None (RFC 7208 §4.3 to §4.5)."""
        answer = yield from ask(domain, "TXT")
        if answer.failed:
            raise _Problem("temperror", f"TXT look-up: {answer.status}")
        found = [text for text in answer.texts() if spf_record.is_record(text)]
        if len(found) > 1:
            raise _Problem("permerror", "more than one record")
        if not found:
            return None
        # A record that includes itself is read once.
        if found[0] not in self.records:
            self.records[found[0]] = spf_record.parse(found[0])
        return self.records[found[0]]

    def check(self, domain: str, *, outermost: bool) -> Generator[Question, Answer, str]:
        """check_host for one domain; returns its result, or raises."""
        if not is_mail_domain(domain):
            return "none"
        record = yield from self.record(domain)
        if record is None:
            return "none"
        for term in record.terms:
            if (yield from self.matches(term, domain)):
                if outermost:
                    self.mechanism = term.text
                if term.qualifier == "fail" and outermost:
                    yield from self.fetch_explanation(record, domain)
                return term.qualifier
        if record.redirect is None:
            return "neutral"
        self.count_lookup()
        target = yield from self.target(record.redirect, domain)
        result = yield from self.check(target, outermost=outermost)
        if result == "none":
            raise _Problem("permerror", "redirect to a domain without a record")
        return result

    def matches(self, term: Term, domain: str) -> Generator[Question, Answer, bool]:
        """Whether a mechanism matches (RFC 7208 §5)."""
        if term.mechanism == "all":
            return True
        if term.network is not None:
            return self.ip.version == term.network.version and self.number >> term.network.shift == term.network.head
        self.count_lookup()
        target = domain if term.target is None else (yield from self.target(term.target, domain))
        match term.mechanism:
            case "include":
                return (yield from self.includes(target))
            case "a":
                return self.covers((yield from self.query(target, self.address_type)), term)
            case "mx":
                return (yield from self.matches_mx(target, term))
            case "exists":
                return bool((yield from self.query(target, "A")))
            case _:
                names = yield from self.validated_names()
                wanted = target.lower().removesuffix(".")
                return any(name == wanted or name.endswith("." + wanted) for name in names)

    def includes(self, target: str) -> Generator[Question, Answer, bool]:
        result = yield from self.check(target, outermost=False)
        if result == "none":
            raise _Problem("permerror", "include of a domain without a record")
        return result == "pass"

    def covers(self, addresses: list[str], term: Term) -> bool:
        """Whether one of the addresses, cut to the term's prefix, holds the client."""
        prefix = term.prefix4 if self.ip.version == 4 else term.prefix6
        shift = self.ip.max_prefixlen - prefix
        wanted = self.number >> shift
        for text in addresses:
            try:
                found = ipaddress.ip_address(text)
            except ValueError:
                continue
            if found.version == self.ip.version and int(found) >> shift == wanted:
                return True
        return False

    def matches_mx(self, target: str, term: Term) -> Generator[Question, Answer, bool]:
        exchanges = yield from self.query(target, "MX")
        for place, exchange in enumerate(exchanges):
            if place >= NAMES_LIMIT:
                raise _Problem("permerror", f"more than {NAMES_LIMIT} MX records")
            name = exchange.rpartition(" ")[2].removesuffix(".")
            if not name:
                continue  # "MX 0 ." says that the domain takes no mail (RFC 7505)
            if self.covers((yield from self.query(name, self.address_type)), term):
                return True
        return False

    def validated_names(self) -> Generator[Question, Answer, list[str]]:
        """The client's names that point back to it (RFC 7208 §5.5); an error in any look-up means only that the name is not used."""
        if self.validated is not None:
            return self.validated
        self.validated = []
        answer = yield from ask(self.ip.reverse_pointer, "PTR")
        for name in answer.names()[:NAMES_LIMIT]:
            forward = yield from ask(name, self.address_type)
            if str(self.ip) in forward.names() or self.covers(forward.names(), Term("ptr", "")):
                self.validated.append(name.lower().removesuffix("."))
        return self.validated

    def target(self, parts: MacroString, domain: str) -> Generator[Question, Answer, str]:
        values = yield from self.macro_values(parts, domain)
        return spf_record.shorten(spf_record.expand(parts, values))

    def macro_values(self, parts: MacroString, domain: str) -> Generator[Question, Answer, dict[str, str]]:
        """What the macro letters stand for (RFC 7208 §7.2). %{p} costs look-ups, so it is found out only where it is used."""
        local, _, sender_domain = self.sender.rpartition("@")
        validated = "unknown"
        if any(not isinstance(part, str) and part.letter == "p" for part in parts):
            names = yield from self.validated_names()
            validated = min(names, key=lambda name: (name != domain.lower(), not name.endswith("." + domain.lower())), default="unknown")
        packed = self.ip.packed.hex().upper()
        return {
            "s": self.sender,
            "l": local,
            "o": sender_domain,
            "d": domain,
            "i": str(self.ip) if self.ip.version == 4 else ".".join(packed),
            "p": validated,
            "v": "in-addr" if self.ip.version == 4 else "ip6",
            "h": self.helo,
            "c": str(self.ip),
            "r": self.receiver,
            "t": str(self.now),
        }

    def fetch_explanation(self, record: Record, domain: str) -> Generator[Question, Answer, None]:
        """The sender's own words for a fail (RFC 7208 §6.2). Whatever goes wrong here changes nothing."""
        if not self.explain or record.explanation is None:
            return
        try:
            name = yield from self.target(record.explanation, domain)
            answer = yield from ask(name, "TXT")
            if len(answer.texts()) == 1:
                parts = spf_record.macro_string(answer.texts()[0].decode("ascii"), explaining=True)
                values = yield from self.macro_values(parts, domain)
                self.explanation = spf_record.expand(parts, values)[:512]
        except (SyntaxProblem, UnicodeDecodeError):
            return


def is_mail_domain(domain: str) -> bool:
    """Whether check_host looks at the domain at all: fits the wire and has two labels or more (RFC 7208 §4.3)."""
    plain = domain.removesuffix(".")
    return "." in plain and is_name(plain)


def check_host(
    ip: str,
    domain: str,
    sender: str,
    helo: str,
    *,
    receiver: str = "unknown",
    now: int = 0,
    explain: bool = False,
) -> Generator[Question, Answer, SpfResult]:
    """Checks one identity.

    ip: the client's address. domain: that of MAIL FROM, or the HELO name where MAIL FROM is empty. sender: MAIL FROM, or "postmaster@" and
    the HELO name. receiver, now (seconds since 1970): only for %{r} and %{t} in an explanation, which is fetched only on request.
    Never raises; an unreadable `ip` gives none.
    """
    parsed = address(ip)
    domain = domain.strip()
    if parsed is None:
        return SpfResult("none", domain, problem="no client address")
    local, at, sender_domain = sender.rpartition("@")
    full = f"{local[:256] or 'postmaster'}@{(sender_domain if at else sender) or domain}"[:512]
    check = _Check(parsed, full, helo[:255], receiver, now, explain=explain)
    problem = ""
    try:
        result = yield from check.check(domain, outermost=True)
    except _Problem as stopped:
        result, problem = stopped.result, stopped.problem
    except SyntaxProblem as stopped:
        result, problem = "permerror", str(stopped)
    return SpfResult(result, domain, check.mechanism, problem, check.explanation, check.lookups, check.voids)
