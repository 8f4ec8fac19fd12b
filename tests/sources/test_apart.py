"""Loading in a child: the same table as in place, the same errors, and no harm from a child that fails."""

from pathlib import Path

import pytest

from wardline.protocols import ip
from wardline.sources import apart
from wardline.sources.apart import load_apart
from wardline.sources.declaration import Source
from wardline.sources.loading import load
from wardline.sources.rangefiles import FactTable, FlagTable
from wardline.sources.reading import SourceError

LIST = "".join(f"192.0.{third}.0/25\n2001:db8:{third:x}::/48\n" for third in range(200))
DATED = "cidr,first_seen,last_removed\n" + "".join(
    f"192.0.{third}.0/25,{third},{third + 50}\n192.0.0.0/16,{third * 9},\n" for third in range(1, 99)
)
FACTS = "network,asn,as_name,country\n" + "".join(f"192.0.{third}.0/25,{64500 + third},Exampl\xe9 {third},AT\n" for third in range(200))
ADDRESSES = ["192.0.7.1", "192.0.7.200", "192.1.0.0", "2001:db8:7::1", "2001:db9::"]


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "SMALL_BYTES", 0)


def declared(folder: Path, kind: str, content: str, form: str = "") -> Source:
    path = folder / ("list.csv" if content.count(",") > 50 else "list.txt")
    path.write_text(content, "utf-8")
    return Source(name="a", kind=kind, path=str(path), format=form)


@pytest.mark.parametrize("content", [LIST, DATED])
def test_lists(tmp_path: Path, content: str) -> None:
    source = declared(tmp_path, "tor", content)
    here, there = load(source), load_apart(source)
    assert isinstance(here.table, FlagTable) and isinstance(there.table, FlagTable)
    assert (here.notes, here.stamp, here.as_of_s, here.memory_bytes) == (there.notes, there.stamp, there.as_of_s, there.memory_bytes)
    assert here.table.ranges.arrays == there.table.ranges.arrays
    assert (here.table.ranges.count, here.table.families) == (there.table.ranges.count, there.table.families)
    for address in ADDRESSES:
        place = ip.parse(address)
        assert place is not None
        for at_s in (0, 5, 60, 900, 1 << 33):
            assert here.table.holds(*place, at_s) is there.table.holds(*place, at_s)


def test_facts(tmp_path: Path) -> None:
    source = declared(tmp_path, "network", FACTS)
    here, there = load(source).table, load_apart(source).table
    assert isinstance(here, FactTable) and isinstance(there, FactTable)
    for address in ADDRESSES:
        place = ip.parse(address)
        assert place is not None
        assert here.facts(*place) == there.facts(*place)


def test_domains_and_as_numbers(tmp_path: Path) -> None:
    assert load_apart(declared(tmp_path, "disposable", "example.com\nexample.net\n")).table.domains == {"example.com", "example.net"}
    assert load_apart(declared(tmp_path, "hosting", "AS64500\nAS64501\n", "asn")).table.asns == {64500, 64501}


def test_an_error_is_the_same(tmp_path: Path) -> None:
    source = declared(tmp_path, "tor", "<html>\n")
    with pytest.raises(SourceError) as here:
        load(source)
    with pytest.raises(SourceError) as there:
        load_apart(source)
    assert str(here.value) == str(there.value)


def test_a_child_that_dies_is_a_fault_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "_MODULE", "wardline.no_such_module")
    with pytest.raises(SourceError, match="whoever read it died"):
        load_apart(declared(tmp_path, "tor", LIST))


def test_a_child_that_takes_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "TIME_LIMIT_SECONDS", 0.0)
    with pytest.raises(SourceError, match="was not read within"):
        load_apart(declared(tmp_path, "tor", LIST))


@pytest.mark.parametrize("size", [0, 1 << 30])
def test_without_a_child_it_is_read_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(apart, "SMALL_BYTES", size)
    monkeypatch.setattr(apart.sys, "executable", str(tmp_path / "missing"))
    assert load_apart(declared(tmp_path, "tor", LIST)).notes.entries == 400
