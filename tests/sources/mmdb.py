"""Writes small MaxMind DB files, by the file format specification 2.0, so that tests need nobody's database.

write_mmdb(path, {"192.0.2.0/24": {"autonomous_system_number": 64500}})
"""

from pathlib import Path
from typing import Any

from wardline.protocols import ip

EPOCH_S = 1_790_000_000


def _value(value: Any) -> bytes:
    if isinstance(value, bool):
        return bytes((int(value), 7))
    if isinstance(value, str):
        return _head(2, len(value.encode())) + value.encode()
    if isinstance(value, dict):
        return _head(7, len(value)) + b"".join(_value(key) + _value(member) for key, member in value.items())
    if isinstance(value, list):
        return bytes((len(value), 4)) + b"".join(map(_value, value))
    if isinstance(value, tuple):
        return _number(*value)
    return _number(value, 6)


def _number(value: int, kind: int) -> bytes:
    """kind: 5, 6 and 9 for 16, 32 and 64 bits without a sign."""
    data = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return (_head(kind, len(data)) if kind < 8 else bytes((len(data), kind - 7))) + data


def _head(kind: int, size: int) -> bytes:
    assert size < 285
    return bytes((kind << 5 | size,)) if size < 29 else bytes((kind << 5 | 29, size - 29))


def make_mmdb(networks: dict[str, Any], version: int = 6, epoch_s: int = EPOCH_S) -> bytes:
    """The bytes of a database with 24-bit records; networks must not overlap. In an IPv6 tree IPv4 lives under ::/96."""
    nodes: list[list[Any]] = [[None, None]]
    data, places = b"", {}
    for network, record in networks.items():
        found = ip.span(network)
        assert found is not None
        family, low, high, _ = found
        length = ip.BITS[family] - (high - low).bit_length() + (96 if version == 6 and family == 4 else 0)
        bits = 128 if version == 6 else 32
        places[network] = len(data)
        data += _value(record)
        at = 0
        for depth in range(length):
            side = low >> (bits - 1 - depth) & 1
            if depth == length - 1:
                nodes[at][side] = network
            else:
                if nodes[at][side] is None:
                    nodes.append([None, None])
                    nodes[at][side] = len(nodes) - 1
                at = nodes[at][side]
    count = len(nodes)
    tree = b"".join(
        (count if record is None else count + 16 + places[record] if isinstance(record, str) else record).to_bytes(3, "big")
        for node in nodes
        for record in node
    )
    metadata = {"node_count": count, "record_size": (24, 5), "ip_version": (version, 5), "database_type": "Test", "languages": ["en"],
                "binary_format_major_version": (2, 5), "binary_format_minor_version": (0, 5), "build_epoch": (epoch_s, 9), "description": {"en": "test"}}  # fmt: skip
    return tree + b"\0" * 16 + data + b"\xab\xcd\xefMaxMind.com" + _value(metadata)


def write_mmdb(path: Path, networks: dict[str, Any], version: int = 6, epoch_s: int = EPOCH_S) -> Path:
    """The same into a file."""
    path.write_bytes(make_mmdb(networks, version, epoch_s))
    return path
