"""Python and DuckDB on random rules and a million random rows: how many answers differ.

    python benchmarks/rule_sql.py                         # 1,000,000 rows, 40 rules each, 800 rules in all
    python benchmarks/rule_sql.py --rows 100000 --seed 2
    python benchmarks/rule_sql.py --break                 # negative control: the SQL of one rule in each set is negated, and must be noticed

Rows come in blocks of 50,000, each with 40 rules of its own from tests/fuzz/rule_shapes.py. For every row and rule three answers are compared: the condition alone
(True, False, unknown), the hit of the fused set, and DuckDB's. Prints one JSON document; `different` is the number of answers that are not alike.
"""

import argparse
import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from wardline.engine.conditions.sql import quoted, to_sql
from wardline.engine.rule import Rule, RuleSet, compile_condition

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "fuzz"))
from rule_shapes import NAMES, NUMBERS, TEXTS, WHOLE, Shapes

BLOCK_ROWS = 50_000
TYPES = {"number": pa.float64(), "text": pa.string(), "bool": pa.bool_(), "list": pa.list_(pa.string())}


def columns(source: np.random.Generator, shapes: Shapes, rows: int) -> dict[str, list[Any]]:
    """A list of values for every name; a fifth is missing."""
    lists = [shapes.value("l1") for _ in range(500)]
    found = {}
    for name, kind in NAMES.items():
        pool: Any = {"number": NUMBERS, "text": TEXTS, "bool": (True, False), "list": lists}[kind] if name != "whole" else WHOLE
        chosen, missing = source.integers(0, len(pool), rows).tolist(), (source.random(rows) < 0.2).tolist()
        found[name] = [None if absent else pool[at] for at, absent in zip(chosen, missing, strict=True)]
        if name in ("n1", "n2"):  # some that no list holds
            drawn = (source.standard_normal(rows) * 10.0 ** source.integers(-3, 4, rows)).tolist()
            found[name] = [value if at % 3 else other for at, (value, other) in enumerate(zip(found[name], drawn, strict=True))]
    return found


def block(seed: int, rows: int, rules: int, negate: bool) -> dict[str, int]:
    """One block of rows with rules of its own."""
    shapes = Shapes(random.Random(seed))
    texts = [shapes.condition() for _ in range(rules)]
    conditions = [compile_condition(text, NAMES) for text in texts]
    judge = RuleSet([Rule(str(at), text) for at, text in enumerate(texts)], NAMES).judge
    values = columns(np.random.default_rng(seed), shapes, rows)

    table = pa.table({name: pa.array(values[name], pa.int64() if name == "whole" else TYPES[NAMES[name]]) for name in NAMES})
    connection = duckdb.connect()
    connection.register("facts", table)
    parts: list[str] = []
    parameters: tuple[Any, ...] = ()
    for at, condition in enumerate(conditions):
        made = to_sql(condition.checked, quoted, parameters)
        parameters = made.parameters
        parts.append(f"{'NOT ' if negate and at == 0 else ''}{made.text} AS answer{at}")
    found = connection.sql(f"SELECT {', '.join(parts)} FROM facts", params=list(parameters)).to_arrow_table()
    by_sql = [found.column(at).to_pylist() for at in range(rules)]

    names = list(NAMES)
    facts = [dict(zip(names, row, strict=True)) for row in zip(*(values[name] for name in names), strict=True)]
    counted = {"answers": 0, "true": 0, "unknown": 0, "different": 0, "different_in_the_set": 0, "raised": 0}
    for condition, answers in zip(conditions, by_sql, strict=True):
        evaluate = condition.evaluate
        ours = [evaluate(row) for row in facts]
        counted["answers"] += rows
        counted["true"] += ours.count(True)
        counted["unknown"] += ours.count(None)
        if ours != answers:
            counted["different"] += sum(one is not other for one, other in zip(ours, answers, strict=True))
            print("different:", condition.text[:300], file=sys.stderr)
    hits = [0] * rules
    for row in facts:
        judged = judge(row)
        counted["raised"] += len(judged.errors)
        for hit in judged.hits:
            hits[int(hit.rule)] += 1
    counted["different_in_the_set"] = sum(abs(number - answers.count(True)) for number, answers in zip(hits, by_sql, strict=True))
    return counted


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=1_000_000)
    arguments.add_argument("--rules", type=int, default=40, help="rules of each block")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--break", dest="negate", action="store_true", help="negative control")
    options = arguments.parse_args()
    started = time.perf_counter()
    total: dict[str, int] = {}
    blocks = 0
    for begin in range(0, options.rows, BLOCK_ROWS):
        rows = min(BLOCK_ROWS, options.rows - begin)
        for name, number in block(options.seed * 100_000 + blocks, rows, options.rules, options.negate).items():
            total[name] = total.get(name, 0) + number
        blocks += 1
    figures = {
        "rows": options.rows,
        "rules": blocks * options.rules,
        "duckdb": duckdb.__version__,
        "seconds": round(time.perf_counter() - started, 1),
        **total,
    }
    print(json.dumps(figures, indent=1))
    sys.exit(bool(total["different"] or total["different_in_the_set"]))


if __name__ == "__main__":
    main()
