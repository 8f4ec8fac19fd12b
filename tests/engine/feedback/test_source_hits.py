"""Sources are told what became of what they hit: on a real program, with a real list."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from wardline.app import Program
from wardline.base.config import Config
from wardline.engine.feedback.labelling import Statement
from wardline.engine.feedback.source_hits import hit_by
from wardline.engine.kept import KeptEvent, pack
from wardline.engine.record import Record


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    folder = tmp_path / "data" / "sources"
    folder.mkdir(parents=True)
    (folder / "vpn.toml").write_text('kind = "vpn"\npath = "vpn.txt"\n')
    (folder / "vpn.txt").write_text("192.0.2.0/24\n")
    made = Program.open(tmp_path / "data", Config(), starter=False)
    await write(made, "e1", "192.0.2.7", "account:00")
    await write(made, "e2", "192.0.2.8", "account:00")
    await write(made, "e3", "198.51.100.1", "account:01")
    yield made
    await made.close()


async def write(program: Program, event_id: str, address: str, account: str) -> None:
    facts = {"account": account, **program.sources.ip_facts(address, 1_700_000_000_000_000)}
    kept = KeptEvent(id=event_id, type="login", occurred_us=1_700_000_000_000_000, facts=facts)  # type: ignore[arg-type]
    await program.shard.write("decision", event_id, point="login", body=pack(kept), keys=(account,))


async def label(program: Program, about: object, abusive: bool) -> str:
    return (await program.labelling.add(Statement(about=about, abusive=abusive, source="desk"), keyed=True)).id


def counts(program: Program) -> tuple[int, int]:
    shown = program.sources.status()[0]
    return shown.labelled_hits, shown.false_hits


async def test_labels_about_events(program: Program) -> None:
    await label(program, "e1", True)
    assert counts(program) == (1, 0)
    second = await label(program, "e2", False)
    assert counts(program) == (2, 1)
    await label(program, "e2", False)  # said again
    assert counts(program) == (2, 1)
    await label(program, "e3", False)  # nothing hit it
    await label(program, "unknown", False)
    assert counts(program) == (2, 1)
    await label(program, "e1", False)  # the last word counts
    assert counts(program) == (2, 2)
    await program.labelling.withdraw(second)  # not the last word about it: it was said again
    assert counts(program) == (2, 2)


async def test_a_withdrawn_label_is_taken_back(program: Program) -> None:
    given = await label(program, "e1", False)
    await program.labelling.withdraw(given)
    assert counts(program) == (0, 0)


def test_names_from_every_kind_of_fact() -> None:
    facts = {"ip.sources_hit": ["a", "b"], "email.sources_hit": ["b", "c"], "user_agent.sources_hit": "x", "hour": 5}
    kept = KeptEvent(id="e", type="login", occurred_us=1, facts=facts)  # type: ignore[arg-type]
    record = Record(1, 0, "event", "e", 5, "login", "", (), 1, pack(kept))
    other = Record(2, 0, "event", "e", 5, "mail.in", "", (), 1, b"\xc1")
    assert hit_by([record, other, record]) == ("a", "b", "c")


async def test_labels_about_entities_count_for_their_events(program: Program) -> None:
    hidden = program.pseudonyms.of("account", "alice")
    await write(program, "e4", "192.0.2.9", hidden)
    await label(program, {"account": "alice"}, False)
    assert counts(program) == (1, 1)
