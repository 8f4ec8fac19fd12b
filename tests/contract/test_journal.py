"""What every journal keeps, whatever stands behind it: SQLite, PostgreSQL, MariaDB.

durable before the receipt is done · in order, without gaps · found by id, key and subject at once and later · nothing changes afterwards ·
erased and expired for good, and said so · equal after closing and opening
"""

from collections.abc import Callable
from pathlib import Path

import pytest
from databases import DatabaseServer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardline.base.clock import FixedClock
from wardline.engine.record import KINDS, Record
from wardline.engine.servers.index import on_server
from wardline.engine.sql.indices import embedded
from wardline.engine.store.journal import Journal, Settings

DAY_US = 86_400_000_000
NOW_US = 20_000 * DAY_US
QUICK = Settings(segment_bytes=64 << 10, index_interval_seconds=0.005, checkpoint_bytes=64 << 10, min_free_bytes=0)
LAZY = Settings(segment_bytes=1 << 20, index_interval_seconds=3600, min_free_bytes=0)


STORES = {"indexed at once": QUICK, "indexed late": LAZY}
Store = Callable[[Path], Journal]


@pytest.fixture(params=["sqlite, indexed at once", "sqlite, indexed late", "postgresql, indexed at once", "mariadb, indexed at once"])
def store(request: pytest.FixtureRequest) -> Store:
    """Opens the journal of a data folder, in each of the databases."""
    kind, _, how = request.param.partition(", ")
    server: DatabaseServer | None = None if kind == "sqlite" else request.getfixturevalue(kind)

    def opened(path: Path) -> Journal:
        index = embedded if server is None else on_server(server.address_for(path))
        return Journal.open(path, settings=STORES[how], clock=FixedClock(NOW_US), index=index)

    return opened


texts = st.text(st.characters(codec="utf-8"), max_size=12)
records = st.builds(
    Record,
    st.just(0),
    st.integers(0, 3),
    st.sampled_from([kind for kind in KINDS if kind != "vault"]),
    texts,
    st.integers(0, 1 << 55),
    texts,
    st.sampled_from(["", "account:1", "account:2"]),
    st.lists(st.sampled_from(["k:1", "k:2", "k:é", ""]), max_size=3, unique=True).map(tuple),
    st.integers(1, 300),
    st.binary(max_size=300),
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(records, max_size=40))
def test_what_was_written_is_read_and_found(store: Store, tmp_path_factory: pytest.TempPathFactory, written: list[Record]) -> None:
    path = tmp_path_factory.mktemp("journal")
    expected = [record.with_seq(seq) for seq, record in enumerate(written, 1)]
    journal = store(path)
    for record in written:
        receipt = journal.append(record)
    if written:
        assert receipt.result(30) == len(written) == journal.durable_seq == journal.last_seq
    for again in (False, True):
        if again:
            journal.close()
            journal = store(path)
        assert journal.next_seq == len(written) + 1
        assert list(journal.read()) == expected
        for record in expected:
            first = next(r for r in expected if (r.kind, r.id) == (record.kind, record.id))
            assert journal.find_id(record.kind, record.id) == first
        for key in ("k:1", "k:é", "account:1", "nowhere"):
            assert journal.find_key(key, 5) == [r for r in reversed(expected) if key in r.keys][:5]
        assert journal.find_subject("account:1", 3) == [r for r in reversed(expected) if r.subject == "account:1"][:3]
        assert list(journal.read(3, 7, ("event", "label"))) == [r for r in expected if 3 <= r.seq <= 7 and r.kind in ("event", "label")]
        assert journal.verify() == (len(written), [])
    journal.close()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(written=st.lists(records, max_size=30))
def test_an_erased_subject_is_gone_and_said_to_be(store: Store, tmp_path_factory: pytest.TempPathFactory, written: list[Record]) -> None:
    path = tmp_path_factory.mktemp("journal")
    with store(path) as journal:
        for record in written:
            journal.append(record)
        expected = [record.with_seq(seq) for seq, record in enumerate(written, 1) if record.subject != "account:1"]
        assert journal.erase("account:1") == len(written) - len(expected)
    with store(path) as journal:
        assert list(journal.read()) == expected
        assert journal.find_subject("account:1") == []
        gone = {seq for gap in journal.gaps() for seq in range(gap.first_seq, gap.last_seq + 1)}
        assert gone == set(range(1, len(written) + 1)) - {record.seq for record in expected}
        assert all((gap.at_us, gap.reason) == (NOW_US, "subject") for gap in journal.gaps())
        assert journal.next_seq == len(written) + 1


def test_retention_is_per_kind_and_remembered(store: Store, tmp_path: Path) -> None:
    with store(tmp_path) as journal:
        for age_days in range(10):
            for kind in ("event", "decision"):
                journal.append(Record(0, 0, kind, f"{kind}{age_days}", NOW_US - age_days * DAY_US, "mail", "account:1"))
        assert journal.expire(NOW_US, {"event": 3, "decision": 7, "label": 1}) == 6 + 2
        kept = [record.id for record in journal.read()]
        assert kept == [
            f"{kind}{age}" for age in range(10) for kind in ("event", "decision") if age <= (3 if kind == "event" else 7)
        ]  # fmt: skip
        assert journal.expired_before_us() == {"event": NOW_US - 3 * DAY_US, "decision": NOW_US - 7 * DAY_US, "label": NOW_US - DAY_US}
        assert journal.expire(NOW_US, {"event": 3}) == 0
        assert (journal.whole_from_us("event"), journal.whole_from_us("label")) == (NOW_US - 3 * DAY_US, -1)
        assert journal.whole_from_us() == NOW_US - 3 * DAY_US


def test_retention_that_took_nothing_leaves_the_journal_whole(store: Store, tmp_path: Path) -> None:
    with store(tmp_path) as journal:
        assert journal.expire(NOW_US, {"event": 5, "label": 5}) == 0
        for age_days in (4, 3, 2, 1):
            journal.append(Record(0, 0, "event", f"event{age_days}", NOW_US - age_days * DAY_US, "login", "account:1"))
        assert journal.expire(NOW_US, {"event": 5}) == 0 and journal.whole_from_us() == -1
        assert journal.expire(NOW_US, {"event": 3}) == 1 and journal.whole_from_us("event", "decision") == NOW_US - 3 * DAY_US
        assert journal.expire(NOW_US, {"event": 3}) == 0 and journal.whole_from_us() == NOW_US - 3 * DAY_US
        assert journal.whole_from_us("decision") == -1


async def test_a_receipt_can_be_awaited(store: Store, tmp_path: Path) -> None:
    with store(tmp_path) as journal:
        first = journal.append(Record(0, 0, "event", "a", 1))
        second = journal.append(Record(0, 0, "event", "b", 1))
        assert await second == 2
        assert first.done
        assert await journal.receipt(1) == 1
