"""Tables with a truth in them: what shipped maps say of each row, apart from its events.

    list(truths_of("rba", lines))     [{"id": "rba-0", "type": "login", "account": "-43…", "truth": "legit", "kind": None, "history": 0, …}]

Truth goes to a file of its own and never into an event (docs/evaluation.md). Memory: one number for each account.
"""

import csv
from collections.abc import Iterable, Iterator
from importlib import resources
from typing import Any

from wardline.gateways.table import TableError

SHIPPED = ("rba",)


def shipped_map(name: str) -> bytes:
    """The text of a map that ships. Raises TableError."""
    if name not in SHIPPED:
        there = f"{', '.join(SHIPPED)}, and sshd for the log of an SSH server"
        raise TableError(f"no map {name[:64]!r} ships; there is {there}. Write one of your own and give it with --map")
    return resources.files("wardline.gateways").joinpath("tables", f"{name}.toml").read_bytes()


def truths_of(name: str, lines: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The truth of every row, in order. Raises TableError for a table without the columns."""
    shipped_map(name)
    reader = csv.DictReader(lines)
    needed = ("index", "User ID", "Login Successful", "Is Attack IP", "Is Account Takeover")
    missing = [column for column in needed if column not in (reader.fieldnames or ())]
    if missing:
        raise TableError(f"the table has no column {missing[0]!r}: is it the {name} set?")
    past: dict[str, int] = {}
    for row in reader:
        account, success = row["User ID"] or "", row["Login Successful"] == "True"
        kind = "takeover" if row["Is Account Takeover"] == "True" else "attack_ip" if row["Is Attack IP"] == "True" else None
        yield {
            "id": f"rba-{row['index']}",
            "type": "login",
            "account": account,
            "truth": "attack" if kind else "legit",
            "kind": kind,
            "campaign": None,
            "tags": [],
            "history": past.get(account, 0),
            "password": success,
        }
        if success and not kind:
            past[account] = past.get(account, 0) + 1
