"""The compiled twin of htmlscan.scan."""

from collections.abc import Mapping

def tables(elements: Mapping[bytes, tuple[int, ...]], entities: Mapping[bytes, bytes], colours: Mapping[bytes, int], /) -> object: ...
def scan(
    head: bytes, tail: bytes, caps: tuple[int, ...], tables: object, /
) -> tuple[bytes, bytes, bytes, bytes, bytes, bytes, list[tuple[bytes, bytes, int, int]], int, int, tuple[int, ...]]: ...
