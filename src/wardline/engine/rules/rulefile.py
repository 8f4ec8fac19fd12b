"""A rule as its owner writes it: one YAML file with the condition, its reason, its counters, its cases.

    rule: many_failures_from_one_network
    point: login
    owner: ada
    expires: 2027-03-01
    counters:
      failures_network_10m: {count: login.outcome, by: ip.prefix24, where: 'result == "wrong_password"', window: 10m}
    when: failures_network_10m > 20
    verdict: challenge
    obligations: [{challenge: totp_or_email, ttl_seconds: 600}]
    reason: "{failures_network_10m} wrong passwords came from this network within ten minutes."
    cases:
      - {given: {failures_network_10m: 21}, expect: hit}
      - {given: {failures_network_10m: 20}, expect: miss}
      - {given: {}, expect: unknown}

Everything is checked before anything runs: keys, names, types, cost, verdict, and the cases by running them. RuleFileError says which file,
which key, what to do.
"""

import datetime
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import yaml

from wardline.engine.counting.counter import Counter, CounterError, parse_counter
from wardline.engine.counting.counters import CAPACITY_MIN_BYTES, Counters
from wardline.engine.feature import Value
from wardline.engine.policy import NoAliases
from wardline.engine.rule import Rule, RuleError, RuleSet

SIZE_LIMIT_BYTES = 64 * 1024
CASES_LIMIT = 200
COUNTERS_LIMIT = 8
_NAME = re.compile(r"[a-z][a-z0-9_]{2,63}")
_FIELD = re.compile(r"[a-z][a-z0-9_]{0,31}")
TYPES = ("number", "text", "bool", "list")


class RuleFileError(ValueError):
    """A rule that cannot be taken: which file, which key, what is wrong, what to do."""


class Case(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values, and what the rule must say of them; a name that is not given is unknown."""

    given: dict[str, Any]
    expect: Literal["hit", "miss", "unknown"]


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The file as written."""

    rule: str
    point: str
    owner: str
    expires: datetime.date
    when: str
    verdict: str
    reason: str
    obligations: list[dict[str, Any]] = []
    counters: dict[str, dict[Any, Any]] = {}  # YAML 1.1 reads the bare word `on` as true
    fields: dict[str, str] = {}  # fields of the operator's own that the condition reads as field.NAME: number, text or bool
    cases: list[Case] = []
    canary_by: str = ""  # which entity a canary takes its share of; "" for the point's own


class RuleFile(msgspec.Struct, frozen=True):
    """A rule that passed every check. `digest` names the text; `counters` are the declarations that it brings."""

    written: Written
    text: str
    digest: str
    counters: tuple[Counter, ...]
    names: dict[str, str]
    canary_by: str
    cost: int = 0  # of its condition, in comparisons

    @property
    def name(self) -> str:
        """The rule's name."""
        return self.written.rule

    @property
    def expires_us(self) -> int:
        """The end of its last day, UTC, in microseconds since the epoch."""
        return (self.written.expires.toordinal() + 1 - datetime.date(1970, 1, 1).toordinal()) * 86_400_000_000

    def rule(self, name: str | None = None) -> Rule:
        """The rule as the language takes it, under its own name or another."""
        return Rule(name=name or self.name, when=self.written.when, reason=self.written.reason)


def read_rule(text: bytes, source: str) -> Written:
    """The file's content in its shape; nothing is checked yet beyond keys and types. Raises RuleFileError."""
    if len(text) > SIZE_LIMIT_BYTES:
        raise RuleFileError(f"{source}: {len(text)} bytes; a rule has at most {SIZE_LIMIT_BYTES}")
    try:
        text.decode()
    except UnicodeDecodeError as error:
        raise RuleFileError(f"{source}: not UTF-8 from byte {error.start} on: save the file as UTF-8") from None
    try:
        document = yaml.load(text, Loader=NoAliases)  # noqa: S506 - a SafeLoader without aliases
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise RuleFileError(f"{source}: not valid YAML: {' '.join(str(error).split())[:300]}") from None
    if not isinstance(document, dict):
        raise RuleFileError(
            f"{source}: a rule is a list of keys such as rule, point, owner, when, verdict, reason; see docs/write-a-rule.md"
        )
    try:
        return msgspec.convert(document, Written)
    except (msgspec.ValidationError, RecursionError) as error:
        raise RuleFileError(f"{source}: {error}") from None


def check_rule(
    text: bytes,
    source: str,
    known: Mapping[str, Mapping[str, str]],
    verdicts: Mapping[str, Sequence[str]],
    canary_by: Mapping[str, str] | None = None,
) -> RuleFile:
    """Read and check a rule, cases included. known: per decision point, the names that a rule may read, with their types; verdicts: per
    point, mildest first; canary_by: per point, the entity that canaries take their share of, "account" where nothing is said. Raises
    RuleFileError.
    """
    written = read_rule(text, source)
    string = text.decode()
    if not _NAME.fullmatch(written.rule):
        raise RuleFileError(f"{source}: rule: {written.rule[:64]!r} is no name; use 3 to 64 of a-z, 0-9 and _, a letter first")
    if written.point not in known:
        raise RuleFileError(f"{source}: point: {written.point[:64]!r} is no decision point; choose {', '.join(sorted(known))}")
    if not written.owner.strip() or len(written.owner) > 64:
        raise RuleFileError(f"{source}: owner: whom to ask about the rule, at most 64 characters")
    allowed = list(verdicts[written.point])
    if written.verdict not in allowed:
        raise RuleFileError(f"{source}: verdict: {written.verdict[:64]!r} is none of {', '.join(allowed)}")
    if written.verdict == allowed[0]:
        raise RuleFileError(f"{source}: verdict: {allowed[0]} is what happens anyway; a rule asks for more than that")
    if len(written.cases) > CASES_LIMIT:
        raise RuleFileError(f"{source}: cases: at most {CASES_LIMIT}")
    names, counters = _names(written, known[written.point], source)
    by = written.canary_by or (canary_by or {}).get(written.point, "account")
    if by not in names:
        raise RuleFileError(f"{source}: canary_by: {by[:64]!r} is no value of {written.point}")
    checked = RuleFile(written, string, hashlib.sha256(text).hexdigest()[:32], counters, names, by)
    try:
        compiled = RuleSet([checked.rule()], names)
    except RuleError as error:
        raise RuleFileError(f"{source}: {error}") from None
    checked = msgspec.structs.replace(checked, cost=compiled.cost)
    _run_cases(checked, compiled, source)
    return checked


def _names(written: Written, known: Mapping[str, str], source: str) -> tuple[dict[str, str], tuple[Counter, ...]]:
    names = dict(known)
    for field, kind in written.fields.items():
        if not _FIELD.fullmatch(field) or kind not in TYPES:
            raise RuleFileError(f"{source}: fields.{field[:32]}: write name: type, the type one of {', '.join(TYPES)}")
        names[f"field.{field}"] = kind
    if len(written.counters) > COUNTERS_LIMIT:
        raise RuleFileError(f"{source}: counters: a rule brings at most {COUNTERS_LIMIT}")
    counters = []
    empty = Counters((), names, capacity_bytes=CAPACITY_MIN_BYTES)
    for name, declared in written.counters.items():
        try:
            counter = parse_counter(name, declared)
            empty.check(counter)
        except CounterError as error:
            raise RuleFileError(f"{source}: counters: {error}") from None
        counters.append(counter)
    for counter in counters:
        if names.setdefault(counter.name, "number") != "number":
            raise RuleFileError(f"{source}: counters.{counter.name}: this name is taken by a value of another kind; choose another")
    return names, tuple(counters)


def _run_cases(file: RuleFile, compiled: RuleSet, source: str) -> None:
    for number, case in enumerate(file.written.cases, 1):
        for name, value in case.given.items():
            if name not in file.names:
                raise RuleFileError(f"{source}: case {number}: {name[:64]!r} is no name that this rule may read")
            if not _plain(value):
                raise RuleFileError(f"{source}: case {number}: {name[:64]}: a number, text, true, false or a list of these is needed")
        said = compiled.explain(case.given)[file.name]
        told = {True: "hit", False: "miss", None: "unknown"}[said]
        if told != case.expect:
            raise RuleFileError(f"{source}: case {number}: the rule gives {told} where {case.expect} is expected, for {case.given}")


def _plain(value: Value) -> bool:
    if isinstance(value, list):
        return all(member is None or isinstance(member, bool | int | float | str) for member in value)
    return value is None or isinstance(value, bool | int | float | str)
