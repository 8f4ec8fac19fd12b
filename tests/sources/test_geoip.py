"""The legacy GeoIP format, written here by its description."""

from pathlib import Path

import pytest

from wardline.protocols import ip
from wardline.sources.geoip import read_geoip
from wardline.sources.reading import SourceError


def make(networks: dict[str, str], edition: int = 9) -> bytes:
    """A file that holds the networks (no nested ones)."""
    bits = 32 if edition == 9 else 128
    nodes: list[list[object]] = [[None, None]]
    for network, text in networks.items():
        base, _, length = network.partition("/")
        found = ip.parse(base)
        assert found is not None
        at = 0
        for depth in range(int(length)):
            side = found[1] >> (bits - 1 - depth) & 1
            if depth == int(length) - 1:
                nodes[at][side] = text
            else:
                if nodes[at][side] is None:
                    nodes.append([None, None])
                    nodes[at][side] = len(nodes) - 1
                at = nodes[at][side]  # type: ignore[assignment]
    texts, tree = b"\0", b""
    for node in nodes:
        for record in node:
            if isinstance(record, str):
                tree += (len(nodes) + len(texts)).to_bytes(3, "little")
                texts += record.encode("latin-1") + b"\0"
            else:
                tree += (len(nodes) if record is None else int(record)).to_bytes(3, "little")  # type: ignore[call-overload]
    return tree + texts + b"\xff\xff\xff" + bytes((edition,)) + len(nodes).to_bytes(3, "little")


def write(folder: Path, data: bytes) -> Path:
    path = folder / "asn.dat"
    path.write_bytes(data)
    return path


def test_networks_and_their_texts(tmp_path: Path) -> None:
    table, notes = read_geoip(
        write(tmp_path, make({"192.0.2.0/24": "AS64500 Exampl\xe9 Net", "198.51.100.0/25": "AS64501", "10.0.0.0/8": "no number"}))
    )
    assert table.facts(*ip.parse("192.0.2.7")) == (("ip.asn", 64500), ("ip.as_name", "Exampl\xe9 Net"))  # type: ignore[misc]
    assert table.facts(*ip.parse("198.51.100.127")) == (("ip.asn", 64501),)  # type: ignore[misc]
    assert table.facts(*ip.parse("198.51.100.128")) == ()  # type: ignore[misc]
    assert table.facts(*ip.parse("10.0.0.1")) == ()  # type: ignore[misc]
    assert notes.entries == 2


def test_ipv6(tmp_path: Path) -> None:
    table, _ = read_geoip(write(tmp_path, make({"2001:db8::/32": "AS64500 Example"}, edition=21)))
    assert table.facts(*ip.parse("2001:db8::1")) == (("ip.asn", 64500), ("ip.as_name", "Example"))  # type: ignore[misc]


GOOD = make({"192.0.2.0/24": "AS64500 Example"})
NODES = int.from_bytes(GOOD[-3:], "little")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is empty"),
        (b"x" * 100, "no legacy GeoIP"),
        (GOOD[:-4], "no legacy GeoIP"),
        (GOOD[60:], "cut off|out of the file|circles|names no"),
        (GOOD[:-4] + b"\x01" + GOOD[-3:], "edition 1"),
        (GOOD[:-3] + b"\xff\xff\xff", "cut off|no legacy"),
        (b"\0" * (6 * NODES) + GOOD[6 * NODES :], "circles"),
        (b"\xff" * (6 * NODES) + GOOD[6 * NODES :], "out of the file"),
        (NODES.to_bytes(3, "little") * (2 * NODES) + GOOD[6 * NODES :], "no AS number"),
    ],
)
def test_what_is_no_sound_file(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read_geoip(write(tmp_path, data))
