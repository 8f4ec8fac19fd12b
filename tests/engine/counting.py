"""The back ends of the counters that this machine has: the plain tables, and the compiled ones where they were built."""

from wardline.engine.counters import compiled
from wardline.engine.keytable import KeyTables

BACK_ENDS = list(dict.fromkeys([KeyTables, compiled()]))
