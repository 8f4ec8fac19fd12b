"""What the mail checks ask of the DNS, without doing it: questions out, answers in.

    Question("example.com", "TXT")  ->  Answer("ok", (b"v=spf1 ip4:192.0.2.0/24 -all",))

SPF, DKIM, DMARC and ARC are written as generators that yield a Question and receive an Answer, so that the same code runs
against a resolver, against recorded answers and in tests. Standards: RFC 1035 §2.3.4 (lengths), RFC 2308 (kinds of emptiness).
"""

import ipaddress
from collections.abc import Callable, Generator
from typing import TypeVar

import msgspec

Result = TypeVar("Result")

STATUSES = ("ok", "nxdomain", "empty", "timeout", "error")


class Question(msgspec.Struct, frozen=True):
    """One look-up. `name`: lower case, no trailing dot, labels as they go on the wire (A-labels). `type`: TXT, A, AAAA, MX or PTR."""

    name: str
    type: str

    def key(self) -> str:
        """How a recorded answer is filed: "TXT example.com"."""
        return f"{self.type} {self.name}"


class Answer(msgspec.Struct, frozen=True):
    """What came back.

    status: ok (records follow), nxdomain, empty (the name exists, this type does not), timeout, error (SERVFAIL, garbage, over budget).
    records: TXT as bytes, its strings joined without a space (RFC 7208 §3.3); A and AAAA as address text; MX as "10 mx.example.com";
    PTR as a name. Names in lower case without the trailing dot.
    """

    status: str
    records: tuple[str | bytes, ...] = ()

    @property
    def failed(self) -> bool:
        """True when nothing is known: a time-out or an error, as opposed to an empty answer."""
        return self.status in ("timeout", "error")

    def texts(self) -> list[bytes]:
        """The TXT records."""
        return [record for record in self.records if isinstance(record, bytes)]

    def names(self) -> list[str]:
        """The other records, as text."""
        return [record for record in self.records if isinstance(record, str)]


TIMEOUT = Answer("timeout")
ERROR = Answer("error")
EMPTY = Answer("empty")
NXDOMAIN = Answer("nxdomain")

Check = Generator[Question, Answer, Result]


def drive(check: Generator[Question, Answer, Result], lookup: Callable[[Question], Answer]) -> Result:
    """Runs a check to its end with a plain function that answers. For tests, replay and recorded answers."""
    try:
        question = next(check)
        while True:
            question = check.send(lookup(question))
    except StopIteration as stop:
        result: Result = stop.value
        return result


def ask(name: str, kind: str) -> Generator[Question, Answer, Answer]:
    """Yields one question, with the name in the form that Question promises. A name that cannot exist is answered without asking."""
    plain = name[:-1].lower() if name.endswith(".") else name.lower()
    if not is_name(plain):
        return NXDOMAIN
    return (yield Question(plain, kind))


def is_name(name: str) -> bool:
    """Whether a name fits the wire: 1 to 253 characters, labels of 1 to 63, printable ASCII (RFC 1035 §2.3.4). No trailing dot."""
    if not name or len(name) > 253 or not name.isascii() or not name.isprintable():
        return False
    return all(0 < len(label) <= 63 for label in name.split("."))


def is_hostname(name: str) -> bool:
    """Whether a name can be a mail domain: fits the wire, two labels or more, letters, digits, hyphens and underscores, last label not a number."""
    if not is_name(name) or "." not in name:
        return False
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
        return False
    return not name.rpartition(".")[2].isdigit()


def a_label(name: str) -> str:
    """A domain as the DNS holds it: lower case, no surrounding space or trailing dot, Unicode labels as A-labels (RFC 5891). "" when it has no such form."""
    name = name.strip().rstrip(".").lower()
    if len(name) > 1024:
        return ""
    if name.isascii():
        return name
    try:
        import idna

        return idna.encode(name, uts46=True).decode("ascii").lower()
    except (UnicodeError, ValueError):
        return ""


def address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An IP address, an IPv4 one mapped into IPv6 as plain IPv4 ("::ffff:192.0.2.1"). None when the text is none, or names a scope."""
    if len(text) > 45 or "%" in text:
        return None
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return parsed.ipv4_mapped
    return parsed
