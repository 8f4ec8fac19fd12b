"""A question of an analyst, in the rule language, to the history.

    login where failures_prefix_10m > 20 and missing(ip.asn)
    ^ event type  ^ a condition as rules have it (docs/contracts/rules.md), over facts, counters and the decision's own: verdict, score, hits, …

    question = Question(text="login where score > 0.5", count=True, by=("ip.country",), since_us=…)
    reply = ask(session, question)            # Reply(columns=("ip.country", "events"), rows=[("AT", 12), …], sql="SELECT …")

Nothing of the question is ever part of the SQL but names that the history has: values are bound.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from wardline.engine.conditions.check import unknown_name
from wardline.engine.conditions.sql import to_sql
from wardline.engine.conditions.tree import Checked
from wardline.engine.rule import RuleError, check
from wardline.learning.history.columns import TYPES
from wardline.learning.history.compaction import Declared, declared_for
from wardline.learning.history.session import HistoryError, Session, quoted

LIMIT = 20
LIMIT_MOST = 10_000
COLUMNS_MOST = 32
_TEXT = re.compile(r"\s*(?P<type>\S+)(?:\s+where\s(?P<condition>.*))?\s*", re.DOTALL)
_AGO = re.compile(r"(\d{1,6})([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """See the module. select: names to show; count: how many instead of which, one number for each value of `by`.

    since_us, until_us: time of occurrence, microseconds since the epoch, the end excluded.
    """

    text: str
    select: tuple[str, ...] = ()
    count: bool = False
    by: tuple[str, ...] = ()
    since_us: int | None = None
    until_us: int | None = None
    limit: int = LIMIT


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """Rows under the names of their columns; more: there are more than were asked for. sql and parameters: what was run, the
    event type's name in place of its files."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    more: bool
    seconds: float
    sql: str
    parameters: tuple[Any, ...]


class Understood(msgspec.Struct, frozen=True):
    """A question that can be asked: of which event type, what is shown (nothing: what the condition reads), the checked condition, and the kinds of the
    names that there are."""

    type: str
    shown: tuple[str, ...]
    condition: Checked | None
    names: Mapping[str, str]


def understand(question: Question, types: Iterable[str], names: Callable[[str], Mapping[str, str]]) -> Understood:
    """The question, checked without the history's rows. Raises HistoryError and RuleError: what is wrong, where, what to do.

    types: the event types that there are; names: what rows of a type may have, and its kind.
    """
    type, condition = parse(question.text)
    there = sorted(types)
    if type not in there:
        if not there:
            raise HistoryError(
                "of events there are none yet: `wardline import` brings a history, and `wardline serve` takes them as they happen"
            )
        close = difflib.get_close_matches(type, there, n=1, cutoff=0.6)
        meant = f"did you mean {close[0]}? There" if close else "there"
        raise HistoryError(f"no event of type {type} is recorded; {meant} are {', '.join(there)}")
    if not 1 <= question.limit <= LIMIT_MOST:
        raise HistoryError(f"the limit is {question.limit}: 1 to {LIMIT_MOST} rows can be shown")
    if question.count and question.select:
        raise HistoryError("count and select exclude each other: count gives one number for each value of `by`")
    if question.by and not question.count:
        raise HistoryError("`by` belongs to count: wardline query … --count --by ip.country")
    known_names = names(type)
    shown = known(question.by if question.count else question.select, known_names)
    return Understood(type, shown, check(condition, known_names) if condition else None, known_names)


def ask(session: Session, question: Question, declared: Declared | None = None) -> Reply:
    """The reply. Raises HistoryError and RuleError: what is wrong, where, what to do.

    declared: names that may be asked for though no row knows them yet.
    """
    understood = understand(question, session.types(), lambda type: {**columns_of(declared, type), **session.names(type)})
    type, shown, checked, names = understood.type, understood.shown, understood.condition, understood.names
    reads = checked.reads if checked else ()
    where = to_sql(checked) if checked else None
    if not shown and not question.count:
        shown = tuple(dict.fromkeys(["occurred_us", "id", *(["verdict"] if "." not in type else []), *reads]))
    columns = dict.fromkeys([*shown, *reads, *([] if question.count else ["_occurred_us", "_seq"])])
    source = session.events(type, {name: names.get(name, "number") for name in columns}, question.since_us, question.until_us)
    filtered = f" WHERE {where.text}" if where else ""
    cells = ", ".join(map(quoted, shown))
    if question.count:
        groups = f" GROUP BY {cells}" if shown else ""
        order = f" ORDER BY events DESC{''.join(f', {quoted(name)}' for name in shown)}"
        sql = f"SELECT {cells}{', ' if shown else ''}count(*) AS events FROM {source}{filtered}{groups}{order}"  # noqa: S608 - names are quoted
    else:
        sql = f"SELECT {cells} FROM {source}{filtered} ORDER BY _occurred_us DESC, _seq DESC"  # noqa: S608
    sql += f" LIMIT {question.limit + 1}"
    parameters = where.parameters if where else ()
    answer = session.rows(sql, list(parameters), limit=question.limit)
    return Reply(
        columns=answer.columns,
        rows=[tuple(_whole(value) for value in row) for row in answer.rows],
        more=answer.more,
        seconds=answer.seconds,
        # Without the names of the files, which are many and say nothing.
        sql=sql.replace(source, quoted(type)),
        parameters=parameters,
    )


def parse(text: str) -> tuple[str, str]:
    """ "login where score > 0.5" -> ("login", "score > 0.5"). Raises HistoryError."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise HistoryError('ask like this: login where failures_account_10m > 5 and ip.country == "AT"')
    condition = found["condition"]
    if condition is not None and not condition.strip():
        raise HistoryError("a condition belongs behind `where`; to see all events, leave `where` out")
    return found["type"], (condition or "").strip()


def columns_of(declared: Declared | None, type: str) -> dict[str, str]:
    """The declared names of an event type that can be columns."""
    return {name: kind for name, kind in declared_for(declared, type).items() if kind in TYPES}


def known(names: tuple[str, ...], there: Mapping[str, str]) -> tuple[str, ...]:
    """The names, each once. Raises HistoryError for one that no row has, with the most similar one that some have."""
    if len(names) > COLUMNS_MOST:
        raise HistoryError(f"{len(names)} columns; at most {COLUMNS_MOST} can be shown")
    for name in names:
        if name not in there:
            raise HistoryError(unknown_name(name[:100], there))
    return tuple(dict.fromkeys(names))


def parse_time(text: str, now_us: int) -> int:
    """ "30d" (that long ago), "2026-11-21" or "2026-11-21T09:30" (UTC) in microseconds since the epoch. Raises HistoryError."""
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return now_us - int(ago[1]) * _SECONDS[ago[2]] * 1_000_000
    try:
        found = datetime.fromisoformat(text.strip())
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return int(found.timestamp() * 1_000_000)
    except (ValueError, OverflowError):
        raise HistoryError(f"{text[:40]!r} is no time: write 30d, 12h, 2026-11-21 or 2026-11-21T09:30") from None


def _whole(value: Any) -> Any:
    """Numbers that came in whole go out whole."""
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) <= 2**53 else value


__all__ = ["LIMIT", "Question", "Reply", "RuleError", "ask", "parse", "parse_time"]
