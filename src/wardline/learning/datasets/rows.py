"""Labelled decisions as a table: what was logged with each, and what is true of it by the labels.

    table = gather(session, "signup", recipe, known(labels, now_us), since_us=None, until_us=now_us)
    _id  _occurred_us  _shipped  _abusive  form_ms  user_agent.os  …       in order of time

Every value is the one that the decision was made on (origin: logged at decision time); none is computed afterwards, when more was known. `_shipped` is the
log-odds of the detectors alone: what a model of that time added is taken off. A decision that came after its label is left out, since its values may
hold what the label caused. An event's own label goes before one about its account.
"""

from collections.abc import Iterable, Iterator

import pyarrow as pa

from wardline.engine.feedback.labels import Labels
from wardline.engine.model import EVIDENCE, Recipe
from wardline.learning.backtest import Known
from wardline.learning.history.session import Session, quoted

ORIGIN = "logged at decision time"
ROWS_LIMIT = 400_000  # the newest are taken


def known(labels: Labels, now_us: int) -> Iterator[Known]:
    """What the labels come to, thing by thing, each from when it was first said."""
    for about in list(labels.things):
        standing = labels.standing(about, now_us=now_us)
        if standing.abusive is None:
            continue
        said = [one.said_us for _source, one in labels.of(about) if not one.withdrawn_seq and one.abusive == standing.abusive]
        if said:
            yield Known(about=about, abusive=standing.abusive, confidence=standing.confidence, time_us=min(said))


def names_of(recipe: Recipe) -> dict[str, str]:
    """The columns that a recipe wants of the history, with their kinds."""
    found = dict.fromkeys(recipe.groups, "text")
    found.update(dict.fromkeys(recipe.texts, "text"))
    found.update(dict.fromkeys(recipe.numbers, "number"))
    return found


def gather(
    session: Session, point: str, recipe: Recipe, labels: Iterable[Known], *, since_us: int | None = None, until_us: int | None = None
) -> pa.Table:
    """The rows, at most ROWS_LIMIT. Raises HistoryError, StorageDamaged."""
    every = list(labels)
    session.give(
        "labels",
        pa.table(
            {
                "about": pa.array([one.about for one in every], pa.string()),
                "abusive": pa.array([one.abusive for one in every], pa.bool_()),
                "time_us": pa.array([one.time_us for one in every], pa.int64()),
            }
        ),
    )
    wanted = names_of(recipe)
    source = session.events(point, {**wanted, **_OWN, "account": "text", EVIDENCE: "number"}, since_us, until_us)
    kinds = session.kinds(point)
    columns = ", ".join(_column(name, kind, kinds.get(name, kind)) for name, kind in wanted.items())
    joins, found = [], []
    for which in recipe.labels:
        key = "'event:' || e._id" if which == "event" else "e.account"
        joins.append(f"LEFT JOIN labels AS by_{which} ON by_{which}.about = {key}")
        found.append(f"by_{which}")
    abusive = ", ".join(f"{name}.abusive" for name in found)
    times = ", ".join(f"{name}.time_us" for name in found)
    return session.arrow(
        # Names are the recipe's and come quoted; nothing of a caller's is in the text.
        f"SELECT e._id, e._seq, e._occurred_us, e._log_odds - coalesce(e.{quoted(EVIDENCE)}, 0) AS _shipped,"  # noqa: S608
        f" coalesce({abusive}) AS _abusive{', ' + columns if columns else ''} FROM {source} AS e {' '.join(joins)}"
        f" WHERE coalesce({abusive}) IS NOT NULL AND e._occurred_us < coalesce({times}) AND e._log_odds IS NOT NULL"
        f" ORDER BY e._occurred_us DESC, e._seq DESC LIMIT {ROWS_LIMIT}"
    ).sort_by([("_occurred_us", "ascending"), ("_seq", "ascending")])


def decisions(session: Session, point: str, since_us: int | None = None, until_us: int | None = None) -> int:
    """How many decisions there are, labelled or not."""
    source = session.events(point, ["_seq"], since_us, until_us)
    return int(session.rows(f"SELECT count(*) FROM {source}").rows[0][0])  # noqa: S608 - see above


_OWN = {"_id": "text", "_seq": "number", "_occurred_us": "number", "_log_odds": "number"}


def _column(name: str, wanted: str, there: str) -> str:
    """One column as the recipe takes it. Flags are numbers to a model; what is kept as another kind than the recipe says is unknown in service too."""
    if wanted == "number" and there == "bool":
        return f"e.{quoted(name)}::DOUBLE AS {quoted(name)}"
    if wanted != there:
        return f"CAST(NULL AS {'DOUBLE' if wanted == 'number' else 'VARCHAR'}) AS {quoted(name)}"
    return f"e.{quoted(name)} AS {quoted(name)}"
