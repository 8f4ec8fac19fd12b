"""The DNS, for the checks: asks one resolver over UDP and TCP, remembers answers, and keeps every message within a budget and a deadline.

    resolver = from_address("127.0.0.1:5353")            # "off" gives Off(), which knows nothing
    result, answers = await run(spf.check_host("192.0.2.7", "example.com", "a@example.com", "mx"), Session(resolver), deadline_seconds=2.0)

Standards: RFC 1035, RFC 7766 (TCP when truncated), RFC 2308 (empty answers are remembered too), RFC 5452 (id, port and question must match: a
datagram that does not is ignored and the wait goes on). The resolver is trusted to validate; nothing is ever asked of any other address.
The library is loaded with a resolver, not with this module: most commands ask none.
"""

import asyncio
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from wardline.protocols.dns import EMPTY, ERROR, NXDOMAIN, TIMEOUT, Answer, Question, address

if TYPE_CHECKING:
    import dns.message
    import dns.name
    import dns.rrset

Result = TypeVar("Result")

VARIABLE = "WARDLINE_RESOLVER"
# Records of one answer that are kept: nobody's policy needs more.
RECORDS_LIMIT = 100
# Bytes of one message's answers that are kept: they are stored with the decision.
SESSION_BYTES_LIMIT = 65536
TTL_LIMIT_SECONDS = 3600
EMPTY_TTL_SECONDS = 60
FAILED_TTL_SECONDS = 5
_TYPES = frozenset({"TXT", "A", "AAAA", "MX", "PTR"})


class ResolverError(ValueError):
    """A resolver address that cannot be read; the message says what it should look like."""


class Resolver(Protocol):
    """Anything that answers. Never raises: what goes wrong is an answer "timeout" or "error"."""

    async def ask(self, question: Question) -> Answer:
        """One question, one answer."""
        ...


class Off:
    """No DNS: every question times out at once, so that every check has no opinion."""

    async def ask(self, question: Question) -> Answer:
        """Always TIMEOUT."""
        return TIMEOUT


class Recorded:
    """Answers that were recorded with a decision, by Question.key(). What was not recorded times out, and is counted in `missed`."""

    def __init__(self, answers: Mapping[str, Answer]) -> None:
        self._answers = dict(answers)
        self.missed = 0

    def lookup(self, question: Question) -> Answer:
        """The same without a loop, for `protocols.dns.drive`."""
        answer = self._answers.get(question.key())
        if answer is None:
            self.missed += 1
            return TIMEOUT
        return answer

    async def ask(self, question: Question) -> Answer:
        """The recorded answer."""
        return self.lookup(question)


class UdpResolver:
    """Asks one server, by UDP and, where the answer is cut, by TCP. Caches within `cache_size` answers by their TTL.

    address: "192.0.2.53", "192.0.2.53:5353" or "[2001:db8::53]:5353". timeout_seconds: for one attempt. clock: seconds, monotonic.
    Equal questions in flight share one look-up. At most `parallel` are on the wire at once; others wait, within their deadline.
    """

    def __init__(
        self,
        server: str,
        *,
        timeout_seconds: float = 2.0,
        attempts: int = 2,
        cache_size: int = 20_000,
        parallel: int = 256,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        import dns.asyncquery  # noqa: F401 - now, so that no question waits for it

        self.host, self.port = parse_address(server)
        self._timeout = timeout_seconds
        self._attempts = attempts
        self._cache_size = cache_size
        self._clock = clock
        self._cache: OrderedDict[Question, tuple[float, Answer]] = OrderedDict()
        self._flights: dict[Question, asyncio.Task[Answer]] = {}
        self._slots = asyncio.Semaphore(parallel)

    async def ask(self, question: Question) -> Answer:
        """The answer, from memory or the server."""
        cached = self._cache.get(question)
        if cached is not None:
            if cached[0] > self._clock():
                self._cache.move_to_end(question)
                return cached[1]
            del self._cache[question]
        flight = self._flights.get(question)
        if flight is None:
            flight = asyncio.create_task(self._fetch(question))
            self._flights[question] = flight
            flight.add_done_callback(lambda _: self._flights.pop(question, None))
        # One caller that gives up must not take the answer away from the others, nor from the cache.
        return await asyncio.shield(flight)

    async def _fetch(self, question: Question) -> Answer:
        async with self._slots:
            answer, ttl_seconds = await self._exchange(question)
        self._cache[question] = (self._clock() + ttl_seconds, answer)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return answer

    async def _exchange(self, question: Question) -> tuple[Answer, float]:
        import dns.asyncquery
        import dns.exception

        query = make_query(question)
        if query is None:
            return NXDOMAIN, TTL_LIMIT_SECONDS
        last = TIMEOUT
        for _ in range(self._attempts):
            try:
                response, _ = await dns.asyncquery.udp_with_fallback(
                    query, self.host, port=self.port, timeout=self._timeout, ignore_unexpected=True, ignore_errors=True
                )
            except dns.exception.Timeout:
                last = TIMEOUT
                continue
            except Exception:  # refused, unreachable, unreadable: hostile bytes went through a library, and whatever it raises is no answer
                last = ERROR
                continue
            try:
                answer, ttl_seconds = read_response(question, response)
            except Exception:  # the same: a well-formed message may still hold records that cannot be read
                answer, ttl_seconds = ERROR, FAILED_TTL_SECONDS
            if answer.status != "error":
                return answer, ttl_seconds
            last = answer
        return last, FAILED_TTL_SECONDS


def make_query(question: Question) -> "dns.message.QueryMessage | None":
    """The message to send; None for a name that has no place on the wire. Labels go as they are: no escapes are read in them."""
    import dns.exception
    import dns.message
    import dns.name

    if question.type not in _TYPES:
        return None
    try:
        labels = [label.encode("ascii") for label in question.name.split(".")]
        name = dns.name.Name([*labels, b""])
        return dns.message.make_query(name, question.type, use_edns=0, payload=1232)
    except (dns.exception.DNSException, UnicodeError, KeyError, ValueError):
        return None


def read_response(question: Question, response: "dns.message.Message") -> tuple[Answer, float]:
    """A response to an answer and how many seconds it may be remembered."""
    import dns.exception
    import dns.message
    import dns.rcode

    code = response.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return ERROR, FAILED_TTL_SECONDS
    try:
        chain = response.resolve_chaining() if isinstance(response, dns.message.QueryMessage) else None
    except dns.exception.DNSException:
        return ERROR, FAILED_TTL_SECONDS
    if chain is None:
        return ERROR, FAILED_TTL_SECONDS
    ttl_seconds = float(min(chain.minimum_ttl, TTL_LIMIT_SECONDS))
    if chain.answer is not None:
        records = _records(question.type, chain.answer)
        if records:
            return Answer("ok", records), ttl_seconds
    return (NXDOMAIN if code == dns.rcode.NXDOMAIN else EMPTY), max(min(ttl_seconds, EMPTY_TTL_SECONDS), 1.0)


def _records(kind: str, rrset: "dns.rrset.RRset") -> tuple[str | bytes, ...]:
    records: list[str | bytes] = []
    for record in rrset:
        if kind == "TXT":
            records.append(b"".join(record.strings))
        elif kind == "MX":
            records.append(f"{record.preference} {_name(record.exchange)}")
        elif kind == "PTR":
            records.append(_name(record.target))
        else:
            records.append(str(record.address))
    # The server may hand records out in any order; a decision must not depend on it.
    records.sort(key=_order if kind == "MX" else str)
    return tuple(records[:RECORDS_LIMIT])


def _order(record: str | bytes) -> tuple[int, str]:
    preference, _, exchange = str(record).partition(" ")
    return int(preference), exchange


def _name(name: "dns.name.Name") -> str:
    """A name in lower case without the trailing dot; one with odd bytes becomes something that no check matches."""
    return b".".join(name.labels).decode("ascii", "backslashreplace").removesuffix(".").lower()


def parse_address(text: str) -> tuple[str, int]:
    """ "127.0.0.1:5353" -> ("127.0.0.1", 5353); the port is 53 where none stands. Raises ResolverError."""
    host, port = text.strip(), "53"
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":") or "53"
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    if address(host) is None or not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        raise ResolverError(
            f"{text!r} is no resolver: write an IP address with or without a port, such as 127.0.0.1:53 or [::1]:53, or off"
        )
    return host, int(port)


def from_address(text: str | None = None, *, timeout_seconds: float = 2.0) -> Resolver:
    """The resolver that the configuration names, else $WARDLINE_RESOLVER, else none: "off" or "" gives Off. Raises ResolverError.

    timeout_seconds: for one question with both its attempts, so that a lost datagram is asked for again before the time is up.
    """
    chosen = text if text else os.environ.get(VARIABLE, "")
    if chosen.strip().lower() in ("", "off", "none"):
        return Off()
    return UdpResolver(chosen, timeout_seconds=timeout_seconds / 2, attempts=2)


class Session:
    """The look-ups of one message: each question is asked once and every answer is kept, for the record.

    After `budget` questions, or 64 KB of answers, the answer is "error". keep: takes out of an answer what no check reads.
    """

    def __init__(
        self, resolver: Resolver, *, budget: int = 60, keep: Callable[[Question, Answer], Answer] = lambda _, answer: answer
    ) -> None:
        self._resolver = resolver
        self._left = budget
        self._keep = keep
        self._bytes_left = SESSION_BYTES_LIMIT
        self.answers: dict[str, Answer] = {}

    async def ask(self, question: Question, until: float) -> Answer:
        """The answer, or TIMEOUT at `until` (seconds of the loop's clock). Whatever is answered here is what a replay will see."""
        key = question.key()
        known = self.answers.get(key)
        if known is not None:
            return known
        if self._left <= 0:
            answer = ERROR
        else:
            self._left -= 1
            answer = self._keep(question, await self._within(question, until))
        if key not in self.answers:
            # Another check of the same message may have asked meanwhile: the first answer stays, so that the record is one.
            self._bytes_left -= sum(len(record) for record in answer.records)
            self.answers[key] = answer if self._bytes_left >= 0 else ERROR
        return self.answers[key]

    async def _within(self, question: Question, until: float) -> Answer:
        left = until - asyncio.get_running_loop().time()
        if left <= 0:
            return TIMEOUT
        try:
            async with asyncio.timeout(left):
                return await self._resolver.ask(question)
        except TimeoutError:
            return TIMEOUT


async def run(
    check: Generator[Question, Answer, Result], session: Session, *, deadline_seconds: float, threaded: bool = False
) -> tuple[Result, dict[str, Answer]]:
    """Runs a check to its end: (its result, all answers of the session). After the deadline every answer is "timeout", so that the check ends by itself.

    threaded: steps the check in a thread, for one that hashes a large message.
    """
    until = asyncio.get_running_loop().time() + deadline_seconds

    def step(answer: Answer | None) -> Question | _Done[Result]:
        try:
            return next(check) if answer is None else check.send(answer)
        except StopIteration as stop:
            return _Done(stop.value)

    answer: Answer | None = None
    while True:
        outcome = await asyncio.to_thread(step, answer) if threaded else step(answer)
        if isinstance(outcome, _Done):
            return outcome.result, session.answers
        answer = await session.ask(outcome, until)


class _Done(Generic[Result]):
    """A check's end, told apart from its questions: StopIteration cannot leave a thread."""

    def __init__(self, result: Result) -> None:
        self.result = result
