"""MaxMind DB files: sound ones of several makers' shapes, and damaged ones."""

import random
from pathlib import Path
from typing import Any

import pytest
from sources.mmdb import EPOCH_S, make_mmdb, write_mmdb

from wardline.protocols import ip
from wardline.sources.maxmind import CACHE_LIMIT, read_mmdb, read_record
from wardline.sources.reading import SourceError

RECORD = {
    "autonomous_system_number": 64500,
    "autonomous_system_organization": "Example Net",
    "country": {"iso_code": "AT"},
    "is_anonymous_vpn": True,
}


def test_networks_of_both_families(tmp_path: Path) -> None:
    database, notes = read_mmdb(write_mmdb(tmp_path / "a.mmdb", {"192.0.2.0/24": RECORD, "2001:db8::/32": {"asn": "AS64501"}}))
    assert database.facts(*ip.parse("192.0.2.7")) == (("ip.asn", 64500), ("ip.as_name", "Example Net"), ("ip.country", "AT"))  # type: ignore[misc]
    assert database.marks(*ip.parse("192.0.2.7")) == ("ip.vpn",)  # type: ignore[misc]
    assert database.facts(*ip.parse("2001:db8::1")) == (("ip.asn", 64501),)  # type: ignore[misc]
    assert database.facts(*ip.parse("192.0.3.1")) == ()  # type: ignore[misc]
    assert notes.as_of_s == EPOCH_S
    assert database.families == {4, 6}


def test_a_database_of_ipv4_alone(tmp_path: Path) -> None:
    database, _ = read_mmdb(write_mmdb(tmp_path / "a.mmdb", {"192.0.2.0/24": RECORD}, version=4))
    assert database.families == {4}
    assert database.facts(*ip.parse("192.0.2.7"))  # type: ignore[misc]
    assert database.facts(*ip.parse("2001:db8::1")) == ()  # type: ignore[misc]


def test_what_is_remembered_is_bounded(tmp_path: Path) -> None:
    database, _ = read_mmdb(write_mmdb(tmp_path / "a.mmdb", {"192.0.2.0/24": RECORD}))
    for address in range(CACHE_LIMIT + 100):
        database.facts(4, address)
    assert len(database._cache) <= CACHE_LIMIT


@pytest.mark.parametrize(
    ("record", "facts", "marks"),
    [
        ({"asn": 64500, "as_name": "A", "country_code": "at"}, (("ip.asn", 64500), ("ip.as_name", "A"), ("ip.country", "AT")), ()),
        ({"country": "AT", "hosting": "true", "vpn": True, "tor": False}, (("ip.country", "AT"),), ("ip.hosting", "ip.vpn")),
        ({"registered_country": {"iso_code": "DE"}, "traits": {"is_tor_exit_node": True}}, (("ip.country", "DE"),), ("ip.tor",)),
        ({"country": ["AT"], "asn": {"a": 1}, "vpn": {"a": 1}, "as_name": b"x", "traits": 5}, (), ()),
        ({"asn": True, "country": {"iso_code": 7}}, (), ()),
        ({"as_name": "x" * 100_000}, (("ip.as_name", "x" * 64),), ()),
        ({}, (), ()),
    ],
)
def test_records_of_any_shape(record: dict[str, Any], facts: tuple[tuple[str, int | str], ...], marks: tuple[str, ...]) -> None:
    assert read_record(record) == (facts, marks)


GOOD = make_mmdb({"192.0.2.0/24": RECORD, "0.0.0.0/1": {"asn": 1}, "2001:db8::/32": RECORD} | {"128.0.0.0/2": RECORD})


@pytest.mark.parametrize(
    "data",
    [
        b"x" * 1000,
        GOOD[:-100],
        GOOD[:100],
        GOOD[100:],
        GOOD[: len(GOOD) // 2],
        b"\xab\xcd\xefMaxMind.com",
        b"\xff" * 600 + GOOD[600:],
    ],
)
def test_what_is_no_database(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.mmdb"
    path.write_bytes(data)
    with pytest.raises(SourceError, match="MaxMind DB"):
        read_mmdb(path)


def test_damage_anywhere_is_an_error_or_an_unknown_address(tmp_path: Path) -> None:
    path, chance = tmp_path / "a.mmdb", random.Random(1)
    for _ in range(300):
        data = bytearray(GOOD)
        for _ in range(chance.randrange(1, 9)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data)
        try:
            database, _ = read_mmdb(path)
        except SourceError:
            continue
        for address in ("192.0.2.1", "1.2.3.4", "130.0.0.1", "2001:db8::1"):
            assert isinstance(database.facts(*ip.parse(address)), tuple)  # type: ignore[misc]


def test_a_file_cut_short_under_our_hands_ends_nothing(tmp_path: Path) -> None:
    path = write_mmdb(tmp_path / "a.mmdb", {"192.0.2.0/24": RECORD})
    database, _ = read_mmdb(path)
    with path.open("r+b") as file:
        file.truncate(10)
    assert database.facts(*ip.parse("192.0.2.7"))  # type: ignore[misc]
