"""Counters for tests: the back ends that this machine has (the plain tables, and the compiled ones where they were built), and one to begin with."""

from collections.abc import Callable

from wardline.engine.counting.counter import Counter
from wardline.engine.counting.counter_store import CounterStore
from wardline.engine.counting.counters import compiled
from wardline.engine.counting.keytable import KeyTables

BACK_ENDS = list(dict.fromkeys([KeyTables, compiled()]))
NAMES = {"ip": "text", "account": "text", "result": "text", "amount": "number"}
SECOND = 1_000_000
T = 1_790_000_000 * SECOND
LOGINS = Counter(name="logins", kind="count", on=("login",), by=("ip",), window_seconds=600)

Make = Callable[..., CounterStore]
